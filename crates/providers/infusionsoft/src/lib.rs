//! Infusionsoft (Keap) REST.

use tieline_core::prelude::*;

/// Infusionsoft (Keap) over OAuth 2.0, authorization code grant.
#[derive(Debug)]
pub struct Infusionsoft;

static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor {
    vendor: "Infusionsoft",
    aliases: &["infusionsoftrest", "keap"],
    category: Category::Crm,
    authentication: Authentication::AuthorizationCode(OAuth2 {
        authorization_endpoint: "https://accounts.infusionsoft.com/app/oauth/authorize",
        token_endpoint: "https://api.infusionsoft.com/token",
        revocation_endpoint: Stated::None("Keap's OAuth documentation names none (August 2026)"),
        scopes: &["full"],
        https_redirect_uri_only: true,
        callback: Callback {
            captures: &[TENANT],
            ..Callback::DEFAULT
        },
        exchange: TokenRequest::BODY,
        refresh: TokenRequest::BASIC,
        answer: TokenAnswer {
            scope_ends_at: Some('|'),
            dead_refresh_token: &[DeadToken {
                error: Some("invalid_request"),
                error_description: Some("Invalid Refresh Token"),
            }],
            captures: &[TENANT],
            ..TokenAnswer::DEFAULT
        },
        rotation: Rotation {
            rotates: Rotates::Always,
            on_reuse: OnReuse::Fails,
            access_token_lifetime: Stated::Known(hours(24)),
            refresh_token_lifetime: Stated::Known(days(45)),
            ..Rotation::UNKNOWN
        },
        ..OAuth2::DEFAULT
    }),
    api: Api {
        base: "https://api.infusionsoft.com/crm/rest",
        health_check: Stated::Known(HealthCheck {
            path: "/v1/oauth/connect/userinfo",
            // A token is good for one tenant, and one person may belong to several.
            account_id: AccountFact::Capture("tenant"),
            account_label: AccountFact::Field("email"),
        }),
        ..Api::DEFAULT
    },
    rate_limits: Stated::Known(&[
        RateLimit::new(25, seconds(1), "app", "Key Rate Limits, 2019; docs, 2026"),
        RateLimit::new(1_500, minutes(1), "app", "Keap's docs, 2026").in_headers(THROTTLE),
        RateLimit::new(125_000, days(1), "app", "portal's Key Rate Limits, 2019").in_headers(QUOTA),
        RateLimit::new(150_000, days(1), "app", "Keap's docs, 2026").told(),
    ]),
    guide: SetupGuide {
        developer_portal: "https://keys.developer.keap.com",
        locate_credentials: &[
            "Sign in to the developer portal. In its menu, open **Apps** (older portal: **Keys**).",
            "Open your app. Under **API Keys**, copy **Key**, which is the **client_id**, and \
             **Secret**, which is the **client_secret**. (The older portal prints these names.)",
            "Note the **Callback URL** that the app is registered with (older portal: \
             **Applications**, **Edit**, **Register Callback URL**; today's may have none).",
        ],
        create_application: &[
            "Sign in to the developer portal, or sign up: it has accounts of its own.",
            "In the user menu choose **Apps**, then **+ New App**; fill in name and description.",
            "Under **APIs**, choose **Enable**.",
            "If there is a **Register Callback URL** (older portal), enter your callback URL.",
            "Click **Save** (older portal: **Register Application**).",
            "Under **API Keys**, copy **Key** (**client_id**) and **Secret** (**client_secret**).",
        ],
        notes: &[
            "[Keap's OAuth guide](https://developer.keap.com/getting-started-oauth-keys) demands \
             HTTPS for callback URLs. `http://localhost` used to work; that is not verified.",
            "One connection reaches one tenant, `<tenant>.infusionsoft.com`, with the permissions \
             of the user who consents. Connect each tenant on its own.",
            "Infusionsoft is called Keap today: the portal uses the new name, the endpoints the old.",
            "Keap documents neither support for PKCE nor its refusal. Tieline uses PKCE.",
        ],
        troubleshooting: &[
            Trouble::new(
                "`invalid_grant`, or `invalid_request` with “Invalid Refresh Token”, at a refresh",
                "The refresh token was spent elsewhere, expired or was withdrawn. Connect again.",
            ),
            Trouble::new(
                "Everything works until the first refresh, a day later",
                "Keap wants the credentials in the body at the exchange, but as HTTP Basic at the \
                 refresh. Tieline does that: look for another client, or a proxy that interferes.",
            ),
            Trouble::new(
                "“Unauthorized” at the exchange",
                "Copy the **client_secret** again, and make sure it belongs to this **client_id**.",
            ),
            Trouble::new(
                "429 with “Quota Exceeded” or “Rate limit quota violation”",
                "Call less often. All tenants of an app count together; a day ends at 00:00 UTC.",
            ),
            Trouble::new(
                "The callback URL is refused",
                "Use HTTPS, and the same text in the portal and in Tieline, to the last character.",
            ),
        ],
    },
    sources: &[
        Source::new(
            "https://developer.keap.com/getting-started-oauth-keys",
            "2026-08",
            "endpoints, scope, HTTPS callback URLs, client authentication of each step, rotation",
        ),
        Source::new(
            "https://developer.keap.com/api-token-quota-and-usage-measurements",
            "2026-08",
            "rate limits of 2026",
        ),
        Source::new(
            "https://github.com/toddstoker/keap-sdk",
            "2026-02",
            "client authentication of each step, again; API base and health check",
        ),
        Source::new(
            "https://integration.keap.com/t/86529",
            "2026-08",
            "lifetimes of the tokens, from a Keap engineer",
        ),
        Source::new(
            "https://integration.keap.com/t/82597",
            "2026-08",
            "the newer spelling of a dead refresh token",
        ),
        Source::new(
            "https://help.openconnectors.ext.hana.ondemand.com/home/infusionsoftrest-api-provider-setup",
            "2019-12-30",
            "the older portal and its Key Rate Limits, as they were in 2019",
        ),
    ],
    ..ProviderDescriptor::new("infusionsoft", "Infusionsoft REST", MAPPINGS)
};

const MAPPINGS: &[ParameterMapping] = &[
    ParameterMapping::api_key("client_id"),
    ParameterMapping::api_secret("client_secret"),
    ParameterMapping::callback_url("Callback URL"),
];

/// How the minute stands.
const THROTTLE: QuotaHeaders = QuotaHeaders::new(
    "x-keap-product-throttle-limit",
    "x-keap-product-throttle-available",
);

/// How the day stands.
const QUOTA: QuotaHeaders = QuotaHeaders::new(
    "x-keap-product-quota-limit",
    "x-keap-product-quota-available",
)
.with_reset(Reset::AtMillisecond("x-keap-product-quota-expiry-time"));

/// The tenant comes inside the granted scope: `full|<tenant>.infusionsoft.com`.
const TENANT: Capture = Capture::between("tenant", "scope", "full|", ".infusionsoft.com");

impl ProviderSetup for Infusionsoft {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &DESCRIPTOR
    }
}

register_provider!(Infusionsoft);
