//! The schema's history: numbered, forward only, compiled in.

use std::path::Path;

use sqlx::error::DatabaseError;
use sqlx::{Connection as _, PgConnection, Row as _, SqlSafeStr as _};

use super::failed::failed;
use crate::StoreError;

/// Each with its number. What was released is never edited, only added to.
pub(super) const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("migrations/0001_first.sql")),
    (2, include_str!("migrations/0002_host.sql")),
    (3, include_str!("migrations/0003_contested.sql")),
    (4, include_str!("migrations/0004_pages.sql")),
];

/// What there must be before the first migration: a place of our own, so that a host may keep its tables beside ours, and a table
/// that says which migrations have been done.
const GROUND: &str = "CREATE TABLE IF NOT EXISTS schema_versions (
    version BIGINT NOT NULL PRIMARY KEY,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)";

/// The number of the schema that these migrations lead to.
pub(super) fn latest(migrations: &[(i64, &'static str)]) -> i64 {
    migrations
        .iter()
        .map(|(number, _)| *number)
        .max()
        .unwrap_or_default()
}

/// Brings the schema up to date in one transaction; of several processes that do so at once, the others wait for the first.
pub(super) async fn migrate(
    connection: &mut PgConnection,
    place: &Path,
    migrations: &[(i64, &'static str)],
) -> Result<(), StoreError> {
    let fail = |error| failed(place, error);
    lay_ground(connection).await.map_err(fail)?;
    let mut transaction = connection.begin().await.map_err(fail)?;
    sqlx::query("LOCK TABLE schema_versions IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *transaction)
        .await
        .map_err(fail)?;
    let found = version(&mut transaction).await.map_err(fail)?;
    let known = latest(migrations);
    if found > known {
        return Err(StoreError::NewerSchema {
            path: place.to_owned(),
            found,
            known,
        });
    }
    for (number, sql) in migrations.iter().filter(|(number, _)| *number > found) {
        sqlx::raw_sql(sql.into_sql_str())
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        sqlx::query("INSERT INTO schema_versions (version) VALUES ($1)")
            .bind(*number)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
    }
    transaction.commit().await.map_err(fail)
}

/// The number of the schema that is there.
pub(super) async fn version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query("SELECT coalesce(max(version), 0) AS version FROM schema_versions")
        .fetch_one(connection)
        .await?
        .try_get("version")
}

/// Processes that make the same thing at once get in each other's way, `IF NOT EXISTS` or not: once for the schema, once for the table.
async fn lay_ground(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        match try_ground(connection).await {
            Err(sqlx::Error::Database(error)) if tries < 5 && is_there_already(&*error) => {}
            laid => return laid,
        }
    }
}

fn is_there_already(error: &dyn DatabaseError) -> bool {
    matches!(
        error.code().as_deref(),
        Some("23505" | "42P06" | "42P07" | "42710")
    )
}

async fn try_ground(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Looked for first: who may not make a schema may use one that an administrator made.
    let there: bool = sqlx::query("SELECT to_regnamespace('tieline') IS NOT NULL AS there")
        .fetch_one(&mut *connection)
        .await?
        .try_get("there")?;
    if !there {
        sqlx::query("CREATE SCHEMA IF NOT EXISTS tieline")
            .execute(&mut *connection)
            .await?;
    }
    let there: bool =
        sqlx::query("SELECT to_regclass('tieline.schema_versions') IS NOT NULL AS there")
            .fetch_one(&mut *connection)
            .await?
            .try_get("there")?;
    if !there {
        sqlx::query(GROUND).execute(connection).await?;
    }
    Ok(())
}
