//! What attackers try at the front door: judged by what reaches the providers, the honest one and the attacker's own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a step that fails is a failed test"
)]

mod addresses;
mod any_query;
mod fixation;
mod guarded;
mod links;
mod logged;
mod malformed;
mod outside;
mod pkce;
mod replay;
mod scene;
mod session;
mod takeover;
mod terminal;
mod tickets;
