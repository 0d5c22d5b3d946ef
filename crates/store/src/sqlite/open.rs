//! From a path to an open database: look without touching, then make, set up, back up, migrate.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};
use tieline_core::Timestamp;
use tokio::sync::Mutex;

use super::failed::failed;
use super::group::Group;
use super::log::has_frames;
use super::migrations::{MIGRATIONS, latest, migrator};
use super::{Sqlite, Writer, query, upkeep};
use crate::StoreError;
use crate::backend::KeyRow;
use crate::claim::RESTORED;
use crate::folder::{Folder, beside, create_private};
use crate::sql::{Dialect, Lookups, Read, Row, keys};

/// "TIEL", as the first migration writes it.
const APPLICATION_ID: i64 = 1_414_087_244;
const READERS: u32 = 4;
/// What the writing connection keeps prepared: hot writes come in ten sizes of each of four statements.
const STATEMENTS: usize = 200;
/// Rows that its thread may be ahead: as many as one statement returns.
const ROWS: usize = 512;
/// Of pages that the writing connection keeps: KiB, negative as SQLite wants them. What many callers refresh at one time should fit.
const CACHE: &str = "-32768";
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What was found at a path, before anything is written there.
#[derive(Debug)]
pub(crate) struct Found {
    /// The number of its schema; 0 where there is no database yet.
    pub(crate) schema: i64,
    pub(crate) keys: Vec<KeyRow>,
}

/// Looks at a database without changing a byte of it, its write-ahead log or its index.
///
/// # Errors
/// It is not Tieline's, or its schema is newer than this release's.
pub(crate) async fn inspect(path: &Path) -> Result<Found, StoreError> {
    match fs::metadata(path) {
        Ok(file) if file.is_dir() => {
            return Err(StoreError::NotADatabase {
                path: path.to_owned(),
                why: "it is a folder",
            });
        }
        Ok(file) if file.len() > 0 => {}
        Ok(_) => {
            return Ok(Found {
                schema: 0,
                keys: Vec::new(),
            });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Found {
                schema: 0,
                keys: Vec::new(),
            });
        }
        Err(error) => return Err(StoreError::io(path, &error)),
    }
    let mut connection = look_only(path)?
        .connect()
        .await
        .map_err(|error| failed(path, error))?;
    let found = read_identity(&mut connection, path, latest(MIGRATIONS)).await;
    let closed = connection
        .close()
        .await
        .map_err(|error| failed(path, error));
    let found = found?;
    closed?;
    Ok(found)
}

/// Checks a file that is to be restored: Tieline's, of a known schema, and undamaged.
pub(crate) async fn check_copy(path: &Path) -> Result<(), StoreError> {
    inspect(path).await?;
    let mut connection = look_only(path)?
        .connect()
        .await
        .map_err(|error| failed(path, error))?;
    let verdict = sqlx::query("PRAGMA integrity_check(1)")
        .fetch_one(&mut connection)
        .await;
    connection
        .close()
        .await
        .map_err(|error| failed(path, error))?;
    match verdict
        .map_err(|error| failed(path, error))
        .map(Row::from)?
        .get::<String>("integrity_check")?
        .as_str()
    {
        "ok" => Ok(()),
        damage => Err(StoreError::Corrupt {
            path: path.to_owned(),
            why: damage.to_owned(),
        }),
    }
}

/// Marks a copy, which nobody has open, as restored.
pub(crate) async fn mark_restored(path: &Path) -> Result<(), StoreError> {
    // No write-ahead log: the file has to be complete by itself when it is renamed into its place.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .disable_statement_logging();
    let mut connection = options
        .connect()
        .await
        .map_err(|error| failed(path, error))?;
    let marked = sqlx::query(
        "INSERT INTO marks (name, value) VALUES (?1, '') ON CONFLICT (name) DO NOTHING",
    )
    .bind(RESTORED)
    .execute(&mut connection)
    .await;
    connection
        .close()
        .await
        .map_err(|error| failed(path, error))?;
    marked.map_err(|error| failed(path, error)).map(|_| ())
}

async fn read_identity(
    connection: &mut SqliteConnection,
    path: &Path,
    known: i64,
) -> Result<Found, StoreError> {
    let read = |error| failed(path, error);
    let id = sqlx::query("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await
        .map(Row::from)
        .map_err(read)?;
    if id.get::<i64>("application_id")? == 0 && is_empty(connection, path).await? {
        // A first start that ended before its first migration.
        return Ok(Found {
            schema: 0,
            keys: Vec::new(),
        });
    }
    if id.get::<i64>("application_id")? != APPLICATION_ID {
        return Err(StoreError::NotADatabase {
            path: path.to_owned(),
            why: "it belongs to another program",
        });
    }
    let schema = sqlx::query("SELECT coalesce(max(version), 0) AS version FROM _sqlx_migrations")
        .fetch_one(&mut *connection)
        .await
        .map(Row::from)
        .map_err(read)?
        .get::<i64>("version")?;
    if schema > known {
        return Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found: schema,
            known,
        });
    }
    let rows = sqlx::query(keys::SELECT)
        .fetch_all(connection)
        .await
        .map_err(read)?;
    Ok(Found {
        schema,
        keys: rows
            .into_iter()
            .map(|row| keys::from_row(&Row::from(row)))
            .collect::<Result<_, _>>()?,
    })
}

async fn is_empty(connection: &mut SqliteConnection, path: &Path) -> Result<bool, StoreError> {
    let row =
        sqlx::query("SELECT count(*) AS n FROM sqlite_schema WHERE tbl_name <> '_sqlx_migrations'")
            .fetch_one(connection)
            .await
            .map(Row::from)
            .map_err(|error| failed(path, error))?;
    Ok(row.get::<i64>("n")? == 0)
}

/// A connection that changes nothing on disk.
///
/// Where no write-ahead log has frames there is nothing beside the file to read, and `immutable` keeps SQLite from making its
/// companions. A log that has some, which a crash leaves behind, is read through an index in memory: `readonly_shm`, provided that
/// there is a file for the index. A power cut may leave none, and then an empty one is made. Of a log without frames the index in
/// memory never comes to agree with the log's header, and SQLite would try until it gives up.
fn look_only(path: &Path) -> Result<SqliteConnectOptions, StoreError> {
    let options = SqliteConnectOptions::new()
        .read_only(true)
        .disable_statement_logging();
    let log = beside(path, "-wal");
    if !has_frames(&log).map_err(|error| StoreError::io(&log, &error))? {
        return Ok(options.filename(path).immutable(true));
    }
    let index = beside(path, "-shm");
    match create_private(&index) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(StoreError::io(&index, &error));
        }
        _ => {}
    }
    let mut address = url::Url::from_file_path(path).map_err(|()| StoreError::NotADatabase {
        path: path.to_owned(),
        why: "its path is not absolute",
    })?;
    address.query_pairs_mut().append_pair("readonly_shm", "1");
    Ok(options.filename(address.as_str()))
}

impl Sqlite {
    /// Opens the database, or makes one, after [`inspect`] found nothing against it.
    pub(crate) async fn open(
        folder: &Folder,
        found: &Found,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        Self::open_with(folder, found, now, MIGRATIONS).await
    }

    pub(super) async fn open_with(
        folder: &Folder,
        found: &Found,
        now: Timestamp,
        migrations: &[(i64, &'static str, &'static str)],
    ) -> Result<Self, StoreError> {
        let path = folder.database();
        match create_private(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(StoreError::io(&path, &error));
            }
            _ => {}
        }
        let mut connection = options(&path)
            .statement_cache_capacity(STATEMENTS)
            .row_buffer_size(ROWS)
            .pragma("cache_size", CACHE)
            .connect()
            .await
            .map_err(|error| failed(&path, error))?;
        verify_pragmas(&mut connection, &path).await?;
        if found.schema > 0 && found.schema < latest(migrations) {
            let backup = backup_path(folder, found.schema, now);
            upkeep::vacuum_into(&mut connection, &backup).await?;
            tracing::info!(backup = %backup.display(), "backed up before the schema is migrated");
        }
        migrator(migrations)
            .run(&mut connection)
            .await
            .map_err(|error| match error {
                sqlx::migrate::MigrateError::Execute(error)
                | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => failed(&path, error),
                error => StoreError::Database(Box::new(error)),
            })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options(&path).read_only(true).create_if_missing(false))
            .await
            .map_err(|error| failed(&path, error))?;
        let writer = Arc::new(Mutex::new(Some(Writer {
            connection,
            unfinished: false,
        })));
        let group = Group::start(Arc::clone(&writer), path.clone());
        Ok(Self {
            lookups: Lookups::start(Dialect::Sqlite, 1, reading(readers.clone(), path.clone())),
            path,
            writer,
            readers,
            group,
        })
    }
}

/// On one of the connections that read.
fn reading(readers: SqlitePool, path: PathBuf) -> Read {
    Arc::new(move |statement| {
        let (readers, path) = (readers.clone(), path.clone());
        Box::pin(async move {
            let rows = query(statement).fetch_all(&readers).await;
            let rows = rows.map_err(|error| failed(&path, error))?;
            Ok(rows.into_iter().map(Row::from).collect())
        })
    })
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// A file system that cannot do write-ahead logging makes SQLite fall back without an error.
async fn verify_pragmas(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    for (pragma, statement, wanted) in [
        (
            "journal_mode",
            "SELECT journal_mode AS value FROM pragma_journal_mode",
            "wal",
        ),
        (
            "synchronous",
            "SELECT CAST(synchronous AS TEXT) AS value FROM pragma_synchronous",
            "2",
        ),
        (
            "foreign_keys",
            "SELECT CAST(foreign_keys AS TEXT) AS value FROM pragma_foreign_keys",
            "1",
        ),
    ] {
        let row = sqlx::query(statement)
            .fetch_one(&mut *connection)
            .await
            .map(Row::from)
            .map_err(|error| failed(path, error))?;
        let found: String = row.get("value")?;
        if found != wanted {
            return Err(StoreError::Pragma {
                path: path.to_owned(),
                pragma,
                wanted,
                found,
            });
        }
    }
    Ok(())
}

fn backup_path(folder: &Folder, schema: i64, now: Timestamp) -> PathBuf {
    folder.backups().join(format!(
        "schema-{schema}-{}.db",
        now.strftime("%Y%m%dT%H%M%S%6fZ")
    ))
}
