//! Who holds leases says that it is alive, once a second, where several processes share the store.
//!
//! A holder that is silent for five seconds counts as dead, and others take over. So nothing is sent unless a heartbeat was
//! acknowledged less than two seconds ago: a process that was frozen, or cut off from the database, finds out first.
//!
//! Nor does it take the silence of others for their death before it has been in touch with the database for a while itself: if it
//! was gone for all, those who live are about to be heard again, and to write what they have in hand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tieline_core::clock::saturating_add;
use tieline_core::{Timestamp, failpoint};
use tieline_store::StoreError;

use crate::Engine;
use crate::engine::Shared;
use crate::recovery::Others;

const BEAT: Duration = Duration::from_secs(1);
/// A database that takes longer is of no use for this.
const LONGEST_BEAT: Duration = Duration::from_millis(1_500);
const FRESH: Duration = Duration::from_secs(2);
/// A gap between two heartbeats: the database was away.
const GAP: Duration = Duration::from_secs(3);
/// For so long without a gap. Whoever lives writes meanwhile what it has in hand: a statement that was cut off is given up after ten
/// seconds, a new connection takes five at most, and two pass between two tries.
const IN_TOUCH: Duration = Duration::from_secs(20);

pub(crate) fn in_touch() -> Duration {
    failpoint::shortened("in-touch", IN_TOUCH)
}

/// Heartbeats that were acknowledged, without a gap between them.
#[derive(Debug, Clone, Copy)]
struct Beats {
    /// When the first of them was sent.
    first: Instant,
    /// When the last one was sent.
    last: Instant,
}

/// What was heard of the database.
#[derive(Debug, Default)]
pub(crate) struct Heartbeat {
    acknowledged: RwLock<Option<Beats>>,
    /// One at a time, so that a thousand refreshes send one.
    beating: tokio::sync::Mutex<()>,
    is_running: AtomicBool,
}

impl Heartbeat {
    fn is_younger_than(&self, age: Duration) -> bool {
        self.beats().is_some_and(|beats| beats.last.elapsed() < age)
    }

    /// How long until the silence of others says something.
    fn until_others_are_heard(&self) -> Duration {
        match self.beats() {
            Some(beats) if beats.last.elapsed() < GAP => {
                in_touch().saturating_sub(beats.first.elapsed())
            }
            _ => in_touch(),
        }
    }

    fn acknowledge(&self, sent: Instant) {
        let mut beats = self
            .acknowledged
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let first = match *beats {
            Some(beats) if sent.duration_since(beats.last) < GAP => beats.first,
            _ => sent,
        };
        *beats = Some(Beats { first, last: sent });
    }

    fn beats(&self) -> Option<Beats> {
        *self
            .acknowledged
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Makes sure that leases of this engine are honoured, now and for as long as it runs.
    ///
    /// # Errors
    /// The store can't be written.
    pub(crate) async fn keep_beating(&self) -> Result<(), StoreError> {
        if !self.shared.store.is_shared() {
            return Ok(());
        }
        beat(&self.shared, BEAT).await?;
        if !self
            .shared
            .heartbeat
            .is_running
            .swap(true, Ordering::SeqCst)
        {
            tokio::spawn(run(Arc::downgrade(&self.shared)));
        }
        Ok(())
    }

    /// By when those have been heard of who share the store and are in touch with it.
    pub(crate) fn others(&self, now: Timestamp) -> Others {
        if !self.shared.store.is_shared() {
            return Others::None;
        }
        let wait = self.shared.heartbeat.until_others_are_heard();
        Others::HeardBy(saturating_add(now, wait))
    }

    /// Whether nobody can have taken this engine for dead.
    pub(crate) fn is_known_alive(&self) -> bool {
        !self.shared.store.is_shared() || self.shared.heartbeat.is_younger_than(FRESH)
    }
}

/// Beats, unless that was done within `age`.
async fn beat(shared: &Shared, age: Duration) -> Result<(), StoreError> {
    let heartbeat = &shared.heartbeat;
    if heartbeat.is_younger_than(age) {
        return Ok(());
    }
    let _one_at_a_time = heartbeat.beating.lock().await;
    if heartbeat.is_younger_than(age) {
        return Ok(());
    }
    let sent = Instant::now();
    let beaten = tokio::time::timeout(LONGEST_BEAT, shared.store.beat(&shared.owner));
    beaten.await.unwrap_or(Err(StoreError::Busy))?;
    heartbeat.acknowledge(sent);
    Ok(())
}

/// Beats until the engine is gone or has nothing more to do.
async fn run(shared: std::sync::Weak<Shared>) {
    loop {
        tokio::time::sleep(BEAT / 2).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        match beat(&shared, BEAT / 2).await {
            Err(StoreError::Closed) => return,
            Err(error) => tracing::warn!("the heartbeat could not be written: {error}"),
            Ok(()) => {}
        }
    }
}
