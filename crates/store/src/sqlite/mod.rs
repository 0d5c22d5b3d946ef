//! SQLite: one file, one writing connection, a few that read.
//!
//! Writes are made one after the other. Those that a busy engine makes all the time go through a task that commits many at once.

mod batch;
mod failed;
mod group;
#[cfg(test)]
mod group_tests;
mod log;
mod migrations;
mod open;
#[cfg(test)]
mod tests;
mod upkeep;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, MutexGuard};

use group::Group;
pub(crate) use open::{check_copy, inspect, mark_restored};

use crate::sql::{self, Database, Dialect, HotWrite, Lookups, Row, Statement, Value};
use crate::{Instance, StoreError};

/// An open SQLite database.
#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    /// `None` once closed.
    writer: Arc<Mutex<Option<Writer>>>,
    readers: SqlitePool,
    group: Group,
    lookups: Lookups,
}

#[derive(Debug)]
struct Writer {
    connection: SqliteConnection,
    /// A transaction was begun and not ended, since its caller failed or went away.
    unfinished: bool,
}

impl Writer {
    async fn roll_back(&mut self) {
        // After some failures, such as a full disk, SQLite has rolled back by itself, and this statement fails: as good.
        let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
        self.unfinished = false;
    }
}

#[async_trait]
impl Database for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let rows = query(statement)
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(rows.into_iter().map(Row::from).collect())
    }

    async fn find_instance(&self, id: i64) -> Result<Option<Instance>, StoreError> {
        self.lookups.find(id).await
    }

    /// It is stepped to its end: SQLite commits at the end of a statement, so a driver that stops at the first row of a
    /// `RETURNING` would not hear that the commit failed.
    async fn write(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let mut writer = self.writer().await?;
        let writer = writer.as_mut().ok_or(StoreError::Closed)?;
        let rows = query(statement)
            .fetch_all(&mut writer.connection)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(rows.into_iter().map(Row::from).collect())
    }

    async fn change(&self, statement: Statement) -> Result<u64, StoreError> {
        let mut writer = self.writer().await?;
        let writer = writer.as_mut().ok_or(StoreError::Closed)?;
        let done = query(statement)
            .execute(&mut writer.connection)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(done.rows_affected())
    }

    async fn begin(&self) -> Result<Box<dyn sql::Transaction + '_>, StoreError> {
        Ok(Box::new(self.transaction().await?))
    }

    async fn write_hot(&self, write: HotWrite) -> Result<Option<Row>, StoreError> {
        self.group.write(write).await
    }
}

impl Sqlite {
    async fn transaction(&self) -> Result<Transaction<'_>, StoreError> {
        let mut transaction = Transaction {
            sqlite: self,
            writer: self.writer().await?,
        };
        transaction.writer()?.unfinished = true;
        transaction.run(Statement::of("BEGIN IMMEDIATE")).await?;
        Ok(transaction)
    }

    /// Waits for the writing connection; ends a transaction that was left open on it.
    async fn writer(&self) -> Result<MutexGuard<'_, Option<Writer>>, StoreError> {
        let mut guard = self.writer.lock().await;
        let writer = guard.as_mut().ok_or(StoreError::Closed)?;
        if writer.unfinished {
            writer.roll_back().await;
        }
        Ok(guard)
    }
}

/// For SQLite's driver.
fn query(statement: Statement) -> Query<'static, sqlx::Sqlite, SqliteArguments> {
    let Statement { sql, values } = statement;
    values
        .into_iter()
        .fold(sqlx::query(sql), |query, value| match value {
            Value::Int(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Blob(value) => query.bind(value),
        })
}

/// Several statements that happen together or not at all.
///
/// sqlx's own transactions are not used: they lose count, and the connection with them, when SQLite rolls back by itself.
struct Transaction<'a> {
    sqlite: &'a Sqlite,
    writer: MutexGuard<'a, Option<Writer>>,
}

#[async_trait]
impl sql::Transaction for Transaction<'_> {
    async fn execute(&mut self, statement: Statement) -> Result<u64, StoreError> {
        self.run(statement).await
    }

    async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        match query(statement)
            .fetch_all(&mut self.writer()?.connection)
            .await
        {
            Ok(rows) => Ok(rows.into_iter().map(Row::from).collect()),
            Err(error) => Err(self.failed(error).await),
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.run(Statement::of("COMMIT")).await?;
        self.writer()?.unfinished = false;
        Ok(())
    }

    async fn roll_back(mut self: Box<Self>) {
        if let Some(writer) = self.writer.as_mut() {
            writer.roll_back().await;
        }
    }
}

impl Transaction<'_> {
    async fn run(&mut self, statement: Statement) -> Result<u64, StoreError> {
        match query(statement)
            .execute(&mut self.writer()?.connection)
            .await
        {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(self.failed(error).await),
        }
    }

    /// Gives the database back at once: the next writer of this process may be long in coming.
    async fn failed(&mut self, error: sqlx::Error) -> StoreError {
        if let Some(writer) = self.writer.as_mut() {
            writer.roll_back().await;
        }
        self.sqlite.failed(error)
    }

    fn writer(&mut self) -> Result<&mut Writer, StoreError> {
        self.writer.as_mut().ok_or(StoreError::Closed)
    }
}
