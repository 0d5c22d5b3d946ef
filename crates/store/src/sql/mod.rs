//! The rows of the store in SQL, written once for every database that speaks it.
//!
//! A database brings how it is opened, how a statement is run and what its errors mean, as a [`Database`]; all that it has to do for the
//! store follows from that. Where two databases say a thing differently, a [`Dialect`] says it for each.

mod api_keys;
mod apps;
mod authorizations;
mod dialect;
mod front_door;
mod gather;
mod hot;
mod idempotency;
pub(crate) mod instances;
mod journal;
pub(crate) mod keys;
mod lookups;
mod marks;
mod refresh;
mod row;
mod sessions;
mod statement;
mod tenants;
mod violations;
mod webhooks;

use std::fmt;

use async_trait::async_trait;

pub(crate) use dialect::Dialect;
pub(crate) use gather::{Gather, Item, powers_of_two, same};
pub(crate) use hot::{HotKind, HotWrite, tell_commits};
pub(crate) use instances::{columns, standing_columns};
pub(crate) use lookups::{Lookups, Read};
pub(crate) use row::Row;
pub(crate) use statement::{Statement, Value};

use crate::backend::{Backend, Upkeep};
use crate::{Instance, StoreError};

/// A database that speaks SQL.
#[async_trait]
pub(crate) trait Database: Upkeep + fmt::Debug + Send + Sync {
    fn dialect(&self) -> Dialect;
    /// Runs one reading statement.
    async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError>;
    /// An instance, looked up together with those that others look for.
    async fn find_instance(&self, id: i64) -> Result<Option<Instance>, StoreError>;
    /// Runs one writing statement, durably, and returns what it returns.
    async fn write(&self, statement: Statement) -> Result<Vec<Row>, StoreError>;
    /// As [`write`](Self::write), for a count of the rows it changed.
    async fn change(&self, statement: Statement) -> Result<u64, StoreError>;
    /// Begins a transaction that may write.
    async fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError>;
    /// Runs a write that a busy engine makes all the time, durably; returns the row if it took, with what stands on it then.
    async fn write_hot(&self, write: HotWrite) -> Result<Option<Row>, StoreError>;
}

/// Several statements that happen together or not at all. Dropped without [`commit`](Self::commit), none happens; which may cost a
/// connection, and [`roll_back`](Self::roll_back) does not.
#[async_trait]
pub(crate) trait Transaction: Send {
    /// Runs a statement, for a count of the rows it changed.
    async fn execute(&mut self, statement: Statement) -> Result<u64, StoreError>;
    /// Runs a statement, for the rows it returns.
    async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>, StoreError>;
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    async fn roll_back(self: Box<Self>);
}

impl<D: Database> Backend for D {}

/// The only row of a statement that returns one at most.
fn only(mut rows: Vec<Row>) -> Option<Row> {
    rows.pop()
}
