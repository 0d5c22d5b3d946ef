//! Sound descriptors of vendors that each depart from the RFCs in ways of their own.

use tieline_core::prelude::*;

use super::providers::{COMMON, MAPPINGS, changed};

/// Slack tells errors under status 200.
const NOT_OK: ErrorWhen = ErrorWhen::new("ok", "false");
const USER_SCOPE: ParameterKey = ParameterKey::new("slack.user.scope");

pub(crate) const SITE_ADDRESS: ParameterKey = ParameterKey::new("shopify.site.address");

const PER_TENANT_MAPPINGS: &[ParameterMapping] = &[
    MAPPINGS[0],
    MAPPINGS[1],
    MAPPINGS[2],
    ParameterMapping::host_label("Site", SITE_ADDRESS),
];

const TWO_SETS_MAPPINGS: &[ParameterMapping] = &[
    MAPPINGS[0],
    MAPPINGS[1],
    MAPPINGS[2],
    ParameterMapping::scopes("User Scopes", USER_SCOPE),
];

const TWO_SETS_OAUTH2: OAuth2 = OAuth2 {
    authorization_endpoint: "https://slack.com/oauth/v2/authorize",
    token_endpoint: "https://slack.com/api/oauth.v2.access",
    revocation_endpoint: Stated::Known("https://slack.com/api/auth.revoke"),
    code_challenge: CodeChallenge::Refused("a manual"),
    scopes: &["chat:write", "team:read"],
    scope_separator: ",",
    https_redirect_uri_only: true,
    authorization: AuthorizationRequest {
        extra: &[("user_scope", Extra::Scopes(USER_SCOPE))],
        ..AuthorizationRequest::DEFAULT
    },
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
        refresh_token_lifetime: Stated::None("a manual"),
        opt_in: Some("ask for it"),
        ..Rotation::UNKNOWN
    },
    ..OAuth2::DEFAULT
};

const PER_TENANT_OAUTH2: OAuth2 = OAuth2 {
    authorization_endpoint: "https://{shopify.site.address}.myshopify.com/admin/oauth/authorize",
    token_endpoint: "https://{shopify.site.address}.myshopify.com/admin/oauth/access_token",
    revocation_endpoint: Stated::None("a manual"),
    scopes: &["read_orders", "read_products"],
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
        extra: &[("expiring", Extra::Fixed("1"))],
        ..TokenRequest::BODY
    },
    refresh: TokenRequest::BODY,
    answer: TokenAnswer {
        scope_separator: ",",
        errors: &[("application_cannot_be_found", "invalid_client")],
        dead_code: &[DeadToken {
            error: None,
            error_description: Some("The authorization code was not found or was already used"),
        }],
        dead_refresh_token: &[DeadToken {
            error: None,
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
};

const SOMETIMES_OAUTH2: OAuth2 = OAuth2 {
    authorization_endpoint: "https://appcenter.intuit.com/connect/oauth2",
    token_endpoint: "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
    revocation_endpoint: Stated::Known("https://developer.api.intuit.com/v2/oauth2/tokens/revoke"),
    scopes: &["com.intuit.quickbooks.accounting"],
    https_redirect_uri_only: true,
    callback: Callback {
        captures: &[Capture::whole("realm", "realmId")],
        ..Callback::DEFAULT
    },
    revoke: TokenRequest {
        body: BodyFormat::Json,
        omit: &["token_type_hint"],
        ..TokenRequest::BASIC
    },
    rotation: Rotation {
        rotates: Rotates::Sometimes,
        access_token_lifetime: Stated::Known(hours(1)),
        refresh_token_lifetime: Stated::Known(days(100)),
        ..Rotation::UNKNOWN
    },
    ..OAuth2::DEFAULT
};

/// Two sets of tokens, errors under every status, refresh tokens for those who ask: `tests/vendors/slack.json`.
pub(crate) fn two_sets(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    let api = Api {
        base: "https://slack.com/api",
        health_check: Stated::Known(HealthCheck {
            path: "/auth.test",
            account_id: AccountFact::Fields(&["team_id", "user_id"]),
            account_label: AccountFact::Field("team"),
        }),
        masked_errors: Some(MaskedErrors {
            when: NOT_OK,
            code: "error",
            dead_access_token: &["invalid_auth"],
        }),
        ..Api::DEFAULT
    };
    let descriptor = ProviderDescriptor {
        id: "slack",
        name: "Two sets",
        vendor: "Two sets",
        mappings: TWO_SETS_MAPPINGS,
        api,
        ..COMMON
    };
    changed(descriptor, TWO_SETS_OAUTH2, change)
}

/// A host for each tenant, and signed callbacks: `tests/vendors/shopify.json`.
pub(crate) fn per_tenant(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    let api = Api {
        base: "https://{shopify.site.address}.myshopify.com/admin/api/2026-10",
        token_placement: TokenPlacement::Header("X-Shopify-Access-Token"),
        health_check: Stated::Known(HealthCheck {
            path: "/shop.json",
            account_id: AccountFact::Field("shop.id"),
            account_label: AccountFact::Field("shop.name"),
        }),
        ..Api::DEFAULT
    };
    let descriptor = ProviderDescriptor {
        id: "shopify",
        name: "Per tenant",
        vendor: "Per tenant",
        mappings: PER_TENANT_MAPPINGS,
        api,
        ..COMMON
    };
    changed(descriptor, PER_TENANT_OAUTH2, change)
}

/// Refresh tokens that are replaced now and then: `tests/vendors/quickbooks.json`.
pub(crate) fn sometimes(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    let api = Api {
        base: "https://quickbooks.api.intuit.com/v3",
        health_check: Stated::Known(HealthCheck {
            path: "/company/{realm}/companyinfo/{realm}",
            account_id: AccountFact::Capture("realm"),
            account_label: AccountFact::Field("CompanyInfo.CompanyName"),
        }),
        ..Api::DEFAULT
    };
    let descriptor = ProviderDescriptor {
        id: "quickbooks",
        name: "Sometimes",
        vendor: "Sometimes",
        api,
        ..COMMON
    };
    changed(descriptor, SOMETIMES_OAUTH2, change)
}
