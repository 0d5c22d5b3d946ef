//! Pages in Chromium, as people see them; `cargo xtask test --without chromium` leaves them out.

#![expect(clippy::unwrap_used, reason = "a step that fails is a failed test")]

mod accounts;
mod administrator;
mod connect;
mod harness;
mod key;
mod names;
mod newcomer;
mod referee;
mod scene;
mod slips;
