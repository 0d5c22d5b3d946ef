//! The way to a task that takes what waits at one time all at once, and answers each by itself.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use tokio::sync::{mpsc, oneshot};

use crate::StoreError;

/// How many may wait before their callers wait to be let in.
const WAITING: usize = 1_024;

/// What somebody asks for, and who waits for the answer.
pub(crate) struct Item<Q, A> {
    pub(crate) asked: Q,
    pub(crate) answer: oneshot::Sender<Result<A, StoreError>>,
}

/// The callers' end. The task ends when this is closed or dropped, and what was let in has been taken.
pub(crate) struct Gather<Q, A> {
    /// `None` once closed.
    items: RwLock<Option<mpsc::Sender<Item<Q, A>>>>,
}

impl<Q, A> Gather<Q, A> {
    /// Both ends: the other one is the task's.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Item<Q, A>>) {
        let (sender, items) = mpsc::channel(WAITING);
        let callers = Self {
            items: RwLock::new(Some(sender)),
        };
        (callers, items)
    }

    pub(crate) async fn ask(&self, asked: Q) -> Result<A, StoreError> {
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
    pub(crate) fn close(&self) {
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

/// The items in parts whose sizes are powers of two, the largest first.
pub(crate) fn powers_of_two<T>(mut items: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = 1_usize << items.len().checked_ilog2()?;
        let (part, rest) = items.split_at(size);
        items = rest;
        Some(part)
    })
}

/// The same error for another caller.
pub(crate) fn same(error: &StoreError) -> StoreError {
    match error {
        StoreError::Full { path } => StoreError::Full { path: path.clone() },
        StoreError::Io { path, why } => StoreError::Io {
            path: path.clone(),
            why: why.clone(),
        },
        StoreError::Unwritable { path, why } => StoreError::Unwritable {
            path: path.clone(),
            why: why.clone(),
        },
        StoreError::Corrupt { path, why } => StoreError::Corrupt {
            path: path.clone(),
            why: why.clone(),
        },
        StoreError::NotADatabase { path, why } => StoreError::NotADatabase {
            path: path.clone(),
            why,
        },
        StoreError::Unreachable { place, why, sent } => StoreError::Unreachable {
            place: place.clone(),
            why: why.clone(),
            sent: *sent,
        },
        StoreError::DatabaseRefused { place, why } => StoreError::DatabaseRefused {
            place: place.clone(),
            why: why.clone(),
        },
        StoreError::Busy => StoreError::Busy,
        StoreError::Closed => StoreError::Closed,
        other => StoreError::Database(other.to_string().into()),
    }
}
