//! The way to a task that takes what waits at one time all at once, and answers each by itself.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use tokio::sync::{mpsc, oneshot};

use crate::StoreError;

/// How many may wait before their callers wait to be let in.
const WAITING: usize = 1_024;

/// What somebody asks for, and who waits for the answer.
pub(super) struct Item<Q, A> {
    pub(super) asked: Q,
    pub(super) answer: oneshot::Sender<Result<A, StoreError>>,
}

/// The callers' end. The task ends when this is closed or dropped, and what was let in has been taken.
pub(super) struct Gather<Q, A> {
    /// `None` once closed.
    items: RwLock<Option<mpsc::Sender<Item<Q, A>>>>,
}

impl<Q, A> Gather<Q, A> {
    /// Both ends: the other one is the task's.
    pub(super) fn new() -> (Self, mpsc::Receiver<Item<Q, A>>) {
        let (sender, items) = mpsc::channel(WAITING);
        let callers = Self {
            items: RwLock::new(Some(sender)),
        };
        (callers, items)
    }

    pub(super) async fn ask(&self, asked: Q) -> Result<A, StoreError> {
        let items = self
            .items
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or(StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        items
            .send(Item { asked, answer })
            .await
            .map_err(|_| StoreError::Closed)?;
        drop(items);
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Lets nothing in any more.
    pub(super) fn close(&self) {
        self.items
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

impl<Q, A> fmt::Debug for Gather<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
    }
}
