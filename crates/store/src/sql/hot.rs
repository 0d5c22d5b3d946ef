//! The writes that a busy engine makes all the time: two for every refresh.
//!
//! Each stands in one conditional statement on one row, and many of a kind may stand in one statement, on a row each: the values come as
//! a table `v`, whose columns begin with `v_`.

use super::instances::standing_columns;
use super::{Dialect, Value};

/// What a hot write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HotKind {
    /// Takes lease and intent.
    Begin,
    /// Moves the generation, and tells of it with an event.
    Commit,
    /// Ends an attempt that spent nothing.
    Clear,
}

/// One hot write.
#[derive(Debug)]
pub(crate) struct HotWrite {
    pub(crate) kind: HotKind,
    /// The row's id, which comes first among the values too.
    pub(crate) id: i64,
    pub(crate) values: Vec<Value>,
}

impl HotKind {
    /// The columns of the table of values, in their order.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Begin => &[
                "v_id",
                "v_generation",
                "v_owner",
                "v_lease",
                "v_attempt",
                "v_token_hash",
                "v_now",
                "v_in_doubt",
            ],
            Self::Commit => &[
                "v_id",
                "v_generation",
                "v_access_token",
                "v_refresh_token",
                "v_expires_at",
                "v_refresh_expires_at",
                "v_scopes",
                "v_captures",
                "v_refreshed_at",
                "v_attempt",
                "v_keep_alive_at",
            ],
            Self::Clear => &["v_id", "v_attempt"],
        }
    }

    /// `v (…) AS (VALUES …)`, for so many rows.
    pub(crate) fn table(self, dialect: Dialect, rows: usize) -> String {
        let names = self.names();
        let mut number = 0;
        let rows: Vec<String> = (0..rows)
            .map(|_| {
                let row: Vec<String> = names
                    .iter()
                    .map(|_| {
                        number += 1;
                        dialect.next_value(number)
                    })
                    .collect();
                format!("({})", row.join(", "))
            })
            .collect();
        format!("v ({}) AS (VALUES {})", names.join(", "), rows.join(", "))
    }

    /// `UPDATE …` of the rows that `v` names and that are as it expects them to be; it returns what stands on
    /// those.
    pub(crate) fn update(self, dialect: Dialect) -> String {
        match self {
            Self::Begin => begin(dialect),
            Self::Commit => commit(dialect),
            Self::Clear => CLEAR.to_owned(),
        }
    }

    /// Whether each row that was written is told of with an event.
    pub(crate) fn is_told(self) -> bool {
        self == Self::Commit
    }
}

/// What an event tells of a commit, beside the row's id.
const TOLD: &str = "tenant, app, generation, refreshed_at";

/// Writes the events of the commits whose rows, as they stand after them, are in `rows`.
pub(crate) fn tell_commits(dialect: Dialect, rows: &str) -> String {
    let detail = dialect.object("generation", "generation");
    format!(
        "INSERT INTO events (tenant, instance, app, kind, detail, at) \
         SELECT tenant, id, app, 'instance.refreshed', {detail}, refreshed_at FROM {rows}"
    )
}

fn begin(dialect: Dialect) -> String {
    let (now, alive) = (dialect.now("v_now"), dialect.lease_alive("v_now"));
    let until = dialect.lease_end("v_now", "v_lease");
    let columns = standing_columns!();
    format!(
        "UPDATE instances SET lease_owner = v_owner, lease_until = {until}, \
         uncertain_at = CASE WHEN intent_generation = generation AND uncertain_generation IS DISTINCT FROM generation \
         THEN intent_at ELSE uncertain_at END, \
         uncertain_generation = CASE WHEN intent_generation = generation THEN generation ELSE uncertain_generation END, \
         intent_attempt = v_attempt, intent_generation = generation, intent_token_hash = v_token_hash, intent_at = {now} \
         FROM v WHERE id = v_id AND generation = v_generation AND status = 'ok' \
         AND (lease_owner IS NULL OR lease_owner = v_owner OR NOT {alive}) \
         AND (v_in_doubt = 1 OR (intent_generation IS DISTINCT FROM generation \
         AND uncertain_generation IS DISTINCT FROM generation)) RETURNING {columns}"
    )
}

fn commit(dialect: Dialect) -> String {
    let captures = dialect.merged("captures", "v_captures");
    let columns = standing_columns!();
    format!(
        "UPDATE instances SET generation = v_generation, access_token = v_access_token, refresh_token = v_refresh_token, \
         expires_at = v_expires_at, refresh_expires_at = v_refresh_expires_at, scopes = v_scopes, captures = {captures}, \
         refreshed_at = v_refreshed_at, committed_attempt = v_attempt, keep_alive_at = v_keep_alive_at, cause = NULL, \
         status_since = CASE WHEN status IN ('ok', 'deleting') THEN status_since ELSE v_refreshed_at END, \
         status = CASE status WHEN 'deleting' THEN 'deleting' ELSE 'ok' END, \
         uncertain_generation = NULL, uncertain_at = NULL, rejections = 0, rejected_at = NULL, \
         lease_owner = CASE WHEN intent_attempt = v_attempt THEN NULL ELSE lease_owner END, \
         lease_until = CASE WHEN intent_attempt = v_attempt THEN NULL ELSE lease_until END, \
         intent_generation = CASE WHEN intent_attempt = v_attempt THEN NULL ELSE intent_generation END, \
         intent_token_hash = CASE WHEN intent_attempt = v_attempt THEN NULL ELSE intent_token_hash END, \
         intent_at = CASE WHEN intent_attempt = v_attempt THEN NULL ELSE intent_at END, \
         contested_generation = CASE WHEN intent_attempt IS DISTINCT FROM v_attempt THEN v_generation \
         ELSE contested_generation END, \
         intent_attempt = nullif(intent_attempt, v_attempt) \
         FROM v WHERE id = v_id AND generation = v_generation - 1 RETURNING {columns}, {TOLD}"
    )
}

const CLEAR: &str = "UPDATE instances SET lease_owner = NULL, lease_until = NULL, intent_attempt = NULL, \
    intent_generation = NULL, intent_token_hash = NULL, intent_at = NULL \
    FROM v WHERE id = v_id AND intent_attempt = v_attempt RETURNING id";
