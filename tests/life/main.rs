//! The life of an instance, judged by the ledger of the other side.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a step that fails is a failed test"
)]

mod api_keys;
mod app_account;
mod authorize;
mod breaker;
mod call;
mod call_bulkhead;
mod call_hot;
mod call_limits;
mod call_paths;
mod call_served;
mod call_streaming;
mod clock_jumps;
mod consent_of_two;
mod device;
mod doctor;
mod give;
mod leave;
mod masked_errors;
mod receiver;
mod reconnect;
mod recovery;
mod refresh;
mod refresh_outcomes;
mod tenant_hosts;
mod trouble;
mod upkeep;
mod webhooks;
mod webhooks_and_time;
mod webhooks_elsewhere;
