//! What PostgreSQL's errors mean to whoever runs the store.

use std::path::Path;

use sqlx::error::ErrorKind;

use crate::StoreError;

/// Translates a failure of the database at `place`.
///
/// Where a connection breaks during a write nobody knows whether it was done; the error is one that says to try again, and every
/// write can be tried again: it is conditional on what it changes.
pub(super) fn failed(place: &Path, error: sqlx::Error) -> StoreError {
    let unreachable = |why: String| StoreError::Unreachable {
        place: place.to_owned(),
        why,
        sent: true,
    };
    match error {
        sqlx::Error::PoolClosed => StoreError::Closed,
        sqlx::Error::PoolTimedOut => unreachable("no connection was free in time".to_owned()),
        sqlx::Error::Io(error) => unreachable(error.to_string()),
        sqlx::Error::Tls(error) => StoreError::DatabaseRefused {
            place: place.to_owned(),
            why: format!("TLS: {error}"),
        },
        sqlx::Error::Protocol(why) => unreachable(why),
        sqlx::Error::WorkerCrashed => unreachable("the connection broke".to_owned()),
        sqlx::Error::Database(error) => told(place, error),
        error => StoreError::Database(Box::new(error)),
    }
}

/// By the SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn told(place: &Path, error: Box<dyn sqlx::error::DatabaseError>) -> StoreError {
    let code = error.code().unwrap_or_default().into_owned();
    let why = || error.message().to_owned();
    let owned = || place.to_owned();
    match code.as_str() {
        "23503"
            if error.kind() == ErrorKind::ForeignKeyViolation
                && error
                    .constraint()
                    .is_some_and(|name| name.ends_with("sealed_with")) =>
        {
            StoreError::KeyRemoved
        }
        // Serialization, deadlock; lock not available; cancelled, as by a timeout.
        "40001" | "40P01" | "55P03" | "57014" => StoreError::Busy,
        "53100" => StoreError::Full { path: owned() },
        // A standby, or a primary that is being replaced.
        "25006" => StoreError::Unreachable {
            place: owned(),
            why: "it takes no writes: is it a standby?".to_owned(),
            sent: false,
        },
        "58030" => StoreError::Io {
            path: owned(),
            why: why(),
        },
        "XX001" | "XX002" => StoreError::Corrupt {
            path: owned(),
            why: why(),
        },
        // Who may come in, and which database there is; what its role may do.
        "28000" | "28P01" | "3D000" | "42501" => StoreError::DatabaseRefused {
            place: owned(),
            why: why(),
        },
        // Shutting down, starting up, a session ended by an administrator or for idling; out of connections or memory.
        code if ["08", "53", "57"]
            .iter()
            .any(|class| code.starts_with(class))
            || code == "25P03" =>
        {
            StoreError::Unreachable {
                place: owned(),
                why: why(),
                // Out of something, it has done nothing.
                sent: !code.starts_with("53"),
            }
        }
        _ => StoreError::Database(Box::new(sqlx::Error::Database(error))),
    }
}
