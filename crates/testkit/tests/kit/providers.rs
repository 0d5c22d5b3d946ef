//! Sound descriptors: of a vendor that follows the RFCs, of one that departs from them, of one without refresh tokens.

use tieline_core::prelude::*;

#[derive(Debug)]
pub(crate) struct Described(pub(crate) &'static ProviderDescriptor);

impl ProviderSetup for Described {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.0
    }
}

pub(crate) const MAPPINGS: &[ParameterMapping] = &[
    ParameterMapping::api_key("Consumer Key"),
    ParameterMapping::api_secret("Consumer Secret"),
    ParameterMapping::callback_url("Redirect URL"),
];

pub(crate) const GUIDE: SetupGuide = SetupGuide {
    developer_portal: "https://developers.acme.example",
    locate_credentials: &["Open your app."],
    create_application: &["Click **New app**."],
    notes: &[],
    troubleshooting: &[Trouble::new("`invalid_grant`", "Connect again.")],
};

pub(crate) const COMMON: ProviderDescriptor = ProviderDescriptor {
    rate_limits: Stated::None("a manual"),
    guide: GUIDE,
    sources: &[Source::new(
        "https://acme.example/manual",
        "2026-08",
        "everything",
    )],
    ..ProviderDescriptor::new("none", "None", MAPPINGS)
};

const ACME_OAUTH2: OAuth2 = OAuth2 {
    issuer: Some("https://acme.example"),
    authorization_endpoint: "https://acme.example/oauth/authorize",
    token_endpoint: "https://acme.example/oauth/token",
    revocation_endpoint: Stated::Known("https://acme.example/oauth/revoke"),
    authorization_response_iss_parameter_supported: true,
    scopes: &["read", "offline_access"],
    rotation: Rotation {
        rotates: Rotates::Always,
        old_access_token_dies: Some(true),
        access_token_lifetime: Stated::Known(hours(1)),
        refresh_token_lifetime: Stated::Known(days(30)),
        ..Rotation::UNKNOWN
    },
    ..OAuth2::DEFAULT
};

const STRICT_OAUTH2: OAuth2 = OAuth2 {
    authorization_endpoint: "https://accounts.infusionsoft.com/app/oauth/authorize",
    token_endpoint: "https://api.infusionsoft.com/token",
    revocation_endpoint: Stated::None("a manual"),
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
};

const UNREFRESHED_OAUTH2: OAuth2 = OAuth2 {
    authorization_endpoint: "https://github.com/login/oauth/authorize",
    token_endpoint: "https://github.com/login/oauth/access_token",
    revocation_endpoint: Stated::None("a manual"),
    device: Some(DeviceAuthorization::new(
        "https://github.com/login/device/code",
    )),
    scopes: &["repo", "user:email"],
    exchange: TokenRequest::BODY,
    answer: TokenAnswer {
        scope_separator: ",",
        ..TokenAnswer::DEFAULT
    },
    rotation: Rotation {
        rotates: Rotates::NoRefreshToken,
        access_token_lifetime: Stated::None("a manual"),
        ..Rotation::UNKNOWN
    },
    ..OAuth2::DEFAULT
};

const TENANT: Capture = Capture::between("tenant", "scope", "full|", ".infusionsoft.com");

/// A vendor that does what the RFCs ask: `tests/vendors/acme.json`.
pub(crate) fn acme(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    let api = Api {
        base: "https://acme.example/api",
        health_check: health_check("/me", AccountFact::Field("sub")),
        ..Api::DEFAULT
    };
    changed(
        ProviderDescriptor {
            id: "acme",
            name: "Acme",
            vendor: "Acme",
            api,
            ..COMMON
        },
        ACME_OAUTH2,
        change,
    )
}

/// A vendor that departs from them: `tests/vendors/infusionsoft.json`.
pub(crate) fn strict(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    let api = Api {
        base: "https://api.infusionsoft.com/crm/rest",
        health_check: health_check("/v1/oauth/connect/userinfo", AccountFact::Capture("tenant")),
        ..Api::DEFAULT
    };
    let descriptor = ProviderDescriptor {
        id: "infusionsoft",
        name: "Strict",
        vendor: "Strict",
        api,
        ..COMMON
    };
    changed(descriptor, STRICT_OAUTH2, change)
}

/// A vendor without refresh tokens, which says so under every status: `tests/vendors/github.json`.
pub(crate) fn unrefreshed(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    let api = Api {
        base: "https://api.github.com",
        health_check: Stated::Known(HealthCheck {
            path: "/user",
            account_id: AccountFact::Field("id"),
            account_label: AccountFact::Field("login"),
        }),
        ..Api::DEFAULT
    };
    let descriptor = ProviderDescriptor {
        id: "github",
        name: "Unrefreshed",
        vendor: "Unrefreshed",
        api,
        ..COMMON
    };
    changed(descriptor, UNREFRESHED_OAUTH2, change)
}

pub(crate) fn health_check(path: &'static str, account_id: AccountFact) -> Stated<HealthCheck> {
    Stated::Known(HealthCheck {
        path,
        account_id,
        account_label: AccountFact::Field("email"),
    })
}

pub(crate) fn changed(
    mut descriptor: ProviderDescriptor,
    mut oauth2: OAuth2,
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
) -> ProviderDescriptor {
    change(&mut descriptor, &mut oauth2);
    ProviderDescriptor {
        authentication: Authentication::AuthorizationCode(oauth2),
        ..descriptor
    }
}
