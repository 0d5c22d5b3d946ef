//! Providers that a test describes while it runs.

use std::cell::Cell;

use serde_json::{Map, Value};
use tieline_core::prelude::*;

/// A provider that a test describes while it runs: leaked, since descriptors are `static`.
#[derive(Debug)]
struct Described(&'static ProviderDescriptor);

/// Makes a provider of a descriptor that holds what is only known while the test runs, such as a port.
pub fn provider(descriptor: ProviderDescriptor) -> &'static dyn ProviderSetup {
    Box::leak(Box::new(Described(Box::leak(Box::new(descriptor)))))
}

impl ProviderSetup for Described {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.0
    }

    fn amend_token_answer(&self, _step: Step, _answer: &mut Map<String, Value>) {
        assert!(!PANIC.take(), "a panic on purpose");
    }
}

/// The mappings of the invented provider.
pub const MAPPINGS: &[ParameterMapping] = &[
    ParameterMapping::api_key("Consumer Key"),
    ParameterMapping::api_secret("Consumer Secret"),
    ParameterMapping::callback_url("Redirect URL"),
];

/// An invented provider that does as the RFCs say, and states its issuer: the sandbox's, whose port nobody knows
/// before.
pub fn acme(issuer: &str) -> ProviderDescriptor {
    ProviderDescriptor {
        vendor: "Acme Inc",
        authentication: Authentication::AuthorizationCode(OAuth2 {
            issuer: Some(issuer.to_owned().leak()),
            authorization_endpoint: "https://acme.example/oauth/authorize",
            token_endpoint: "https://acme.example/oauth/token",
            revocation_endpoint: Stated::Known("https://acme.example/oauth/revoke"),
            authorization_response_iss_parameter_supported: true,
            scopes: &["read", "offline_access"],
            rotation: Rotation {
                rotates: Rotates::Always,
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
        ..ProviderDescriptor::new("acme", "Acme", MAPPINGS)
    }
}

thread_local! {
    /// Tests run on a thread each, and their single-threaded runtimes stay on it.
    static PANIC: Cell<bool> = const { Cell::new(false) };
}

/// The invented provider's code panics when it sees the next token answer of this test.
pub fn panic_at_the_next_answer() {
    PANIC.set(true);
}
