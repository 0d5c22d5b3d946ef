//! Slack, by its OAuth v2 install flow.

use tieline_core::prelude::*;

/// Slack over OAuth 2.0, authorization code grant: a token for the app's bot, and one for the person if asked for.
#[derive(Debug)]
pub struct Slack;

static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor {
    category: Category::Collaboration,
    authentication: Authentication::AuthorizationCode(OAuth2 {
        authorization_endpoint: "https://slack.com/oauth/v2/authorize",
        token_endpoint: "https://slack.com/api/oauth.v2.access",
        revocation_endpoint: Stated::Known("https://slack.com/api/auth.revoke"),
        code_challenge: CodeChallenge::Refused("only for apps without a secret (its docs, 2026)"),
        scopes: &["channels:read", "chat:write", "users:read"],
        scope_separator: ",",
        https_redirect_uri_only: true,
        authorization: AuthorizationRequest {
            extra: &[("user_scope", Extra::Scopes(USER_SCOPE))],
            ..AuthorizationRequest::DEFAULT
        },
        exchange: TokenRequest::BODY,
        refresh: TokenRequest::BODY,
        revoke: TokenRequest {
            omit: &["client_id", "token_type_hint"],
            ..TokenRequest::with(ClientAuthentication::Public)
        },
        answer: TokenAnswer {
            user_path: Some("authed_user"),
            scope_separator: ",",
            token_type_means_bearer: &["bot", "user"],
            error_when: Some(NOT_OK),
            captures: &[
                Capture::whole("team", "team.id"),
                Capture::whole("team_name", "team.name"),
                Capture::whole("bot_user", "bot_user_id"),
                Capture::whole("user", "authed_user.id"),
            ],
            ..TokenAnswer::DEFAULT
        },
        rotation: Rotation {
            rotates: Rotates::Always,
            on_reuse: OnReuse::Fails,
            old_access_token_dies: Some(false),
            access_token_lifetime: Stated::Known(hours(12)),
            refresh_token_lifetime: Stated::None("it lives until it is spent or revoked"),
            opt_in: Some("switch on token rotation in the app's settings, for good"),
            ..Rotation::UNKNOWN
        },
        ..OAuth2::DEFAULT
    }),
    api: Api {
        base: "https://slack.com/api",
        health_check: Stated::Known(HealthCheck {
            path: "/auth.test",
            // A bot and a person of one workspace are two accounts.
            account_id: AccountFact::Fields(&["team_id", "user_id"]),
            account_label: AccountFact::Fields(&["team", "user"]),
        }),
        masked_errors: Some(MaskedErrors {
            when: NOT_OK,
            code: "error",
            dead_access_token: &[
                "account_inactive",
                "invalid_auth",
                "token_expired",
                "token_revoked",
            ],
        }),
        ..Api::DEFAULT
    },
    rate_limits: Stated::Known(&[
        RateLimit::new(1, minutes(1), "method of tier 1 and workspace", DOCS).of_method(),
        RateLimit::new(100, minutes(1), "method of tier 4 and workspace", DOCS).of_method(),
    ]),
    guide: SetupGuide {
        developer_portal: "https://api.slack.com/apps",
        locate_credentials: &[
            "Sign in at the portal, open your app, **Basic Information**, **App Credentials**.",
            "Copy the **Client ID**. Beside **Client Secret** click **Show**, and copy it.",
            "Under **OAuth & Permissions**, note one of the **Redirect URLs**, and the scopes.",
        ],
        create_application: &[
            "Sign in at the portal, click **Create New App**, and choose **From scratch**.",
            "Enter an **App Name**, pick the workspace in which you develop, and click **Create App**.",
            "Under **OAuth & Permissions**, **Add New Redirect URL**: yours, **Add**, **Save URLs**.",
            "Under **Bot Token Scopes** (and **User Token Scopes**), add each scope to ask for.",
            "For workspaces of others: **Manage Distribution**, **Activate Public Distribution**.",
            "Under **Basic Information**, **App Credentials**, copy **Client ID** and **Client Secret**.",
        ],
        notes: &[
            "With token rotation (**OAuth & Permissions**; for good), tokens end after 12 hours.",
            "Leave PKCE off: it takes the app's secret away for good.",
            "Set `slack.user.scope` for a token of the person too: an instance beside the bot's.",
            "Installing again only adds scopes. Disconnecting ends the tokens; the app stays installed.",
        ],
        troubleshooting: &[
            Trouble::new(
                "`bad_redirect_uri`, or “redirect_uri did not match any configured URIs”",
                "Enter the callback URL exactly under **Redirect URLs**, and click **Save URLs**.",
            ),
            Trouble::new(
                "`invalid_team_for_non_distributed_app`",
                "The app is confined to its own workspace: **Activate Public Distribution**.",
            ),
            Trouble::new(
                "`bad_client_secret`, `invalid_client_id`",
                "Copy both again from **App Credentials**; the **Signing Secret** is another thing.",
            ),
            Trouble::new(
                "`invalid_refresh_token`, `token_revoked` or `account_inactive`",
                "The token was spent elsewhere, or the app was removed. Connect again.",
            ),
        ],
    },
    sources: &[
        Source::new(
            "https://docs.slack.dev/authentication/installing-with-oauth",
            "2026-11",
            "endpoints, scopes, redirect URLs, the answer",
        ),
        Source::new(
            "https://docs.slack.dev/authentication/using-token-rotation",
            "2026-11",
            "lifetimes, rotation, how to switch it on",
        ),
        Source::new(
            "https://docs.slack.dev/reference/methods",
            "2026-11",
            "`oauth.v2.access`, `auth.test` and `auth.revoke`: client authentication, errors",
        ),
        Source::new(
            "https://docs.slack.dev/apis/web-api/rate-limits",
            "2026-11",
            "rate limits",
        ),
    ],
    ..ProviderDescriptor::new("slack", "Slack", MAPPINGS)
};

const DOCS: &str = "Slack's docs, November 2026";
const USER_SCOPE: ParameterKey = ParameterKey::new("slack.user.scope");
/// Slack tells errors under status 200.
const NOT_OK: ErrorWhen = ErrorWhen::new("ok", "false");

const MAPPINGS: &[ParameterMapping] = &[
    ParameterMapping::api_key("Client ID"),
    ParameterMapping::api_secret("Client Secret"),
    ParameterMapping::callback_url("Redirect URLs"),
    ParameterMapping::scopes("User Token Scopes", USER_SCOPE),
];

impl ProviderSetup for Slack {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &DESCRIPTOR
    }
}

register_provider!(Slack);
