//! The app's breaker: where the provider refuses the app itself, its instances are not to suffer for it.
//!
//! Open, nothing is sent for any instance of the app but a single try now and then. Nothing is marked dead meanwhile: what is
//! wrong is a client secret, an endpoint or the app's standing, and one person mends it for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::{AppId, InstanceId, Timestamp};
use tieline_store::App;

use crate::{Engine, EngineError};

/// Between tries: a second, doubled each time, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Two instances of one app that are rejected within this time: it is the app.
const REJECTED_TOGETHER: Duration = Duration::from_secs(10 * 60);

/// The breakers of this process.
#[derive(Debug, Default)]
pub(crate) struct Breakers(Mutex<HashMap<AppId, Breaker>>);

#[derive(Debug, Default)]
struct Breaker {
    open: Option<Open>,
    /// The instance that was rejected last, and when.
    rejected: Option<(InstanceId, Timestamp)>,
}

#[derive(Debug)]
struct Open {
    /// The app's parameters that were refused: others deserve a try.
    version: i64,
    refusals: u32,
    until: Timestamp,
    error: Arc<EngineError>,
}

impl Breakers {
    /// Lets one try through when it is time; the others hear why the app was refused.
    fn pass(&self, app: &App, now: Timestamp) -> Result<(), EngineError> {
        let mut breakers = self.lock();
        let open = breakers
            .get_mut(&app.id)
            .and_then(|breaker| breaker.open.as_mut())
            .filter(|open| open.version == app.version);
        match open {
            Some(open) if now < open.until => Err(EngineError::Shared(Arc::clone(&open.error))),
            Some(open) => {
                // This one tries; until it is back, nobody else does.
                open.until = saturating_add(now, pause(open.refusals));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whether nobody would get through now.
    pub(crate) fn is_shut(&self, app: AppId, now: Timestamp) -> bool {
        let breakers = self.lock();
        let open = breakers.get(&app).and_then(|breaker| breaker.open.as_ref());
        open.is_some_and(|open| now < open.until)
    }

    /// The apps whose breaker is open.
    pub(crate) fn open(&self) -> Vec<AppId> {
        let breakers = self.lock();
        let open = breakers
            .iter()
            .filter(|(_, breaker)| breaker.open.is_some());
        open.map(|(app, _)| *app).collect()
    }

    /// Opens, or stays open for longer.
    fn refuse(&self, app: &App, error: Arc<EngineError>, now: Timestamp) {
        let mut breakers = self.lock();
        let open = &mut breakers.entry(app.id).or_default().open;
        let refusals = match open {
            Some(open) if open.version == app.version => open.refusals + 1,
            _ => 1,
        };
        *open = Some(Open {
            version: app.version,
            refusals,
            until: saturating_add(now, pause(refusals)),
            error,
        });
    }

    /// Whether a rejection is one of several instances' and so the app's; where the breaker is open already, it is.
    fn is_shared_rejection(&self, app: AppId, instance: InstanceId, now: Timestamp) -> bool {
        let mut breakers = self.lock();
        let breaker = breakers.entry(app).or_default();
        let last = breaker.rejected.replace((instance, now));
        let with_another = last.is_some_and(|(other, at)| {
            other != instance && now < saturating_add(at, REJECTED_TOGETHER)
        });
        breaker.open.is_some() || with_another
    }

    /// Closes; says whether it was open.
    fn close(&self, app: AppId) -> bool {
        self.lock()
            .remove(&app)
            .is_some_and(|breaker| breaker.open.is_some())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AppId, Breaker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Whether a request for this app makes sense now.
    ///
    /// # Errors
    /// The refusal that opened the breaker.
    pub(crate) fn pass_breaker(&self, app: &App) -> Result<(), EngineError> {
        self.shared.breakers.pass(app, self.shared.clock.now())
    }

    /// The provider has refused the app.
    pub(crate) async fn app_refused(&self, app: &App, error: EngineError) -> EngineError {
        let reason = error.to_string();
        let error = Arc::new(error);
        let now = self.shared.clock.now();
        self.shared.breakers.refuse(app, Arc::clone(&error), now);
        match self
            .shared
            .store
            .set_app_trouble(app.id, Some(&reason))
            .await
        {
            Ok(true) => {
                tracing::error!(app = %app.id, provider = app.provider, "the provider refuses the app: {reason}");
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(app = %app.id, "the app's trouble could not be written down: {error}")
            }
        }
        EngineError::Shared(error)
    }

    /// The provider has taken the app's credentials.
    pub(crate) async fn app_taken(&self, app: &App) {
        let was_open = self.shared.breakers.close(app.id);
        if !was_open && app.trouble.is_none() {
            return;
        }
        match self.shared.store.set_app_trouble(app.id, None).await {
            Ok(_) => {
                tracing::info!(app = %app.id, provider = app.provider, "the provider takes the app again")
            }
            Err(error) => {
                tracing::warn!(app = %app.id, "that the app's trouble is over could not be written down: {error}")
            }
        }
    }

    /// Whether a rejection of this instance's refresh is the app's trouble.
    pub(crate) fn is_the_apps(&self, app: &App, instance: InstanceId) -> bool {
        let now = self.shared.clock.now();
        self.shared
            .breakers
            .is_shared_rejection(app.id, instance, now)
    }
}

fn pause(refusals: u32) -> Duration {
    let doubled =
        Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(refusals.saturating_sub(1)));
    doubled.min(LONGEST_PAUSE)
}
