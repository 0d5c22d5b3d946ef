//! The PostgreSQL clusters that other tests crash: that they keep what a server keeps, and leave nothing behind.
//!
//! Needs PostgreSQL: `cargo xtask test` provides it.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; the lints only know test functions"
)]

mod gone;
mod kept;
