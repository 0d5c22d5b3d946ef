//! What the store promises, asked of a real folder with a real database, whose rows are read and damaged from outside.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests; the lints only know test functions"
)]

mod apps_and_authorizations;
mod backups;
mod checkups;
mod deliveries;
mod events;
mod folder;
mod front_door;
mod generations;
mod given;
mod home;
mod idempotency;
mod instances;
mod keys;
mod leases;
mod logs;
mod reopened;
mod sealed;
mod tenants_and_api_keys;
mod webhooks;
