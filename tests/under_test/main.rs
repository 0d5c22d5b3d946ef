//! The binary `tieline` with two providers that exist in tests alone: one that forgives, for half a minute, a refresh token
//! that is spent twice, and one that never does.

use std::process::ExitCode;

use tieline_core::prelude::*;

const MAPPINGS: &[ParameterMapping] = &[
    ParameterMapping::api_key("Consumer Key"),
    ParameterMapping::api_secret("Consumer Secret"),
    ParameterMapping::callback_url("Redirect URL"),
];

#[derive(Debug)]
struct Forgiving;

#[derive(Debug)]
struct Strict;

static FORGIVING: ProviderDescriptor = described("forgiving", "Forgiving", seconds(30));
static STRICT: ProviderDescriptor = described("strict", "Strict", seconds(0));

const fn described(
    id: &'static str,
    name: &'static str,
    reuse_window: std::time::Duration,
) -> ProviderDescriptor {
    ProviderDescriptor {
        vendor: "Acme Inc",
        authentication: Authentication::AuthorizationCode(OAuth2 {
            authorization_endpoint: "https://acme.example/oauth/authorize",
            token_endpoint: "https://acme.example/oauth/token",
            revocation_endpoint: Stated::Known("https://acme.example/oauth/revoke"),
            scopes: &["read", "offline_access"],
            rotation: Rotation {
                rotates: Rotates::Always,
                reuse_window,
                on_reuse: OnReuse::RevokesFamily,
                refresh_token_lifetime: Stated::Known(days(30)),
                ..Rotation::UNKNOWN
            },
            ..OAuth2::DEFAULT
        }),
        api: Api {
            base: "https://acme.example/api",
            health_check: Stated::Known(HealthCheck {
                path: "/me",
                account_id: AccountFact::Field("sub"),
                account_label: AccountFact::Field("email"),
            }),
            ..Api::DEFAULT
        },
        ..ProviderDescriptor::new(id, name, MAPPINGS)
    }
}

impl ProviderSetup for Forgiving {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &FORGIVING
    }
}

impl ProviderSetup for Strict {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &STRICT
    }
}

register_provider!(Forgiving);
register_provider!(Strict);

fn main() -> ExitCode {
    tieline_cli::main()
}
