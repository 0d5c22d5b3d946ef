//! What a database has to do for the store: keep rows, whose secrets it only ever sees as sealed blobs.
//!
//! Every method is one durable statement or one transaction; what makes a write conditional is part of its contract, so that a database
//! with several processes at once keeps the same promises as one that a single process has to itself. `sql` implements it.

mod apps;
mod front_door;
mod host;
mod instances;
mod journal;
mod keys;
mod refresh;
mod upkeep;
mod webhooks;

use std::fmt;

pub(crate) use apps::AppRows;
pub(crate) use front_door::{AuthorizationRows, FrontDoorRows, RequestRows};
pub(crate) use host::{ApiKeyRows, SessionRows, TenantRows};
pub(crate) use instances::InstanceRows;
pub(crate) use journal::JournalRows;
pub(crate) use keys::{KeyRow, KeyRows, SealedRow, SealedTable};
pub(crate) use refresh::RefreshRows;
pub(crate) use upkeep::{MarkRows, Upkeep};
pub(crate) use webhooks::WebhookRows;

/// Everything together.
pub(crate) trait Backend:
    KeyRows
    + TenantRows
    + ApiKeyRows
    + SessionRows
    + AppRows
    + AuthorizationRows
    + FrontDoorRows
    + RequestRows
    + InstanceRows
    + RefreshRows
    + JournalRows
    + WebhookRows
    + MarkRows
    + Upkeep
    + fmt::Debug
    + Send
    + Sync
{
}
