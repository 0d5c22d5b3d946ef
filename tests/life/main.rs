//! The life of an instance, judged by the ledger of the other side.

#![expect(clippy::unwrap_used, reason = "a step that fails is a failed test")]

mod authorize;
mod call;
mod leave;
mod reconnect;
mod refresh;
mod refresh_outcomes;
mod trouble;
