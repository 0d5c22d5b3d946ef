//! Tests against servers that nobody here wrote; `cargo xtask test --without node` leaves them out, `--without python` those
//! against `django-oauth-toolkit`.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod django_oauth_toolkit;
mod oidc_provider;
mod tieline;
