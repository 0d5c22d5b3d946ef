//! The binary, as a person or a script meets it: real processes, a real data folder, and a sandbox as the provider.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a command that can't be run is a failed test"
)]

mod api_keys;
mod bad_input;
mod connect;
mod demo;
mod doctor;
mod ending;
mod environment;
mod home;
mod reading;
mod scripts;
mod serve;
mod story;
mod terminal;
mod through_the_socket;
mod tls;
mod ways;
