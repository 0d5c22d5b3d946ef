//! A statement with its values, before it is known which database runs it.

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use crate::seal::Blob;

/// A statement to be run: its text has `$1`, `$2`, … where values go.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sql: SqlStr,
    pub(crate) values: Vec<Value>,
}

/// What a column of the store can hold. An absent value has a type, too: PostgreSQL wants to know it.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
}

impl Statement {
    pub(crate) fn of(sql: &'static str) -> Self {
        Self {
            sql: SqlStr::from_static(sql),
            values: Vec::new(),
        }
    }

    /// A text that was put together, of fixed parts: never of anything that came from outside.
    pub(crate) fn built(sql: String) -> Self {
        Self {
            sql: AssertSqlSafe(sql).into_sql_str(),
            values: Vec::new(),
        }
    }

    /// The value of the next placeholder.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The values of the next placeholders.
    pub(crate) fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<&Option<String>> for Value {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.clone())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Blob(Some(value.to_owned()))
    }
}

impl From<Option<Vec<u8>>> for Value {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self::Blob(value)
    }
}

impl From<&Blob> for Value {
    fn from(value: &Blob) -> Self {
        Self::Blob(Some(value.0.clone()))
    }
}

impl From<&Option<Blob>> for Value {
    fn from(value: &Option<Blob>) -> Self {
        Self::Blob(value.as_ref().map(|blob| blob.0.clone()))
    }
}

impl From<Option<Blob>> for Value {
    fn from(value: Option<Blob>) -> Self {
        Self::Blob(value.map(|blob| blob.0))
    }
}

impl From<Blob> for Value {
    fn from(value: Blob) -> Self {
        Self::Blob(Some(value.0))
    }
}
