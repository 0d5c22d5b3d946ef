//! The conformance kit: what every provider promises, checked against a sandbox that plays its vendor strictly.
//!
//! A provider's tests are one line, in `tests/conformance.rs`:
//!
//! ```text
//! tieline_testkit::conformance!(tieline_acme::Acme);
//! ```
//!
//! It needs `tests/vendors/<id>.json`, in the provider's folder or any above it: how the vendor behaves, written from
//! its documentation and never from the descriptor. The two must be able to disagree: that is what is tested. Whether a
//! promise was kept is told by the sandbox's ledger, not by what Tieline believes.
//!
//! Each [`Promise`] is checked with a sandbox, a clock and parameters of its own, and says all that it found. The URL of
//! the authorization request is also compared with a snapshot in the provider's `tests/snapshots`, for people to review;
//! `UPDATE_SNAPSHOTS=1` writes it.
//!
//! Deliberately absent: databases and instances. What becomes of tokens once they are there is the engine's to prove.

mod api;
mod device;
mod findings;
mod parameters;
mod place;
mod promise;
mod promises;
mod removal;
mod snapshot;
mod stage;
mod stand_in;
mod subject;
mod transcript;
mod vendor;

pub use promise::{Breach, Promise};
pub use subject::Subject;

#[doc(hidden)]
pub mod __private {
    pub use tieline_core::ProviderSetup;
}

/// Makes one test of each [`Promise`] of a provider, given as a constant expression.
#[macro_export]
macro_rules! conformance {
    (@tests $($test:ident: $promise:ident,)+) => {
        mod conformance {
            $(
                #[test]
                fn $test() -> ::core::result::Result<(), $crate::Breach> {
                    let folder = ::core::env!("CARGO_MANIFEST_DIR");
                    let package = ::core::env!("CARGO_PKG_NAME");
                    $crate::Promise::$promise.check(&$crate::Subject::new(super::PROVIDER, folder, package))
                }
            )+

            const _: () = ::core::assert!(
                [$($crate::Promise::$promise),+].len() == $crate::Promise::ALL.len(),
                "every promise is tested",
            );
        }
    };
    ($provider:expr $(,)?) => {
        static PROVIDER: &dyn $crate::__private::ProviderSetup = &$provider;

        $crate::conformance! { @tests
            descriptor: Descriptor,
            tenant_hosts: TenantHosts,
            authorization_url: AuthorizationUrl,
            wire: Wire,
            callback: Callback,
            device: Device,
            exchange: Exchange,
            exchange_wrong_secret: ExchangeWrongSecret,
            refresh: Refresh,
            rotation: Rotation,
            dead_refresh_token: DeadRefreshToken,
            revocation: Revocation,
            health_check: HealthCheck,
            redaction: Redaction,
            docs_completeness: DocsCompleteness,
            quirks: Quirks,
        }
    };
}
