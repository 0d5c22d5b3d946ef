//! Sound descriptors: of a vendor that follows the RFCs, and what all have in common.

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
