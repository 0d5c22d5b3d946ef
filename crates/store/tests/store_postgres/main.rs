//! What the store promises, asked of a PostgreSQL server of the tests' own; and what it promises to several processes.
//!
//! Needs PostgreSQL on the machine: see the module `postgres`.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests; the lints only know test functions"
)]

mod home;
/// The tests crate's own: it stands above this one, so its file is taken and not its crate.
#[path = "../../../../tests/src/postgres/mod.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "these tests need a part of what the file offers others"
)]
mod postgres;

#[path = "../promises/apps_and_authorizations.rs"]
mod apps_and_authorizations;
#[path = "../promises/checkups.rs"]
mod checkups;
#[path = "../promises/deliveries.rs"]
mod deliveries;
#[path = "../promises/events.rs"]
mod events;
#[path = "../promises/front_door.rs"]
mod front_door;
#[path = "../promises/generations.rs"]
mod generations;
#[path = "../promises/given.rs"]
mod given;
#[path = "../promises/idempotency.rs"]
mod idempotency;
#[path = "../promises/instances.rs"]
mod instances;
#[path = "../promises/keys.rs"]
mod keys;
#[path = "../promises/leases.rs"]
mod leases;
#[path = "../promises/sealed.rs"]
mod sealed;
#[path = "../promises/tenants_and_api_keys.rs"]
mod tenants_and_api_keys;
#[path = "../promises/webhooks.rs"]
mod webhooks;

mod addresses;
mod broken_connections;
mod openings;
mod shared_keys;
mod shared_leases;
mod shared_webhooks;
