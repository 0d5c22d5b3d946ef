//! Tests against django-oauth-toolkit, which nobody here wrote; `cargo xtask test --without python` leaves them out.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod django_oauth_toolkit;
