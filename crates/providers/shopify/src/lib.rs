//! Shopify, by its Admin API.

use tieline_core::prelude::*;

/// Shopify over OAuth 2.0, authorization code grant, with expiring offline tokens. Each shop has a host of its own.
#[derive(Debug)]
pub struct Shopify;

static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor {
    category: Category::Ecommerce,
    authentication: Authentication::AuthorizationCode(OAuth2 {
        authorization_endpoint: "https://{shopify.site.address}.myshopify.com/admin/oauth/authorize",
        token_endpoint: "https://{shopify.site.address}.myshopify.com/admin/oauth/access_token",
        revocation_endpoint: Stated::None(
            "only uninstalling the app ends its tokens (Shopify's docs, November 2026)",
        ),
        scopes: &["read_products", "read_inventory"],
        scope_separator: ",",
        callback: Callback {
            captures: &[Capture::whole("host", "host")],
            host: Some(CallbackHost {
                parameter: "shop",
                host: "{shopify.site.address}.myshopify.com",
            }),
            signature: Some(CallbackSignature { parameter: "hmac" }),
            ..Callback::DEFAULT
        },
        exchange: TokenRequest {
            // Without it, Shopify issues a token that never ends, which it takes from no new app.
            extra: &[("expiring", Extra::Fixed("1"))],
            ..TokenRequest::BODY
        },
        refresh: TokenRequest::BODY,
        answer: TokenAnswer {
            scope_separator: ",",
            errors: &[("application_cannot_be_found", "invalid_client")],
            dead_code: &[DeadToken {
                error: Some("invalid_request"),
                error_description: Some("The authorization code was not found or was already used"),
            }],
            dead_refresh_token: &[DeadToken {
                error: Some("invalid_request"),
                error_description: Some("This request requires an active refresh_token"),
            }],
            ..TokenAnswer::DEFAULT
        },
        rotation: Rotation {
            rotates: Rotates::Always,
            reuse_window: minutes(60),
            on_reuse: OnReuse::Fails,
            old_access_token_dies: Some(true),
            access_token_lifetime: Stated::Known(hours(1)),
            refresh_token_lifetime: Stated::Known(days(90)),
            ..Rotation::UNKNOWN
        },
        ..OAuth2::DEFAULT
    }),
    api: Api {
        base: "https://{shopify.site.address}.myshopify.com/admin/api/2026-10",
        token_placement: TokenPlacement::Header("X-Shopify-Access-Token"),
        health_check: Stated::Known(HealthCheck {
            path: "/shop.json",
            account_id: AccountFact::Field("shop.id"),
            account_label: AccountFact::Field("shop.name"),
        }),
        ..Api::DEFAULT
    },
    rate_limits: Stated::Known(&[RateLimit::new(40, seconds(20), "app and shop", DOCS)
        .of_account()
        .in_headers(QuotaHeaders::used_of("x-shopify-shop-api-call-limit"))]),
    guide: SetupGuide {
        developer_portal: "https://dev.shopify.com/dashboard",
        locate_credentials: &[
            "Sign in to the Dev Dashboard, click **Apps**, and open your app.",
            "Click **Settings**. Under **Credentials**, copy the **Client ID** and the **Secret**.",
            "Click **Versions**, open the active one, and note its **Redirect URLs** and scopes.",
            "The site address of a shop is what stands before `.myshopify.com`.",
        ],
        create_application: &[
            "Sign in to the Dev Dashboard, click **Apps**, and then **Create app**.",
            "Under **Start from Dev Dashboard**, enter a name, and click **Create**.",
            "On **Versions**, enter an **App URL** on your callback URL's host; clear **Embed app in Shopify admin**.",
            "Click **Select scopes**, and choose what you will ask for. Check **Use legacy install flow**, too.",
            "In **Redirect URLs**, enter your callback URL. Click **Release**, and confirm.",
            "On **Home**, click **Select distribution method**: **Custom distribution** is for one shop, **Public \
             distribution** for many. It can't be changed later.",
            "Click **Settings**, and copy the **Client ID** and the **Secret**.",
        ],
        notes: &[
            "Apps made in a shop's own admin have no OAuth: their credentials do not belong here.",
            "New scopes and redirect URLs count once a version with them is **released**.",
            "Connecting a shop again ends the tokens of its instance before: there is one grant for each app and shop.",
            "Orders and customers are protected: ask Shopify for access before you ask for their scopes.",
            "Disconnecting leaves the app installed. The merchant removes it in the shop's settings.",
        ],
        troubleshooting: &[
            Trouble::new(
                "`redirect_uri is not whitelisted`, or `… must have matching hosts`",
                "Enter the callback URL exactly among **Redirect URLs**, give **App URL** its host, and release.",
            ),
            Trouble::new(
                "`application_cannot_be_found`",
                "Copy the **Client ID** again. A custom app works only in the shop that it was made for.",
            ),
            Trouble::new(
                "“This request requires an active refresh_token”, or `invalid_grant`",
                "It lay unused for 90 days, the app was uninstalled, or the shop was connected again. Connect again.",
            ),
            Trouble::new(
                "401 with “Invalid API key or access token”",
                "The app was uninstalled, or its secret revoked. Connect again.",
            ),
        ],
    },
    sources: &[
        Source::new(
            "https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant",
            "2026-11",
            "requests, callback, its signature",
        ),
        Source::new(
            "https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens",
            "2026-11",
            "expiring tokens, their lifetimes, one for each app and shop",
        ),
        Source::new(
            "https://shopify.dev/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens",
            "2026-11",
            "reuse of a spent refresh token: an hour at least",
        ),
        Source::new(
            "https://shopify.dev/docs/api/admin-rest",
            "2026-11",
            "header, versions, rate limits",
        ),
        Source::new(
            "https://shopify.dev/docs/apps/build/dev-dashboard",
            "2026-11",
            "the way to an app",
        ),
    ],
    ..ProviderDescriptor::new("shopify", "Shopify", MAPPINGS)
};

const DOCS: &str = "Shopify's docs on REST, November 2026";

const MAPPINGS: &[ParameterMapping] = &[
    ParameterMapping::api_key("Client ID"),
    ParameterMapping::api_secret("Secret"),
    ParameterMapping::callback_url("Redirect URLs"),
    ParameterMapping::host_label("Shop", ParameterKey::new("shopify.site.address")),
];

impl ProviderSetup for Shopify {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &DESCRIPTOR
    }
}

register_provider!(Shopify);
