//! The database as it stands, read from outside of the processes that keep it.

use std::io;
use std::path::{Path, PathBuf};

use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection};
use tokio::sync::Mutex;

use super::world::Kept;

/// What stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The generation.
    pub generation: i64,
    /// The status.
    pub status: String,
    /// The cause, if a person is needed.
    pub cause: Option<String>,
}

/// A reader of its own.
#[derive(Debug)]
pub struct Outside {
    place: Place,
    reader: Mutex<Reader>,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Url(String),
}

#[derive(Debug)]
enum Reader {
    Closed,
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

const SELECT: &str = "SELECT generation, status, cause FROM instances WHERE id = $1";
const EXPIRE: &str = "UPDATE instances SET expires_at = 1 WHERE id = $1";

impl Outside {
    pub(crate) fn of(kept: &Kept, folder: &Path) -> Self {
        let place = match kept {
            Kept::Sqlite => Place::File(folder.join("data-0/store.db")),
            Kept::Postgres { url, .. } => Place::Url(url.clone()),
        };
        Self {
            place,
            reader: Mutex::new(Reader::Closed),
        }
    }

    /// What is stored of an instance.
    ///
    /// # Errors
    /// When the database can't be read, such as while nobody has it open.
    pub async fn stored(&self, id: i64) -> io::Result<Stored> {
        let mut reader = self.reader.lock().await;
        if let Ok(stored) = self.read(&mut reader, id).await {
            return Ok(stored);
        }
        // The database may have been killed since it was read last.
        *reader = Reader::Closed;
        self.read(&mut reader, id).await.map_err(io::Error::other)
    }

    /// Leaves the database alone until it is asked for again.
    pub async fn close(&self) {
        *self.reader.lock().await = Reader::Closed;
    }

    /// Makes the access token of an instance one that has expired.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn expire(&self, id: i64) -> io::Result<()> {
        let done = match &self.place {
            Place::File(file) => {
                let options = SqliteConnectOptions::new().filename(file);
                let mut connection = options.connect().await.map_err(io::Error::other)?;
                let statement = sqlx::query(EXPIRE).bind(id);
                statement.execute(&mut connection).await.map(drop)
            }
            Place::Url(url) => {
                let mut connection = connect(url).await.map_err(io::Error::other)?;
                let statement = sqlx::query(EXPIRE).bind(id);
                statement.execute(&mut connection).await.map(drop)
            }
        };
        done.map_err(io::Error::other)
    }

    async fn read(&self, reader: &mut Reader, id: i64) -> Result<Stored, sqlx::Error> {
        if matches!(reader, Reader::Closed) {
            *reader = match &self.place {
                Place::File(file) => {
                    let options = SqliteConnectOptions::new().filename(file).read_only(true);
                    Reader::Sqlite(options.connect().await?)
                }
                Place::Url(url) => Reader::Postgres(connect(url).await?),
            };
        }
        match reader {
            Reader::Closed => Err(sqlx::Error::PoolClosed),
            Reader::Sqlite(connection) => {
                let row: SqliteRow = sqlx::query(SELECT).bind(id).fetch_one(connection).await?;
                Ok(Stored {
                    generation: row.try_get("generation")?,
                    status: row.try_get("status")?,
                    cause: row.try_get("cause")?,
                })
            }
            Reader::Postgres(connection) => {
                let row: PgRow = sqlx::query(SELECT).bind(id).fetch_one(connection).await?;
                Ok(Stored {
                    generation: row.try_get("generation")?,
                    status: row.try_get("status")?,
                    cause: row.try_get("cause")?,
                })
            }
        }
    }
}

/// Everything is in a schema of its own.
async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    let statement = sqlx::query("SET search_path TO tieline");
    statement.execute(&mut connection).await?;
    Ok(connection)
}
