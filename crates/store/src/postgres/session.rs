//! A connection of the pool for as long as one call needs it.
//!
//! sqlx gives a connection back to the pool whatever was going on when its user went away: a `BEGIN` that was sent and not yet
//! answered leaves a transaction open, in which the next user's writes vanish. So a connection only goes back from here when all that
//! was sent has been answered and no transaction is open; else it is closed, and the server rolls back what it had begun.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, PgQueryResult, PgRow};

use super::failed::failed;
use super::query;
use crate::StoreError;
use crate::sql::{Row, Statement, Transaction};

/// The server gives up a little sooner: see [`super::open`].
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

pub(super) struct Session<'a> {
    place: &'a Path,
    connection: Option<PoolConnection<sqlx::Postgres>>,
    in_transaction: bool,
    /// Something was sent that has not been answered, or the answer was that the connection is of no use.
    unanswered: bool,
}

impl<'a> Session<'a> {
    pub(super) async fn of(pool: &PgPool, place: &'a Path) -> Result<Self, StoreError> {
        let acquired = pool.acquire().await;
        let connection = acquired.map_err(|error| failed(place, error).unsent())?;
        Ok(Self {
            place,
            connection: Some(connection),
            in_transaction: false,
            unanswered: false,
        })
    }

    pub(super) async fn begin(mut self) -> Result<Self, StoreError> {
        self.in_transaction = true;
        self.run(Statement::of("BEGIN")).await?;
        Ok(self)
    }

    /// Runs a statement, for the rows it returns.
    pub(super) async fn rows(&mut self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let statement = query(statement)?;
        let connection = self.send()?;
        let answer: Result<Vec<PgRow>, _> = in_time(statement.fetch_all(&mut **connection)).await;
        let rows = self.answered(answer)?;
        Ok(rows.into_iter().map(Row::from).collect())
    }

    /// Runs a statement, for a count of the rows it changed.
    pub(super) async fn run(&mut self, statement: Statement) -> Result<u64, StoreError> {
        let statement = query(statement)?;
        let connection = self.send()?;
        let answer: Result<PgQueryResult, _> = in_time(statement.execute(&mut **connection)).await;
        Ok(self.answered(answer)?.rows_affected())
    }

    fn send(&mut self) -> Result<&mut PoolConnection<sqlx::Postgres>, StoreError> {
        self.unanswered = true;
        self.connection.as_mut().ok_or(StoreError::Closed)
    }

    fn answered<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        let broken = matches!(&answer, Err(error) if !matches!(error, sqlx::Error::Database(_)));
        self.unanswered = broken;
        answer.map_err(|error| failed(self.place, error))
    }
}

/// A connection may die without a word, and the system would wait for a quarter of an hour; whoever waits has tokens in hand.
async fn in_time<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(LONGEST_ANSWER, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && (self.unanswered || self.in_transaction)
        {
            connection.close_on_drop();
        }
    }
}

#[async_trait]
impl Transaction for Session<'_> {
    async fn execute(&mut self, statement: Statement) -> Result<u64, StoreError> {
        self.run(statement).await
    }

    async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        self.rows(statement).await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.run(Statement::of("COMMIT")).await?;
        self.in_transaction = false;
        Ok(())
    }

    async fn roll_back(mut self: Box<Self>) {
        if self.run(Statement::of("ROLLBACK")).await.is_ok() {
            self.in_transaction = false;
        }
    }
}
