//! From an address to an open database: look without touching, then migrate, then a pool.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};

use super::failed::failed;
use super::migrations::{MIGRATIONS, latest, migrate, version};
use super::session::Session;
use super::{Address, Postgres};
use crate::StoreError;
use crate::backend::KeyRow;
use crate::sql::{Dialect, Lookups, Read, Row, keys};

const CONNECTIONS: u32 = 20;
/// Lookups under way at one time.
const LOOKUPS: usize = 4;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Generated columns that are stored came with 12; that one has reached its end.
const OLDEST: i32 = 130_000;

/// What each session is set to. A role or database may have defaults that the store cannot live with: commits that are not durable, or an
/// isolation in which a statement fails that had to wait for another. A process that is frozen in a transaction loses it, and
/// nobody waits for a lock, or a statement, for ever.
const SESSION: &str = "SET search_path = tieline; \
    SET default_transaction_isolation = 'read committed'; \
    SET idle_in_transaction_session_timeout = '30s'; \
    SET lock_timeout = '5s'; \
    SET statement_timeout = '9s'; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Looks at a database without changing anything: the keys that are there, none where there is no store yet.
///
/// # Errors
/// It cannot be reached, or its schema is newer than this release's.
pub(crate) async fn inspect(address: &Address) -> Result<Vec<KeyRow>, StoreError> {
    let place = &address.place;
    let mut connection = connect(address).await?;
    let found = look(&mut connection, place).await;
    // Nothing was written: whether it ends in good order doesn't matter.
    let _ = connection.close().await;
    found
}

async fn look(connection: &mut PgConnection, place: &Path) -> Result<Vec<KeyRow>, StoreError> {
    let fail = |error| failed(place, error);
    let row = sqlx::query(
        "SELECT current_setting('server_version_num')::int AS release, current_setting('fsync') AS fsync, \
         to_regclass('tieline.schema_versions') IS NOT NULL AS there",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(fail)?;
    let release: i32 = row.try_get("release").map_err(fail)?;
    if release < OLDEST {
        return Err(StoreError::DatabaseRefused {
            place: place.to_owned(),
            why: format!(
                "it is PostgreSQL {}, and 13 is the oldest that will do",
                release / 10_000
            ),
        });
    }
    let fsync: &str = row.try_get("fsync").map_err(fail)?;
    if fsync == "off" {
        tracing::warn!(
            "the database runs with fsync = off: a power cut loses tokens that cannot be had again"
        );
    }
    if !row.try_get::<bool, _>("there").map_err(fail)? {
        return Ok(Vec::new());
    }
    let (found, known) = (version(connection).await.map_err(fail)?, latest(MIGRATIONS));
    match found {
        0 => Ok(Vec::new()),
        found if found > known => Err(StoreError::NewerSchema {
            path: place.to_owned(),
            found,
            known,
        }),
        _ => {
            let rows = sqlx::query(keys::SELECT)
                .fetch_all(connection)
                .await
                .map_err(fail)?;
            rows.into_iter()
                .map(|row| keys::from_row(&Row::from(row)))
                .collect()
        }
    }
}

impl Postgres {
    /// Opens the database, or makes one, after [`inspect`] found nothing against it.
    pub(crate) async fn open(address: Address) -> Result<Self, StoreError> {
        let mut connection = connect(&address).await?;
        let migrated = migrate(&mut connection, &address.place, MIGRATIONS).await;
        let _ = connection.close().await;
        migrated?;
        let Address { place, options } = address;
        let pool = pool(options).await.map_err(|error| failed(&place, error))?;
        let lookups = Lookups::start(
            Dialect::Postgres,
            LOOKUPS,
            reading(pool.clone(), place.clone()),
        );
        Ok(Self {
            place,
            pool,
            lookups,
        })
    }
}

/// On a connection of the pool.
fn reading(pool: sqlx::PgPool, place: PathBuf) -> Read {
    Arc::new(move |statement| {
        let (pool, place) = (pool.clone(), place.clone());
        Box::pin(async move { Session::of(&pool, &place).await?.rows(statement).await })
    })
}

async fn pool(options: PgConnectOptions) -> Result<sqlx::PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SESSION).execute(connection).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await
}

async fn connect(address: &Address) -> Result<PgConnection, StoreError> {
    let fail = |error| failed(&address.place, error);
    let mut connection = address.options.connect().await.map_err(fail)?;
    sqlx::raw_sql(SESSION)
        .execute(&mut connection)
        .await
        .map_err(fail)?;
    Ok(connection)
}
