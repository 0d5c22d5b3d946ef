//! One refresh per instance at a time: whoever comes later waits for the one in flight, and after a failure nobody
//! takes off again before it makes sense.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::{InstanceId, Timestamp};
use tieline_store::Instance;
use tokio::sync::watch;

use crate::{Engine, EngineError};

/// What came of a flight; shared, since many wait for it.
pub(crate) type Landing = Result<(), Arc<EngineError>>;

/// Tells when a flight has landed. A flight that can't land yet tells why meanwhile.
pub(crate) type Flight = watch::Receiver<Option<Landing>>;

/// How long to stay on the ground after a failure when the provider doesn't say: a second, doubled each time, up to this.
const LONGEST_REST: Duration = Duration::from_secs(5 * 60);

/// The refreshes of this process that are under way, and those that have failed lately.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    under_way: HashMap<InstanceId, Flight>,
    resting: HashMap<InstanceId, Rest>,
}

/// After a failure: until when, and why.
#[derive(Debug)]
struct Rest {
    /// Of the tokens that could not be refreshed: others may be.
    generation: i64,
    until: Timestamp,
    failures: u32,
    error: Arc<EngineError>,
}

impl Flights {
    /// The flight of this instance, if one is under way.
    pub(crate) fn under_way(&self, id: InstanceId) -> Option<Flight> {
        self.lock().under_way.get(&id).cloned()
    }

    /// Why the last refresh failed, if it is too early for another.
    pub(crate) fn resting(&self, seen: &Instance, now: Timestamp) -> Option<Arc<EngineError>> {
        let state = self.lock();
        let rest = state.resting.get(&seen.id)?;
        let holds = now < rest.until && rest.generation == seen.generation;
        holds.then(|| Arc::clone(&rest.error))
    }

    /// Forgets the rests that are over long since: their instances may be gone.
    pub(crate) fn forget(&self, now: Timestamp) {
        let is_recent = |rest: &Rest| now < saturating_add(rest.until, LONGEST_REST);
        self.lock().resting.retain(|_, rest| is_recent(rest));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Joins the flight of this instance, or starts one on a task that no caller can cancel.
    ///
    /// # Errors
    /// When the engine is shutting down.
    pub(crate) fn join_flight<F>(
        &self,
        id: InstanceId,
        generation: i64,
        fly: impl FnOnce(FlightEnd) -> F,
    ) -> Result<Flight, EngineError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (landed, flight) = watch::channel(None);
        {
            let mut state = self.shared.flights.lock();
            if let Some(flight) = state.under_way.get(&id) {
                return Ok(flight.clone());
            }
            state.under_way.insert(id, flight.clone());
        }
        // The lock is released: a runtime that is going away drops the flight inside `spawn`, and its end takes the lock.
        let engine = self.clone();
        self.shared.tasks.spawn(fly(FlightEnd {
            engine,
            id,
            generation,
            landed,
        }))?;
        Ok(flight)
    }
}

/// Held by the task that flies: tells everybody how it ended, or by its drop that it broke off.
#[derive(Debug)]
pub(crate) struct FlightEnd {
    engine: Engine,
    id: InstanceId,
    generation: i64,
    landed: watch::Sender<Option<Landing>>,
}

impl FlightEnd {
    /// Nobody need wait any longer, but the flight goes on: whoever joins meanwhile is told `why` too.
    pub(crate) fn delay(&self, why: EngineError) {
        self.landed.send_replace(Some(Err(Arc::new(why))));
    }

    /// The flight is over.
    pub(crate) fn land(self, landing: Result<(), EngineError>) {
        let now = self.engine.shared.clock.now();
        let landing = landing.map_err(Arc::new);
        {
            let mut state = self.engine.shared.flights.lock();
            match landing.as_ref().map_err(Arc::clone) {
                Err(error) if error.is_worth_resting() => {
                    let failures = state.resting.get(&self.id).map_or(0, |rest| rest.failures) + 1;
                    let until = saturating_add(now, rest(&error, failures));
                    state.resting.insert(
                        self.id,
                        Rest {
                            generation: self.generation,
                            until,
                            failures,
                            error,
                        },
                    );
                }
                _ => {
                    state.resting.remove(&self.id);
                }
            }
        }
        // Off the list first: whoever wakes and asks again must get a flight of its own.
        self.leave();
        self.landed.send_replace(Some(landing));
    }

    fn leave(&self) {
        let mut state = self.engine.shared.flights.lock();
        let ours = self.landed.subscribe();
        if state
            .under_way
            .get(&self.id)
            .is_some_and(|listed| ours.same_channel(listed))
        {
            state.under_way.remove(&self.id);
        }
    }
}

impl Drop for FlightEnd {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Waits for a flight to land.
pub(crate) async fn landing(mut flight: Flight) -> Result<(), EngineError> {
    let landed = flight
        .wait_for(Option::is_some)
        .await
        .map(|landing| landing.clone());
    match landed {
        Ok(Some(Ok(()))) => Ok(()),
        Ok(Some(Err(error))) => Err(EngineError::Shared(error)),
        // The sender is gone without a word: the task panicked.
        Ok(None) | Err(_) => Err(EngineError::BrokeOff),
    }
}

fn rest(error: &EngineError, failures: u32) -> Duration {
    error.retry_after().unwrap_or_else(|| {
        let doubled =
            Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        doubled.min(LONGEST_REST)
    })
}
