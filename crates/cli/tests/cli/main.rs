//! The binary, as a person or a script meets it: real processes, a real data folder, and a sandbox as the provider.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a command that can't be run is a failed test"
)]

mod bad_input;
mod demo;
mod home;
mod reading;
mod story;
mod tls;
