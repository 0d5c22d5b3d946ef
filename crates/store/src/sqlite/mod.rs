//! SQLite: one file, one writing connection, a few that read.
//!
//! Writes go through [`Sqlite::write`] and [`Sqlite::begin`], one after the other. Group commit belongs there.

mod apps;
mod authorizations;
mod failed;
mod instances;
mod journal;
mod keys;
mod log;
mod migrations;
mod open;
mod refresh;
mod row;
#[cfg(test)]
mod tests;
mod upkeep;

use std::path::PathBuf;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, MutexGuard};

pub(crate) use open::{check_copy, inspect, mark_restored};

use crate::StoreError;
use crate::backend::Backend;

type Statement<'q> = Query<'q, sqlx::Sqlite, SqliteArguments>;

/// An open SQLite database.
#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    /// `None` once closed.
    writer: Mutex<Option<Writer>>,
    readers: SqlitePool,
}

impl Backend for Sqlite {}

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

impl Sqlite {
    /// Runs one reading statement.
    async fn read(&self, statement: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        statement
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(error))
    }

    /// As [`read`](Self::read), for at most one row.
    async fn read_one(&self, statement: Statement<'_>) -> Result<Option<SqliteRow>, StoreError> {
        Ok(self.read(statement).await?.pop())
    }

    /// Runs one writing statement, durably, and returns what it returns.
    ///
    /// It is stepped to its end: SQLite commits at the end of a statement, so a driver that stops at the first row of a
    /// `RETURNING` would not hear that the commit failed.
    async fn write(&self, statement: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        let mut writer = self.writer().await?;
        let writer = writer.as_mut().ok_or(StoreError::Closed)?;
        statement
            .fetch_all(&mut writer.connection)
            .await
            .map_err(|error| self.failed(error))
    }

    /// As [`write`](Self::write), for at most one row.
    async fn write_one(&self, statement: Statement<'_>) -> Result<Option<SqliteRow>, StoreError> {
        Ok(self.write(statement).await?.pop())
    }

    /// As [`write`](Self::write), for a count of the rows it changed.
    async fn change(&self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let mut writer = self.writer().await?;
        let writer = writer.as_mut().ok_or(StoreError::Closed)?;
        let done = statement
            .execute(&mut writer.connection)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(done.rows_affected())
    }

    /// Begins a transaction that may write.
    async fn begin(&self) -> Result<Transaction<'_>, StoreError> {
        let mut transaction = Transaction {
            sqlite: self,
            writer: self.writer().await?,
        };
        transaction.writer()?.unfinished = true;
        transaction.execute(sqlx::query("BEGIN IMMEDIATE")).await?;
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

/// Several statements that happen together or not at all. Dropped without [`commit`](Self::commit), none happens.
///
/// sqlx's own transactions are not used: they lose count, and the connection with them, when SQLite rolls back by itself.
struct Transaction<'a> {
    sqlite: &'a Sqlite,
    writer: MutexGuard<'a, Option<Writer>>,
}

impl Transaction<'_> {
    async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        match statement.execute(&mut self.writer()?.connection).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(self.failed(error).await),
        }
    }

    async fn fetch(&mut self, statement: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        match statement.fetch_all(&mut self.writer()?.connection).await {
            Ok(rows) => Ok(rows),
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

    async fn commit(mut self) -> Result<(), StoreError> {
        self.execute(sqlx::query("COMMIT")).await?;
        self.writer()?.unfinished = false;
        Ok(())
    }

    fn writer(&mut self) -> Result<&mut Writer, StoreError> {
        self.writer.as_mut().ok_or(StoreError::Closed)
    }
}
