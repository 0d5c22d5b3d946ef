//! So many calls of one app to one origin at once, and no more: a provider that hangs holds up its own calls, never those
//! to another.
//!
//! Refreshes are not counted: one per instance at a time is all there is.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tieline_core::{AppId, Clock, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Origin;

use crate::wait::reach;

/// How many calls of one app to one origin may be under way at once, unless the host says otherwise.
pub(crate) const CALLS_AT_ONCE: usize = 100;
/// With so many origins, or twice as many as were busy the last time, those without a call under way are forgotten.
const MANY: usize = 1_024;

/// The calls that are under way, by app and origin.
pub(crate) struct Bulkheads {
    at_once: usize,
    rooms: Mutex<Rooms>,
}

#[derive(Default)]
struct Rooms {
    seats: HashMap<(AppId, Origin), Arc<Semaphore>>,
    /// How many there were when it was last looked for idle ones.
    busy: usize,
}

/// Held while a call is under way.
pub(crate) type Seat = OwnedSemaphorePermit;

impl Bulkheads {
    pub(crate) fn new(at_once: usize) -> Self {
        Self {
            at_once: at_once.min(Semaphore::MAX_PERMITS),
            rooms: Mutex::default(),
        }
    }

    pub(crate) fn at_once(&self) -> usize {
        self.at_once
    }

    /// A seat, if one is free.
    pub(crate) fn try_enter(&self, app: AppId, origin: &Origin) -> Option<Seat> {
        self.seats(app, origin).try_acquire_owned().ok()
    }

    /// A seat as soon as one is free, in the order of asking; `None` where that is not before the deadline.
    pub(crate) async fn enter(
        &self,
        app: AppId,
        origin: &Origin,
        clock: &dyn Clock,
        deadline: Timestamp,
    ) -> Option<Seat> {
        let free = self.seats(app, origin).acquire_owned();
        tokio::select! {
            biased;
            seat = free => seat.ok(),
            () = reach(clock, deadline) => None,
        }
    }

    fn seats(&self, app: AppId, origin: &Origin) -> Arc<Semaphore> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.seats.len() >= MANY.max(rooms.busy.saturating_mul(2)) {
            // Whoever sits or waits has a share of it.
            rooms.seats.retain(|_, all| Arc::strong_count(all) > 1);
            rooms.busy = rooms.seats.len();
        }
        let all = rooms.seats.entry((app, origin.clone()));
        Arc::clone(all.or_insert_with(|| Arc::new(Semaphore::new(self.at_once))))
    }
}

impl fmt::Debug for Bulkheads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkheads")
            .field("at_once", &self.at_once)
            .finish_non_exhaustive()
    }
}
