//! Instances looked up by their ids, together: those that are asked for at one time are one statement.
//!
//! As with writes, what a lookup costs is mostly the way to the driver's thread and back.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use sqlx::SqlitePool;
use tokio::sync::mpsc;

use super::batch::{powers_of_two, same};
use super::failed::failed;
use super::gather::{self, Gather};
use super::query;
use crate::StoreError;
use crate::sql::{Row, Statement, columns};

const MOST: usize = 256;

type Item = gather::Item<i64, Option<Arc<Row>>>;

/// The way to the task that looks up.
#[derive(Debug)]
pub(super) struct Lookups(Gather<i64, Option<Arc<Row>>>);

impl Lookups {
    /// Starts the task. It ends when this is closed or dropped, and what was let in is answered.
    pub(super) fn start(readers: SqlitePool, path: PathBuf) -> Self {
        let (callers, items) = Gather::new();
        tokio::spawn(run(items, readers, path));
        Self(callers)
    }

    /// The row as it was committed last when this was called, or later.
    pub(super) async fn find(&self, id: i64) -> Result<Option<Arc<Row>>, StoreError> {
        self.0.ask(id).await
    }

    pub(super) fn close(&self) {
        self.0.close();
    }
}

async fn run(mut items: mpsc::Receiver<Item>, readers: SqlitePool, path: PathBuf) {
    let mut batch = Vec::with_capacity(MOST);
    while items.recv_many(&mut batch, MOST).await > 0 {
        let found = look_up(&readers, &batch)
            .await
            .map_err(|error| match error {
                Failure::Driver(error) => failed(&path, error),
                Failure::Row(error) => error,
            });
        for item in batch.drain(..) {
            let answer = match &found {
                Ok(found) => Ok(found.get(&item.asked).cloned()),
                Err(error) => Err(same(error)),
            };
            // Whoever has gone away has no use for it.
            let _ = item.answer.send(answer);
        }
    }
}

enum Failure {
    Driver(sqlx::Error),
    Row(StoreError),
}

async fn look_up(readers: &SqlitePool, batch: &[Item]) -> Result<HashMap<i64, Arc<Row>>, Failure> {
    let mut ids: Vec<i64> = batch.iter().map(|item| item.asked).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut found = HashMap::with_capacity(ids.len());
    for ids in powers_of_two(&ids) {
        let places = vec!["?"; ids.len()].join(", ");
        let sql = format!(
            "SELECT {} FROM instances WHERE id IN ({places})",
            columns!()
        );
        let statement = Statement::built(sql).bind_all(ids.iter().map(|id| (*id).into()));
        let rows = query(statement)
            .fetch_all(readers)
            .await
            .map_err(Failure::Driver)?;
        for row in rows {
            let row = Row::from(row);
            found.insert(row.get("id").map_err(Failure::Row)?, Arc::new(row));
        }
    }
    Ok(found)
}
