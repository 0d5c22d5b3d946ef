//! One refresh per instance at a time: whoever comes later waits for the one in flight.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tieline_core::InstanceId;
use tokio::sync::watch;

use crate::{Engine, EngineError};

/// What came of a flight; shared, since many wait for it.
pub(crate) type Landing = Result<(), Arc<EngineError>>;

/// The refreshes of this process that are under way.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    under_way: HashMap<InstanceId, watch::Receiver<Option<Landing>>>,
}

impl Flights {
    /// Joins the flight of this instance, or starts `refresh` on a task of its own, which no caller can cancel.
    ///
    /// # Errors
    /// When no more flights are taken.
    pub(crate) fn join<F>(
        &self,
        engine: &Engine,
        id: InstanceId,
        start: impl FnOnce(FlightEnd) -> F,
    ) -> Result<watch::Receiver<Option<Landing>>, EngineError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut state = self.lock();
        if let Some(flight) = state.under_way.get(&id) {
            return Ok(flight.clone());
        }
        if state.closed {
            return Err(EngineError::ShuttingDown);
        }
        let (landed, flight) = watch::channel(None);
        state.under_way.insert(id, flight.clone());
        tokio::spawn(start(FlightEnd {
            engine: engine.clone(),
            id,
            landed,
        }));
        Ok(flight)
    }

    /// The flight of this instance, if one is under way.
    pub(crate) fn under_way(&self, id: InstanceId) -> Option<watch::Receiver<Option<Landing>>> {
        self.lock().under_way.get(&id).cloned()
    }

    fn leave(&self, id: InstanceId, flight: &watch::Sender<Option<Landing>>) {
        let mut state = self.lock();
        if state
            .under_way
            .get(&id)
            .is_some_and(|listed| flight.subscribe().same_channel(listed))
        {
            state.under_way.remove(&id);
        }
    }

    /// Takes no more flights and waits until all have landed.
    pub(crate) async fn drain(&self) {
        let flights: Vec<_> = {
            let mut state = self.lock();
            state.closed = true;
            state.under_way.values().cloned().collect()
        };
        for mut flight in flights {
            // An error means that the task ended without landing: over as well.
            let _ = flight.wait_for(Option::is_some).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by the task that flies: tells everybody how it ended, or by its drop that it broke off.
#[derive(Debug)]
pub(crate) struct FlightEnd {
    engine: Engine,
    id: InstanceId,
    landed: watch::Sender<Option<Landing>>,
}

impl FlightEnd {
    pub(crate) fn land(self, landing: Landing) {
        // Off the list first: whoever wakes and asks again must get a flight of its own.
        self.engine.shared.flights.leave(self.id, &self.landed);
        self.landed.send_replace(Some(landing));
    }
}

impl Drop for FlightEnd {
    fn drop(&mut self) {
        self.engine.shared.flights.leave(self.id, &self.landed);
    }
}

/// Waits for a flight to land.
pub(crate) async fn landing(
    id: InstanceId,
    mut flight: watch::Receiver<Option<Landing>>,
) -> Result<(), EngineError> {
    match flight
        .wait_for(Option::is_some)
        .await
        .map(|landing| landing.clone())
    {
        Ok(Some(Ok(()))) => Ok(()),
        Ok(Some(Err(error))) => Err(EngineError::Shared(error)),
        // The sender is gone without a word: the task panicked.
        Ok(None) | Err(_) => Err(EngineError::RefreshBrokeOff(id)),
    }
}
