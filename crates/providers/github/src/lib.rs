//! GitHub, by its OAuth apps.

use tieline_core::prelude::*;

/// GitHub over OAuth 2.0, authorization code grant, with an OAuth app (not a GitHub App).
#[derive(Debug)]
pub struct Github;

static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor {
    category: Category::DeveloperTools,
    authentication: Authentication::AuthorizationCode(OAuth2 {
        authorization_endpoint: "https://github.com/login/oauth/authorize",
        token_endpoint: "https://github.com/login/oauth/access_token",
        revocation_endpoint: Stated::Known(REVOCATION),
        dead_at_revocation: &[422],
        device: Some(DeviceAuthorization::new(DEVICE)),
        scopes: &["read:user", "user:email"],
        exchange: TokenRequest::BODY,
        revoke: TokenRequest {
            method: Method::Delete,
            body: BodyFormat::Json,
            names: &[("token", "access_token")],
            omit: &["token_type_hint"],
            ..TokenRequest::BASIC
        },
        answer: TokenAnswer {
            scope_separator: ",",
            ..TokenAnswer::DEFAULT
        },
        rotation: Rotation {
            rotates: Rotates::NoRefreshToken,
            access_token_lifetime: Stated::None("a token lives until it is withdrawn"),
            ..Rotation::UNKNOWN
        },
        ..OAuth2::DEFAULT
    }),
    api: Api {
        base: "https://api.github.com",
        health_check: Stated::Known(HealthCheck {
            path: "/user",
            account_id: AccountFact::Field("id"),
            account_label: AccountFact::Field("login"),
        }),
        ..Api::DEFAULT
    },
    rate_limits: Stated::Known(&[RateLimit::new(5_000, hours(1), "user", DOCS)
        .of_account()
        .in_headers(QuotaHeaders::X_RATELIMIT)]),
    guide: SetupGuide {
        developer_portal: "https://github.com/settings/developers",
        locate_credentials: &[
            "Sign in to GitHub, click your profile picture, and choose **Settings**, **Developer \
             settings**, **OAuth Apps**. (An organization's apps are in its own **Settings**.)",
            "Open your app, note its **Authorization callback URL**, and copy the **Client ID**.",
            "Without the secret, click **Generate a new client secret**: it is shown this once.",
        ],
        create_application: &[
            "Sign in to GitHub, click your profile picture, and choose **Settings**, **Developer \
             settings**, **OAuth Apps**.",
            "Click **New OAuth App** (for your first one: **Register a new application**).",
            "Fill in **Application name** and **Homepage URL**. Users see both.",
            "In **Authorization callback URL**, enter your callback URL. An app has only one.",
            "Click **Register application**. To connect with `--device`, tick **Enable Device Flow**.",
            "Copy the **Client ID**, click **Generate a new client secret**, and copy that, too.",
        ],
        notes: &[
            "This is for OAuth apps: the credentials of GitHub Apps do not belong here.",
            "For more than the user's profile and mail addresses, set `oauth.scope` to \
             [scopes of GitHub](https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps).",
            "The callback URL of a connection must have the host and port of the registered one, \
             and its path or one below. With `http://127.0.0.1` any port will do.",
            "A token ends when it lies idle for a year, or when its user has ten newer ones alike.",
            "Disconnecting ends the token; the app stays among the user's **Authorized OAuth Apps**.",
        ],
        troubleshooting: &[
            Trouble::new(
                "`device_flow_disabled`",
                "Tick **Enable Device Flow** in the settings of your app, and click **Update application**.",
            ),
            Trouble::new(
                "`incorrect_client_credentials`",
                "Copy the **Client ID** again, and generate a new **Client secret** if in doubt.",
            ),
            Trouble::new(
                "`redirect_uri_mismatch`",
                "Register the callback URL that Tieline is given as **Authorization callback URL**.",
            ),
            Trouble::new(
                "`bad_verification_code`",
                "The code was used before, or lay for ten minutes. Connect again.",
            ),
            Trouble::new(
                "401 with “Bad credentials”",
                "The token was withdrawn, by its user, by GitHub or by the app. Connect again.",
            ),
            Trouble::new(
                "403 or 429 with “rate limit exceeded”, or “secondary rate limit”",
                "Wait as `Retry-After` or `X-RateLimit-Reset` says. All apps of a user count together.",
            ),
        ],
    },
    sources: &[
        Source::new(
            "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps",
            "2026-11",
            "endpoints, parameters, callback URLs, scopes, fields of the token answer, health check",
        ),
        Source::new(
            "https://github.blog/changelog/2025-07-14-pkce-support-for-oauth-and-github-app-authentication",
            "2026-11",
            "PKCE",
        ),
        Source::new(
            "https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors",
            "2026-11",
            "errors of the token endpoint",
        ),
        Source::new(
            "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/creating-an-oauth-app",
            "2026-11",
            "the way to an app and its names",
        ),
        Source::new(
            "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration-and-revocation",
            "2026-11",
            "what ends a token",
        ),
        Source::new(
            "https://docs.github.com/en/rest/apps/oauth-applications",
            "2026-11",
            "revocation",
        ),
        Source::new(
            "https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api",
            "2026-11",
            "rate limits of the API",
        ),
        Source::new(
            "https://docs.kavachos.com/auth/github",
            "2026-11",
            "the client secret: its button, and that it is shown once",
        ),
    ],
    ..ProviderDescriptor::new("github", "GitHub", MAPPINGS)
};

const DEVICE: &str = "https://github.com/login/device/code";
const REVOCATION: &str = "https://api.github.com/applications/{oauth.api.key}/token";
const DOCS: &str = "GitHub's docs, November 2026";
const MAPPINGS: &[ParameterMapping] = &[
    ParameterMapping::api_key("Client ID"),
    ParameterMapping::api_secret("Client secret"),
    ParameterMapping::callback_url("Authorization callback URL"),
];

impl ProviderSetup for Github {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &DESCRIPTOR
    }
}

register_provider!(Github);
