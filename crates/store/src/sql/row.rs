//! Columns to values and back.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};
use tieline_core::Timestamp;

use crate::StoreError;
use crate::seal::Blob;

/// A row of whatever database, read by the names of its columns.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::postgres::PgRow),
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self::Sqlite(row)
    }
}

#[cfg(feature = "postgres")]
impl From<sqlx::postgres::PgRow> for Row {
    fn from(row: sqlx::postgres::PgRow) -> Self {
        Self::Postgres(row)
    }
}

/// What every database can read from a column.
#[cfg(not(feature = "postgres"))]
pub(crate) trait Readable<'r>: Decode<'r, Sqlite> + Type<Sqlite> {}
#[cfg(not(feature = "postgres"))]
impl<'r, T: Decode<'r, Sqlite> + Type<Sqlite>> Readable<'r> for T {}

/// What every database can read from a column.
#[cfg(feature = "postgres")]
pub(crate) trait Readable<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>
{
}
#[cfg(feature = "postgres")]
impl<'r, T> Readable<'r> for T where
    T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>
{
}

impl Row {
    pub(crate) fn get<'r, T: Readable<'r>>(&'r self, column: &str) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(|error| StoreError::Database(Box::new(error)))
    }

    /// Microseconds since 1970.
    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        parsed(Timestamp::from_microsecond(self.get(column)?), column)
    }

    pub(crate) fn optional_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        self.get::<Option<i64>>(column)?
            .map(|micros| parsed(Timestamp::from_microsecond(micros), column))
            .transpose()
    }

    /// A count, or the number of a key.
    pub(crate) fn unsigned<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError>
    where
        T::Error: std::error::Error + Send + Sync + 'static,
    {
        parsed(T::try_from(self.get(column)?), column)
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        parsed(serde_json::from_str(self.get::<&str>(column)?), column)
    }

    pub(crate) fn word<T: FromStr<Err = crate::UnknownWord>>(
        &self,
        column: &str,
    ) -> Result<T, StoreError> {
        parsed(self.get::<&str>(column)?.parse(), column)
    }

    pub(crate) fn optional_word<T: FromStr<Err = crate::UnknownWord>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        self.get::<Option<&str>>(column)?
            .map(|word| parsed(word.parse(), column))
            .transpose()
    }

    pub(crate) fn blob(&self, column: &str) -> Result<Blob, StoreError> {
        self.get(column).map(Blob)
    }

    pub(crate) fn optional_blob(&self, column: &str) -> Result<Option<Blob>, StoreError> {
        Ok(self.get::<Option<Vec<u8>>>(column)?.map(Blob))
    }
}

/// What stands in a column that is not sealed, or an error that names the column.
pub(crate) fn parsed<T, E>(value: Result<T, E>, column: &str) -> Result<T, StoreError>
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
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(Box::new(error)))
}

/// Facts that came with tokens, as a column of JSON text. A NUL, which PostgreSQL's JSON has no place for, is replaced: tokens must not
/// be lost over what came with them.
pub(crate) fn facts(facts: &BTreeMap<String, String>) -> Result<String, StoreError> {
    let clean = |text: &str| text.replace('\0', "\u{FFFD}");
    if facts
        .iter()
        .any(|(name, fact)| name.contains('\0') || fact.contains('\0'))
    {
        let facts: BTreeMap<String, String> = facts
            .iter()
            .map(|(name, fact)| (clean(name), clean(fact)))
            .collect();
        return json(&facts);
    }
    json(facts)
}

/// An instant as a column. The last second that there is has no microseconds of its own when it is read again.
pub(crate) fn micros(instant: Timestamp) -> i64 {
    instant.as_microsecond().min(last_micros())
}

/// The last instant that a column can hold.
pub(crate) fn last_micros() -> i64 {
    Timestamp::MAX.as_second() * 1_000_000
}
