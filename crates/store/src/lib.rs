//! Apps, authorizations and instances at rest, sealed.
//!
//! [`Store`] is the sealing layer: it holds the keyring, knows what each blob is bound to, and counts every opening. Below it a database
//! keeps rows whose secrets it only ever sees sealed: SQLite, in one file of one process, or PostgreSQL (feature `postgres`), for as many
//! processes as like. The store knows no HTTP and makes no decision about a refresh: it keeps the promises that the refresh is built on.
//!
//! `sql` holds the rows, written once for both; `sqlite` and `postgres` what is theirs alone: opening, migrations, running a statement,
//! and what an error means.
//!
//! # Promises
//! - What a call has returned as done survives a power cut.
//! - A write is conditional on the generation (or version) that the caller has read; who comes late is told what stands there instead.
//! - A blob opens only in the row, column, tenant and version it was sealed for. One that does not open is never overwritten on that
//!   account.
//! - A wrong master key, a newer schema, a foreign file: refused before the first byte is written.
//! - Of several processes at one database one has the lease of an instance, by the database's clock, until it ends or its holder is
//!   silent for five seconds.
//! - An error after which it is open whether a write was done is one that [may be tried again](StoreError::is_transient), and trying
//!   again does nothing twice.
//!
//! Deliberately absent: a plaintext mode; any type that can be serialised with a secret inside.

mod api_keys;
mod apps;
mod authorizations;
mod backend;
mod backup;
mod begin_refresh;
mod checkup;
mod claim;
mod error;
mod event_kinds;
mod events;
mod folder;
mod idempotency;
mod instances;
mod keyring;
mod keys_rotate;
mod links;
mod lock;
mod master_key;
#[cfg(feature = "openapi")]
mod openapi;
mod openings;
mod options;
mod parked;
mod permissions;
#[cfg(feature = "postgres")]
mod postgres;
mod quarantine;
mod refresh;
mod seal;
mod sessions;
mod sql;
mod sqlite;
mod store;
mod tenants;
#[cfg(test)]
mod testing;
mod tokens;
mod upkeep;
mod webhooks;
mod words;

pub use api_keys::{ApiKey, NewApiKey};
pub use apps::{App, NewApp};
pub use authorizations::{Binding, NewAuthorization, TakenAuthorization, UnderWay};
pub use backup::{BackupReport, RestoreReport};
pub use begin_refresh::{BeginRefresh, Begun};
pub use checkup::{KeysInUse, QuarantineGroup};
pub use error::StoreError;
pub use event_kinds::{EVENT_KINDS, EventKind};
pub use events::{Event, NewEvent};
pub use idempotency::{Claimed, ClaimedRequest, RepeatableRequest};
pub use instances::{Cause, Instance, InstanceQuery, Intent, Lease, NewInstance, Relabel, Status};
pub use keys_rotate::{MasterRotationReport, Progress, RotationReport};
pub use links::{Link, NewLink};
pub use lock::HeldFolder;
pub use master_key::{Created, MasterKey};
pub use openings::Purpose;
pub use options::{AdoptionReason, StoreOptions, StorePlace};
pub use parked::{NewParked, Unparked};
pub use permissions::{Permission, Permissions};
pub use quarantine::{NewQuarantine, QuarantineKind, Quarantined};
pub use refresh::{CommitRefresh, Committed, ReplaceTokens};
pub use store::Store;
pub use tenants::{DEFAULT_TENANT, Tenant};
pub use webhooks::{
    Delivery, FailedDelivery, NewWebhook, WaitingDelivery, Webhook, WebhookChanges,
};
pub use words::UnknownWord;
