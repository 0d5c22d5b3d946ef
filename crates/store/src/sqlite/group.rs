//! Group commit: the hot writes that wait at one time are one transaction, with one commit for all of them.
//!
//! One task takes them from a channel, as many as there are, and never waits for more. Each is answered after the commit, by itself:
//! one that doesn't take, or fails, costs the others nothing. A caller that goes away changes nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use super::Writer;
use super::batch;
use crate::StoreError;
use crate::sql::{self, Gather, HotWrite, Row};

/// How many are one transaction at most.
const MOST: usize = 512;

type Item = sql::Item<HotWrite, Option<Row>>;

/// The way to the task.
#[derive(Debug)]
pub(super) struct Group {
    callers: Gather<HotWrite, Option<Row>>,
    task: Mutex<Option<JoinHandle<()>>>,
    most: Arc<AtomicUsize>,
}

impl Group {
    /// Starts the task. It ends when the group is closed or dropped, and what was let in is done.
    pub(super) fn start(writer: Arc<Mutex<Option<Writer>>>, path: PathBuf) -> Self {
        let (callers, items) = Gather::new();
        let most = Arc::new(AtomicUsize::new(MOST));
        let task = tokio::spawn(run(items, writer, path, Arc::clone(&most)));
        Self {
            callers,
            task: Mutex::new(Some(task)),
            most,
        }
    }

    pub(super) async fn write(&self, write: HotWrite) -> Result<Option<Row>, StoreError> {
        self.callers.ask(write).await
    }

    /// Lets nothing in any more, and waits until all that was let in is done.
    pub(super) async fn close(&self) {
        self.callers.close();
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the writing task has failed");
        }
    }

    pub(super) fn set_most(&self, most: usize) {
        self.most.store(most.clamp(1, MOST), Ordering::Relaxed);
    }
}

async fn run(
    mut items: mpsc::Receiver<Item>,
    writer: Arc<Mutex<Option<Writer>>>,
    path: PathBuf,
    most: Arc<AtomicUsize>,
) {
    let mut batch = Vec::with_capacity(MOST);
    while items
        .recv_many(&mut batch, most.load(Ordering::Relaxed))
        .await
        > 0
    {
        let (writes, callers): (Vec<_>, Vec<_>) = batch
            .drain(..)
            .map(|item| (item.asked, item.answer))
            .unzip();
        let mut writer = writer.lock().await;
        let answers = match writer.as_mut() {
            Some(writer) => batch::write(writer, &path, &writes).await,
            None => writes.iter().map(|_| Err(StoreError::Closed)).collect(),
        };
        drop(writer);
        for (caller, answer) in callers.into_iter().zip(answers) {
            // Whoever has gone away has no use for it.
            let _ = caller.send(answer);
        }
    }
}
