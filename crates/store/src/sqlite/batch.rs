//! Many hot writes as one transaction, with as few statements as will do.
//!
//! What a statement costs is mostly the way to the driver's thread and back, so writes of a kind share one. Statements come in sizes
//! that are powers of two, so that the connection keeps them prepared.

use std::collections::HashMap;
use std::path::Path;

use super::failed::failed;
use super::{Writer, query};
use crate::StoreError;
use crate::sql::{Dialect, HotKind, HotWrite, Row, Statement, powers_of_two, same, tell_commits};

pub(super) type Answer = Result<Option<Row>, StoreError>;

/// Does all of them, durably, and answers each in its place.
pub(super) async fn write(writer: &mut Writer, path: &Path, writes: &[HotWrite]) -> Vec<Answer> {
    match try_write(writer, path, writes).await {
        Ok(rows) => rows.into_iter().map(Ok).collect(),
        Err(error) if writes.len() == 1 => vec![Err(error)],
        Err(error) if concerns_all(&error) => writes.iter().map(|_| Err(same(&error))).collect(),
        Err(error) => {
            // It is one of them; the others shall not pay for it.
            tracing::warn!(%error, "a batch of writes failed and is done one by one");
            let mut answers = Vec::with_capacity(writes.len());
            for write in writes {
                answers.push(
                    try_write(writer, path, std::slice::from_ref(write))
                        .await
                        .map(|mut rows| rows.pop().flatten()),
                );
            }
            answers
        }
    }
}

/// All of them in one transaction, or none.
async fn try_write(
    writer: &mut Writer,
    path: &Path,
    writes: &[HotWrite],
) -> Result<Vec<Option<Row>>, StoreError> {
    if writer.unfinished {
        writer.roll_back().await;
    }
    // A statement by itself is a transaction.
    if let [write] = writes
        && !write.kind.is_told()
    {
        let rows = fetch(writer, update(write.kind, &[write])).await;
        return Ok(vec![rows.map_err(|error| failed(path, error))?.pop()]);
    }
    writer.unfinished = true;
    let written = in_transaction(writer, writes).await;
    match written {
        Ok(rows) => {
            writer.unfinished = false;
            Ok(rows)
        }
        Err(error) => {
            writer.roll_back().await;
            Err(match error {
                Failure::Driver(error) => failed(path, error),
                Failure::Row(error) => error,
            })
        }
    }
}

enum Failure {
    Driver(sqlx::Error),
    Row(StoreError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Driver(error)
    }
}

async fn in_transaction(
    writer: &mut Writer,
    writes: &[HotWrite],
) -> Result<Vec<Option<Row>>, Failure> {
    let mut answers: Vec<Option<Row>> = writes.iter().map(|_| None).collect();
    execute(writer, Statement::of("BEGIN IMMEDIATE")).await?;
    for round in rounds(writes) {
        for (kind, places) in round {
            for places in powers_of_two(&places) {
                let chosen: Vec<_> = places.iter().map(|place| &writes[*place]).collect();
                let place_of: HashMap<i64, usize> = chosen
                    .iter()
                    .zip(places)
                    .map(|(write, place)| (write.id, *place))
                    .collect();
                let mut took = Vec::new();
                for row in fetch(writer, update(kind, &chosen)).await? {
                    let id = row.get("id").map_err(Failure::Row)?;
                    took.push(id);
                    if let Some(place) = place_of.get(&id) {
                        answers[*place] = Some(row);
                    }
                }
                if kind.is_told() {
                    for ids in powers_of_two(&took) {
                        execute(writer, tell(ids)).await?;
                    }
                }
            }
        }
    }
    execute(writer, Statement::of("COMMIT")).await?;
    Ok(answers)
}

/// The writes' places, kind by kind. One row is written once in a round: what else there is for it waits for the next, so that
/// writes of a row happen in their order.
fn rounds(writes: &[HotWrite]) -> Vec<Vec<(HotKind, Vec<usize>)>> {
    let mut rounds: Vec<Vec<(HotKind, Vec<usize>)>> = Vec::new();
    let mut seen: HashMap<i64, usize> = HashMap::with_capacity(writes.len());
    for (place, write) in writes.iter().enumerate() {
        let turn = seen.entry(write.id).or_insert(0);
        if *turn == rounds.len() {
            rounds.push(Vec::new());
        }
        let round = &mut rounds[*turn];
        *turn += 1;
        match round.iter_mut().find(|(kind, _)| *kind == write.kind) {
            Some((_, places)) => places.push(place),
            None => round.push((write.kind, vec![place])),
        }
    }
    rounds
}

fn update(kind: HotKind, writes: &[&HotWrite]) -> Statement {
    Statement::built(format!(
        "WITH {} {}",
        kind.table(Dialect::Sqlite, writes.len()),
        kind.update(Dialect::Sqlite)
    ))
    .bind_all(writes.iter().flat_map(|write| write.values.iter().cloned()))
}

fn tell(ids: &[i64]) -> Statement {
    let places = vec!["?"; ids.len()].join(", ");
    let rows = format!("instances WHERE id IN ({places})");
    Statement::built(tell_commits(Dialect::Sqlite, &rows))
        .bind_all(ids.iter().map(|id| (*id).into()))
}

async fn execute(writer: &mut Writer, statement: Statement) -> Result<(), sqlx::Error> {
    query(statement)
        .execute(&mut writer.connection)
        .await
        .map(|_| ())
}

/// Stepped to its end: by itself it is committed only there.
async fn fetch(writer: &mut Writer, statement: Statement) -> Result<Vec<Row>, sqlx::Error> {
    let rows = query(statement).fetch_all(&mut writer.connection).await?;
    Ok(rows.into_iter().map(Row::from).collect())
}

/// Whether the database, and not one write, is what failed.
fn concerns_all(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Full { .. }
            | StoreError::Io { .. }
            | StoreError::Unwritable { .. }
            | StoreError::Corrupt { .. }
            | StoreError::NotADatabase { .. }
            | StoreError::Busy
            | StoreError::Closed
    )
}
