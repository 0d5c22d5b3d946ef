//! Columns to values and back.

use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Type};
use tieline_core::Timestamp;

use crate::StoreError;
use crate::seal::Blob;

/// Reads a row by the names of its columns.
pub(super) trait Columns {
    fn get<'r, T: sqlx::Decode<'r, Sqlite> + Type<Sqlite>>(
        &'r self,
        column: &str,
    ) -> Result<T, StoreError>;

    /// Microseconds since 1970.
    fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        parsed(Timestamp::from_microsecond(self.get(column)?), column)
    }

    fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        self.get::<Option<i64>>(column)?
            .map(|micros| parsed(Timestamp::from_microsecond(micros), column))
            .transpose()
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        parsed(serde_json::from_str(self.get::<&str>(column)?), column)
    }

    fn word<T: FromStr<Err = crate::UnknownWord>>(&self, column: &str) -> Result<T, StoreError> {
        parsed(self.get::<&str>(column)?.parse(), column)
    }

    fn optional_word<T: FromStr<Err = crate::UnknownWord>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        self.get::<Option<&str>>(column)?
            .map(|word| parsed(word.parse(), column))
            .transpose()
    }

    fn blob(&self, column: &str) -> Result<Blob, StoreError> {
        self.get(column).map(Blob)
    }

    fn optional_blob(&self, column: &str) -> Result<Option<Blob>, StoreError> {
        Ok(self.get::<Option<Vec<u8>>>(column)?.map(Blob))
    }
}

impl Columns for SqliteRow {
    fn get<'r, T: sqlx::Decode<'r, Sqlite> + Type<Sqlite>>(
        &'r self,
        column: &str,
    ) -> Result<T, StoreError> {
        self.try_get(column)
            .map_err(|error| StoreError::Database(Box::new(error)))
    }
}

/// What stands in a column that is not sealed, or an error that names the column.
pub(super) fn parsed<T, E>(value: Result<T, E>, column: &str) -> Result<T, StoreError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    value.map_err(|error| {
        StoreError::Database(Box::new(sqlx::Error::ColumnDecode {
            index: column.to_owned(),
            source: Box::new(error),
        }))
    })
}

/// A value as a column of JSON text.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(Box::new(error)))
}

/// An instant as a column. The last second that there is has no microseconds of its own when it is read again.
pub(super) fn micros(instant: Timestamp) -> i64 {
    instant
        .as_microsecond()
        .min(Timestamp::MAX.as_second() * 1_000_000)
}
