//! What SQLite's result codes mean to whoever runs the store.

use std::path::Path;

use sqlx::error::DatabaseError;

use super::Sqlite;
use crate::StoreError;

// Primary result codes: https://www.sqlite.org/rescode.html
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

impl Sqlite {
    pub(super) fn failed(&self, error: sqlx::Error) -> StoreError {
        failed(&self.path, error)
    }
}

/// Translates a failure of the database at `path`.
pub(super) fn failed(path: &Path, error: sqlx::Error) -> StoreError {
    let owned = || path.to_owned();
    match error {
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => StoreError::Closed,
        sqlx::Error::PoolTimedOut => StoreError::Busy,
        sqlx::Error::Io(error) => StoreError::io(path, &error),
        sqlx::Error::Database(error) => match primary_code(&*error) {
            BUSY | LOCKED => StoreError::Busy,
            READONLY | CANTOPEN => StoreError::Unwritable {
                path: owned(),
                why: error.message().to_owned(),
            },
            IOERR => StoreError::Io {
                path: owned(),
                why: error.message().to_owned(),
            },
            FULL => StoreError::Full { path: owned() },
            CORRUPT => StoreError::Corrupt {
                path: owned(),
                why: error.message().to_owned(),
            },
            NOTADB => StoreError::NotADatabase {
                path: owned(),
                why: "it is no SQLite file",
            },
            _ => StoreError::Database(Box::new(sqlx::Error::Database(error))),
        },
        error => StoreError::Database(Box::new(error)),
    }
}

fn primary_code(error: &dyn DatabaseError) -> i32 {
    error
        .code()
        .and_then(|code| code.parse::<i32>().ok())
        .unwrap_or_default()
        & 0xff
}
