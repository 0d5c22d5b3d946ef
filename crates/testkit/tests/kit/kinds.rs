//! Sound descriptors of every other kind of authentication, for the invented vendors beside them.

use tieline_core::descriptor::*;
use tieline_core::{ParameterKey, ParameterMapping};

use super::providers::{COMMON, MAPPINGS};

const CHECK: Stated<HealthCheck> = Stated::Known(HealthCheck {
    path: "/me",
    account_id: AccountFact::Field("id"),
    account_label: AccountFact::Field("email"),
});

const ID_AND_SECRET: &[ParameterMapping] = &[MAPPINGS[0], MAPPINGS[1]];

const KEY: ProviderDescriptor = ProviderDescriptor {
    id: "acme-key",
    vendor: "Acme",
    mappings: &[
        ParameterMapping::host_label("Team", ParameterKey::SUBDOMAIN),
        ParameterMapping::account_key("Key"),
    ],
    authentication: Authentication::ApiKey,
    api: Api {
        base: "https://{subdomain}.acme-key.example/v1",
        token_placement: TokenPlacement::Header("X-Acme-Key"),
        health_check: CHECK,
        ..Api::DEFAULT
    },
    ..COMMON
};

const BASIC: ProviderDescriptor = ProviderDescriptor {
    id: "acme-basic",
    vendor: "Acme",
    mappings: &[
        ParameterMapping::username("User"),
        ParameterMapping::password("Password"),
    ],
    authentication: Authentication::Basic,
    api: Api {
        base: "https://api.acme-basic.example/v1",
        token_placement: TokenPlacement::BasicPair,
        health_check: CHECK,
        ..Api::DEFAULT
    },
    ..COMMON
};

const DEVICE_OAUTH2: OAuth2 = OAuth2 {
    token_endpoint: "https://login.acme-device.example/token",
    revocation_endpoint: Stated::None("a manual"),
    device: Some(DeviceAuthorization::new(
        "https://login.acme-device.example/device/code",
    )),
    scopes: &["read"],
    refresh: TokenRequest::with(ClientAuthentication::Public),
    answer: TokenAnswer {
        errors: &[("user_said_no", "access_denied")],
        ..TokenAnswer::DEFAULT
    },
    rotation: Rotation {
        rotates: Rotates::Always,
        old_access_token_dies: Some(true),
        access_token_lifetime: Stated::Known(hours(1)),
        refresh_token_lifetime: Stated::Known(days(30)),
        ..Rotation::UNKNOWN
    },
    ..OAuth2::DEFAULT
};

const APP_OAUTH2: OAuth2 = OAuth2 {
    token_endpoint: "https://login.acme-app.example/token",
    revocation_endpoint: Stated::None("a manual"),
    exchange: TokenRequest {
        extra: &[("audience", Extra::Fixed("acme"))],
        ..TokenRequest::BASIC
    },
    rotation: Rotation {
        rotates: Rotates::NoRefreshToken,
        access_token_lifetime: Stated::Known(minutes(10)),
        ..Rotation::UNKNOWN
    },
    ..OAuth2::DEFAULT
};

/// A key in a header, and a host for each tenant: `tests/vendors/acme-key.json`.
pub(crate) fn key(change: impl FnOnce(&mut ProviderDescriptor)) -> ProviderDescriptor {
    let mut descriptor = KEY;
    change(&mut descriptor);
    descriptor
}

/// Name and password: `tests/vendors/acme-basic.json`.
pub(crate) fn basic(change: impl FnOnce(&mut ProviderDescriptor)) -> ProviderDescriptor {
    let mut descriptor = BASIC;
    change(&mut descriptor);
    descriptor
}

/// A code that is typed elsewhere, and nothing else: `tests/vendors/acme-device.json`.
pub(crate) fn device(change: impl FnOnce(&mut OAuth2)) -> ProviderDescriptor {
    let mut oauth2 = DEVICE_OAUTH2;
    change(&mut oauth2);
    ProviderDescriptor {
        id: "acme-device",
        vendor: "Acme",
        mappings: ID_AND_SECRET,
        authentication: Authentication::DeviceAuthorization(oauth2),
        api: Api {
            base: "https://api.acme-device.example/v1",
            health_check: CHECK,
            ..Api::DEFAULT
        },
        ..COMMON
    }
}

/// The app is the account: `tests/vendors/acme-app.json`.
pub(crate) fn app(change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2)) -> ProviderDescriptor {
    let mut oauth2 = APP_OAUTH2;
    let mut descriptor = ProviderDescriptor {
        id: "acme-app",
        vendor: "Acme",
        mappings: ID_AND_SECRET,
        api: Api {
            base: "https://api.acme-app.example/v1",
            health_check: CHECK,
            ..Api::DEFAULT
        },
        ..COMMON
    };
    change(&mut descriptor, &mut oauth2);
    descriptor.authentication = Authentication::ClientCredentials(oauth2);
    descriptor
}
