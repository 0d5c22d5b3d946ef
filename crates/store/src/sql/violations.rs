//! Which rule of the schema a write would have broken.

use sqlx::error::ErrorKind;

use crate::StoreError;

/// Whether the write names something that is not there, or would leave something pointing at nothing.
pub(super) fn is_dangling(error: &StoreError) -> bool {
    violates(error, ErrorKind::ForeignKeyViolation)
}

/// Whether the write repeats what must be unique.
pub(super) fn is_duplicate(error: &StoreError) -> bool {
    violates(error, ErrorKind::UniqueViolation)
}

fn violates(error: &StoreError, kind: ErrorKind) -> bool {
    let StoreError::Database(error) = error else {
        return false;
    };
    matches!(error.downcast_ref(), Some(sqlx::Error::Database(error)) if error.kind() == kind)
}
