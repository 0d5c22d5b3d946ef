//! Instances looked up by their ids, together: those that are asked for at one time are one statement.
//!
//! As with writes, what a lookup costs is mostly the way to the database and back. When thousands wait for one refresh, they look at one
//! row.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::gather::{self, Gather, powers_of_two, same};
use super::instances::from_row;
use super::{Dialect, Row, Statement, columns};
use crate::{Instance, StoreError};

/// How many are looked up at once at most.
const MOST: usize = 256;

type Item = gather::Item<i64, Option<Instance>>;
/// Read once, and copied to whoever asks: SQLite's rows must not be read by two threads at a time, although the driver says
/// that they may (its values are decoded into a cell that is not synchronised).
type Found = HashMap<i64, Result<Instance, StoreError>>;

/// The way to the task that looks up.
#[derive(Debug)]
pub(crate) struct Lookups(Gather<i64, Option<Instance>>);

/// What runs a statement on some connection.
pub(crate) type Read = Arc<dyn Fn(Statement) -> Reading + Send + Sync>;
type Reading = Pin<Box<dyn Future<Output = Result<Vec<Row>, StoreError>> + Send>>;

impl Lookups {
    /// Starts the task, which keeps so many statements under way at most: one that hangs does not hold up those behind it. It ends
    /// when this is closed or dropped, and what was let in is answered.
    pub(crate) fn start(dialect: Dialect, at_once: usize, read: Read) -> Self {
        let (callers, items) = Gather::new();
        tokio::spawn(run(items, dialect, at_once, read));
        Self(callers)
    }

    /// The row as it was committed last when this was called, or later.
    pub(crate) async fn find(&self, id: i64) -> Result<Option<Instance>, StoreError> {
        self.0.ask(id).await
    }

    pub(crate) fn close(&self) {
        self.0.close();
    }
}

async fn run(mut items: mpsc::Receiver<Item>, dialect: Dialect, at_once: usize, read: Read) {
    let lanes = Arc::new(Semaphore::new(at_once));
    // Nobody closes it.
    while let Ok(lane) = Arc::clone(&lanes).acquire_owned().await {
        let mut batch = Vec::with_capacity(MOST);
        if items.recv_many(&mut batch, MOST).await == 0 {
            return;
        }
        let read = Arc::clone(&read);
        tokio::spawn(async move {
            let found = look_up(dialect, &read, &batch).await;
            // Whoever waits may ask for the next one at once.
            drop(lane);
            for item in batch {
                let answer = match &found {
                    Ok(found) => match found.get(&item.asked) {
                        Some(Ok(instance)) => Ok(Some(instance.clone())),
                        Some(Err(error)) => Err(same(error)),
                        None => Ok(None),
                    },
                    Err(error) => Err(same(error)),
                };
                // Whoever has gone away has no use for it.
                let _ = item.answer.send(answer);
            }
        });
    }
}

async fn look_up(dialect: Dialect, read: &Read, batch: &[Item]) -> Result<Found, StoreError> {
    let mut ids: Vec<i64> = batch.iter().map(|item| item.asked).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut found = HashMap::with_capacity(ids.len());
    for ids in powers_of_two(&ids) {
        let places: Vec<String> = (1..=ids.len())
            .map(|number| dialect.next_value(number))
            .collect();
        let sql = format!(
            "SELECT {} FROM instances WHERE id IN ({})",
            columns!(),
            places.join(", ")
        );
        let statement = Statement::built(sql).bind_all(ids.iter().map(|id| (*id).into()));
        for row in read(statement).await? {
            found.insert(row.get("id")?, from_row(&row));
        }
    }
    Ok(found)
}
