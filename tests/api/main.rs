//! The API for hosts, over real HTTP: what a host sends, what it gets, and what came of it on the other side.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests; the lints only know test functions"
)]

mod bodies;
mod contract;
mod host;
mod idempotency;
mod metrics;
mod openapi;
mod openapi_story;
mod openapi_trouble;
mod paging;
