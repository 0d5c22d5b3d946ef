//! What a call needs of an instance, kept ready in memory: its row, where its calls go, and its access token, opened.
//!
//! Each is used for two seconds without asking the store. Then the row is read again, and as long as its generation is the same,
//! the token stays opened: a busy instance costs one small read every two seconds. What this process changes counts at once;
//! what another process or a person at the database changes, within those two seconds. What nobody asks for is wiped after a
//! minute or two.

use std::sync::{Arc, Mutex, PoisonError};

use tieline_core::{AppId, InstanceId, Secret, Timestamp};
use tieline_store::{Instance, Purpose};

use crate::due::{Due, due, is_renewable};
use crate::target::Target;
use crate::trusted::{Changing, Found, Trusted};
use crate::{Engine, EngineError, InstanceHandle};

/// What is ready, of all tenants.
#[derive(Debug, Default)]
pub(crate) struct Hot {
    instances: Trusted<InstanceId, Arc<Ready>>,
    /// The versions of the apps' parameters, which decide where calls go.
    apps: Trusted<AppId, i64>,
}

/// An instance that can be used, as it stood when it was read.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) instance: Instance,
    pub(crate) access_token: Arc<Secret>,
    /// Where calls go, once somebody has called.
    aim: Mutex<Option<Aim>>,
}

/// Where calls go as long as the app's parameters are these.
#[derive(Debug, Clone)]
struct Aim {
    version: i64,
    target: Arc<Target>,
}

impl Hot {
    /// An instance's row is about to be changed, until the answer is dropped.
    #[must_use]
    pub(crate) fn changing(&self, id: InstanceId) -> Changing<'_, InstanceId, Arc<Ready>> {
        self.instances.changing(id)
    }

    /// An app's row is about to be changed, until the answer is dropped.
    #[must_use]
    pub(crate) fn changing_app(&self, id: AppId) -> Changing<'_, AppId, i64> {
        self.apps.changing(id)
    }

    /// Wipes what nobody has asked for lately.
    pub(crate) fn forget_unused(&self, now: Timestamp) {
        self.instances.forget_unused(now);
        self.apps.forget_unused(now);
    }
}

impl InstanceHandle {
    /// The instance with an access token that can be used, refreshed first if that is due.
    pub(crate) async fn ready(&self, purpose: Purpose) -> Result<Arc<Ready>, EngineError> {
        let ready = self.known(purpose).await?;
        let descriptor = self.engine.provider(&ready.instance.provider)?.descriptor();
        let now = self.engine.shared.clock.now();
        match due(&ready.instance, &descriptor.oauth2().rotation, now) {
            Due::NotYet => Ok(ready),
            Due::Soon => {
                if is_renewable(descriptor, &ready.instance) {
                    self.engine.refresh_meanwhile(&ready.instance);
                }
                Ok(ready)
            }
            Due::Now => self.refreshed(&ready, purpose).await,
        }
    }

    /// The instance past the generation that was seen.
    pub(crate) async fn refreshed(
        &self,
        seen: &Ready,
        purpose: Purpose,
    ) -> Result<Arc<Ready>, EngineError> {
        let moved = self.engine.refresh_if_rested(&seen.instance).await?;
        let ready = self.known(purpose).await?;
        if ready.instance.generation >= moved.generation {
            return Ok(ready);
        }
        // It was another process that has refreshed, and here nobody knew.
        self.engine.shared.hot.instances.forget(self.id);
        self.known(purpose).await
    }

    /// The instance as it is known, or else stored: whatever its token is worth.
    async fn known(&self, purpose: Purpose) -> Result<Arc<Ready>, EngineError> {
        let Engine { shared, tenant, .. } = &self.engine;
        let (instances, now) = (&shared.hot.instances, shared.clock.now());
        let aged = match instances.find(self.id, now) {
            Found::Trusted(ready) if *ready.instance.tenant == **tenant => {
                shared.store.count_use(purpose);
                return Ok(ready);
            }
            Found::Aged(ready) => Some(ready),
            Found::Trusted(_) | Found::Nothing => None,
        };
        let reading = instances.reading(self.id, now);
        let read = self.load().await.and_then(|instance| {
            self.usable(&instance)?;
            match instance.disabled_at {
                Some(_) => Err(EngineError::Disabled(self.id)),
                None => Ok(instance),
            }
        });
        let instance = match read {
            Ok(instance) => instance,
            Err(error) => {
                // Unless it only belongs to somebody else, it can't be used any more.
                if aged.is_some() {
                    instances.forget(self.id);
                }
                return Err(error);
            }
        };
        let same = aged.filter(|aged| aged.instance.generation == instance.generation);
        let access_token = match &same {
            Some(aged) => {
                shared.store.count_use(purpose);
                Arc::clone(&aged.access_token)
            }
            None => Arc::new(shared.store.access_token(&instance, purpose).await?),
        };
        let aim = same.and_then(|aged| aged.aim_for(&instance));
        let ready = Arc::new(Ready {
            instance,
            access_token,
            aim: Mutex::new(aim),
        });
        instances.keep(reading, Arc::clone(&ready));
        Ok(ready)
    }
}

impl Ready {
    /// Where this instance's calls go.
    pub(crate) async fn target(&self, engine: &Engine) -> Result<Arc<Target>, EngineError> {
        let version = engine.app_version(self.instance.app).await?;
        if let Some(aim) = self.aim()
            && aim.version == version
        {
            return Ok(aim.target);
        }
        let provider = engine.provider(&self.instance.provider)?;
        let app = engine.app(self.instance.app).await?;
        let parameters = engine.app_parameters(&app).await?;
        let parameters = parameters.with_kept(&self.instance.parameters);
        let target = Arc::new(Target::of(provider, &parameters, &self.instance.captures)?);
        let aim = Aim {
            version: app.version,
            target: Arc::clone(&target),
        };
        *self.aim.lock().unwrap_or_else(PoisonError::into_inner) = Some(aim);
        Ok(target)
    }

    /// Where calls go for the same instance read again, if nothing that this depends on is different.
    fn aim_for(&self, again: &Instance) -> Option<Aim> {
        let Instance {
            captures,
            parameters,
            ..
        } = &self.instance;
        self.aim()
            .filter(|_| *captures == again.captures && *parameters == again.parameters)
    }

    fn aim(&self) -> Option<Aim> {
        let aim = self.aim.lock().unwrap_or_else(PoisonError::into_inner);
        aim.clone()
    }
}

impl Engine {
    /// Which of an app's parameters hold.
    async fn app_version(&self, id: AppId) -> Result<i64, EngineError> {
        let (apps, now) = (&self.shared.hot.apps, self.shared.clock.now());
        if let Found::Trusted(version) = apps.find(id, now) {
            return Ok(version);
        }
        let reading = apps.reading(id, now);
        let version = self.app(id).await?.version;
        apps.keep(reading, version);
        Ok(version)
    }
}
