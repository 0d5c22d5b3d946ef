//! A hot write, and the event that tells of it, in one statement.
//!
//! Under READ COMMITTED an `UPDATE` that had to wait for another transaction's lock on its row is decided by the row as that one left
//! it: PostgreSQL evaluates the condition again with the new version of the row. That holds for the updated row alone. So all that
//! decides stands on the row: generation, status, lease and intent; the values `v` are constants; and the heartbeat of the lease's
//! holder, which stands in a table of its own, is read by a function that is volatile and therefore sees what is committed by then.

use crate::sql::{Dialect, HotWrite, Statement, standing_columns, tell_commits};

/// The statement that does it; it returns what stands on the row, if it took.
pub(super) fn statement(write: HotWrite) -> Statement {
    let (table, update) = (
        write.kind.table(Dialect::Postgres, 1),
        write.kind.update(Dialect::Postgres),
    );
    let sql = if write.kind.is_told() {
        format!(
            "WITH {table}, done AS ({update}), told AS ({}) SELECT {} FROM done",
            tell_commits(Dialect::Postgres, "done"),
            standing_columns!()
        )
    } else {
        format!("WITH {table} {update}")
    };
    Statement::built(sql).bind_all(write.values)
}
