//! Group commit: the hot writes that wait at one time are one transaction, with one commit for all of them.
//!
//! One task takes them from a channel, as many as there are, and never waits for more. Each is answered after the commit, by itself:
//! one that doesn't take, or fails, costs the others nothing. A caller that goes away changes nothing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Writer;
use super::batch::{self, Answer};
use crate::StoreError;
use crate::sql::{HotWrite, Row};

/// How many may wait before their callers wait to be let in.
const WAITING: usize = 1_024;
/// How many are one transaction at most.
const MOST: usize = 512;

/// A write, and who waits for its answer.
struct Item {
    write: HotWrite,
    answer: oneshot::Sender<Answer>,
}

/// The way to the task.
#[derive(Debug)]
pub(super) struct Group {
    /// `None` once closed.
    items: RwLock<Option<mpsc::Sender<Item>>>,
    task: Mutex<Option<JoinHandle<()>>>,
    most: Arc<AtomicUsize>,
}

impl Group {
    /// Starts the task. It ends when the group is closed or dropped, and what was let in is done.
    pub(super) fn start(writer: Arc<Mutex<Option<Writer>>>, path: PathBuf) -> Self {
        let (sender, items) = mpsc::channel(WAITING);
        let most = Arc::new(AtomicUsize::new(MOST));
        let task = tokio::spawn(run(items, writer, path, Arc::clone(&most)));
        Self {
            items: RwLock::new(Some(sender)),
            task: Mutex::new(Some(task)),
            most,
        }
    }

    pub(super) async fn write(&self, write: HotWrite) -> Result<Option<Row>, StoreError> {
        let items = self
            .items
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or(StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        items
            .send(Item { write, answer })
            .await
            .map_err(|_| StoreError::Closed)?;
        drop(items);
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Lets nothing in any more, and waits until all that was let in is done.
    pub(super) async fn close(&self) {
        self.items
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
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
            .map(|item| (item.write, item.answer))
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
