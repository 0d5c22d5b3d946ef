//! PostgreSQL: one database for many processes.
//!
//! Every write stands in one statement, or in a transaction that holds nothing but statements of one call. Leases go by the database's
//! clock and by heartbeats; there are no advisory locks, and nothing that ends with a session.

mod address;
mod failed;
mod hot;
mod migrations;
mod open;
mod session;
mod upkeep;

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use sqlx::PgPool;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;

pub(crate) use address::Address;
pub(crate) use open::inspect;
use session::Session;

use crate::sql::{Database, Dialect, HotWrite, Lookups, Row, Statement, Transaction, Value};
use crate::{Instance, StoreError};

/// An open PostgreSQL database.
pub(crate) struct Postgres {
    /// Its address, without user and password.
    place: PathBuf,
    pool: PgPool,
    lookups: Lookups,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Database for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        self.session().await?.rows(statement).await
    }

    async fn find_instance(&self, id: i64) -> Result<Option<Instance>, StoreError> {
        self.lookups.find(id).await
    }

    async fn write(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        self.session().await?.rows(statement).await
    }

    async fn change(&self, statement: Statement) -> Result<u64, StoreError> {
        self.session().await?.run(statement).await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction + '_>, StoreError> {
        Ok(Box::new(self.session().await?.begin().await?))
    }

    async fn write_hot(&self, write: HotWrite) -> Result<Option<Row>, StoreError> {
        Ok(self.write(hot::statement(write)).await?.pop())
    }
}

impl Postgres {
    async fn session(&self) -> Result<Session<'_>, StoreError> {
        Session::of(&self.pool, &self.place).await
    }
}

/// For PostgreSQL's driver.
fn query(statement: Statement) -> Result<Query<'static, sqlx::Postgres, PgArguments>, StoreError> {
    let Statement { sql, values } = statement;
    let mut query = sqlx::query(sql);
    for value in values {
        query = match value {
            Value::Text(Some(text)) if text.contains('\0') => {
                return Err(StoreError::Conflict(
                    "PostgreSQL keeps no text with a NUL character in it".to_owned(),
                ));
            }
            Value::Int(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Blob(value) => query.bind(value),
        };
    }
    Ok(query)
}
