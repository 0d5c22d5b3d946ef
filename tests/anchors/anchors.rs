//! Tests against oidc-provider, which nobody here wrote; `cargo xtask test --without node` leaves them out.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod oidc_provider;
mod tieline;
