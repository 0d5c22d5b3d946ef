//! What an engine is made of.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tieline_core::endpoint::is_endpoint;
use tieline_core::{
    Clock, Configuration, InstanceId, ProviderSetup, Registry, SystemClock, Timestamp, random,
};
use tieline_oauth::{Edge, EdgeOptions};
use tieline_store::Store;
use url::Url;

use crate::breaker::Breakers;
use crate::bulkhead::{Bulkheads, CALLS_AT_ONCE};
use crate::flights::Flights;
use crate::heartbeat::Heartbeat;
use crate::hot::Hot;
use crate::known_keys::KnownKeys;
use crate::limits::Limits;
use crate::tasks::Tasks;
use crate::upkeep::Leaving;
use crate::webhooks::Couriers;
use crate::{EngineError, InstanceHandle};

/// The tenant of embedded hosts and of the command line, and the only one that configuration speaks for.
pub(crate) use tieline_store::DEFAULT_TENANT;

/// How events name the owner of the store: whoever works through the command line or the control socket.
pub const OWNER: &str = "owner";

/// Owns the life of instances, on behalf of one tenant. Cheap to clone; clones share everything.
///
/// Before the runtime goes away, [`shutdown`](Self::shutdown) must have been awaited: a refresh that is cut off between
/// the provider's commit and ours costs an instance.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tenant: Arc<str>,
    /// Who acts through this clone, where somebody does.
    pub(crate) actor: Option<Arc<str>>,
}

/// What all clones share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) configuration: Configuration,
    pub(crate) edge: Edge,
    pub(crate) clock: Arc<dyn Clock>,
    /// Without a slash at its end.
    pub(crate) public_url: Option<String>,
    pub(crate) tasks: Tasks,
    pub(crate) flights: Flights,
    pub(crate) breakers: Breakers,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) known_keys: KnownKeys,
    pub(crate) couriers: Couriers,
    pub(crate) hot: Hot,
    pub(crate) limits: Limits,
    pub(crate) bulkheads: Bulkheads,
    leaving: Mutex<Leaving>,
    pub(crate) upkeep_runs: AtomicBool,
    /// How long a lease may be held.
    pub(crate) lease: Duration,
    /// Who holds the leases that this engine takes.
    pub(crate) owner: String,
}

impl Shared {
    pub(crate) fn leaving(&self) -> MutexGuard<'_, Leaving> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts an engine together.
#[derive(Debug)]
pub struct EngineBuilder {
    registry: Registry,
    store: Store,
    configuration: Configuration,
    edge: EdgeOptions,
    calls_at_once: usize,
    clock: Arc<dyn Clock>,
    public_url: Option<Url>,
}

impl Engine {
    /// Starts with what an engine can't do without.
    pub fn builder(registry: Registry, store: Store) -> EngineBuilder {
        EngineBuilder {
            registry,
            store,
            configuration: Configuration::default(),
            edge: EdgeOptions::default(),
            calls_at_once: CALLS_AT_ONCE,
            clock: Arc::new(SystemClock),
            public_url: None,
        }
    }

    /// The same engine on behalf of another tenant. Nothing crosses tenants.
    #[must_use]
    pub fn for_tenant(&self, tenant: &str) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            tenant: tenant.into(),
            actor: self.actor.clone(),
        }
    }

    /// The same engine, which notes who acts in the events of what is done through it: [`OWNER`], [`KeyHolder::actor`], or what the
    /// host calls its user. What an engine does by itself, nobody does.
    ///
    /// [`KeyHolder::actor`]: crate::KeyHolder::actor
    #[must_use]
    pub fn acting_as(&self, actor: &str) -> Self {
        Self {
            actor: Some(actor.into()),
            ..self.clone()
        }
    }

    /// The store, in whose events stands who acts.
    pub(crate) fn acting_store(&self) -> Store {
        self.shared.store.acting_as(self.actor.as_deref())
    }

    pub(crate) fn of_default_tenant(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            tenant: DEFAULT_TENANT.into(),
            actor: None,
        }
    }

    /// On whose behalf this engine acts. Default: `default`.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The providers it knows.
    pub fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// Where it keeps things.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The operator's configuration.
    pub fn configuration(&self) -> &Configuration {
        &self.shared.configuration
    }

    /// What time it is, by its clock.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// One connected account, which may or may not exist.
    pub fn instance(&self, id: InstanceId) -> InstanceHandle {
        InstanceHandle {
            engine: self.clone(),
            id,
        }
    }

    /// Takes no further work from now on: no refresh is begun, no account connected. What is under way goes on.
    pub fn take_no_more(&self) {
        self.shared.tasks.close();
    }

    /// Takes no further work, waits for what is under way — refreshes, exchanges, revocations — and closes the store,
    /// for all its clones and whoever shares it.
    pub async fn shutdown(&self) {
        self.shared.tasks.finish().await;
        self.shared.store.close().await;
    }

    pub(crate) fn provider(&self, id: &str) -> Result<&'static dyn ProviderSetup, EngineError> {
        Ok(self.shared.registry.provider(id)?)
    }
}

impl EngineBuilder {
    /// The operator's configuration. Default: an empty one.
    #[must_use]
    pub fn configuration(mut self, configuration: Configuration) -> Self {
        self.configuration = configuration;
        self
    }

    /// Limits of the HTTP edge. Default: those of [`EdgeOptions`].
    #[must_use]
    pub fn edge(mut self, options: EdgeOptions) -> Self {
        self.edge = options;
        self
    }

    /// How many calls of one app to one origin may be under way at once, from the first byte sent to the last byte of the
    /// answer: a provider that hangs holds up no more than these. At least 1. Default: 100.
    #[must_use]
    pub fn calls_at_once(mut self, most: usize) -> Self {
        self.calls_at_once = most.max(1);
        self
    }

    /// Where the time comes from. Default: the machine.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where the front door is reached from outside, any prefix included: callback URLs begin with it. It never comes from a
    /// request. Default: there is no front door.
    #[must_use]
    pub fn public_url(mut self, public_url: Url) -> Self {
        self.public_url = Some(public_url);
        self
    }

    /// Builds the engine, for the tenant `default`.
    ///
    /// # Errors
    /// When the configuration names providers that don't exist, the public URL can't be one, or the HTTP edge can't be built.
    pub fn build(self) -> Result<Engine, EngineError> {
        self.configuration.check_providers(&self.registry)?;
        let owner = random::context()?;
        let shared = Shared {
            registry: self.registry,
            store: self.store,
            configuration: self.configuration,
            lease: self.edge.deadline + TIME_TO_COMMIT,
            edge: Edge::new(self.edge)?,
            clock: self.clock,
            public_url: self.public_url.map(checked_public_url).transpose()?,
            tasks: Tasks::default(),
            flights: Flights::default(),
            breakers: Breakers::default(),
            heartbeat: Heartbeat::default(),
            known_keys: KnownKeys::default(),
            couriers: Couriers::default(),
            hot: Hot::default(),
            limits: Limits::default(),
            bulkheads: Bulkheads::new(self.calls_at_once),
            leaving: Mutex::default(),
            upkeep_runs: AtomicBool::new(false),
            owner,
        };
        Ok(Engine::of_default_tenant(Arc::new(shared)))
    }
}

fn checked_public_url(url: Url) -> Result<String, EngineError> {
    let text = String::from(url);
    let bare = text.trim_end_matches('/');
    if !is_endpoint(&text) || text.contains('?') {
        return Err(EngineError::Unusable {
            field: "public URL",
            why: "is an absolute https URL without query, fragment, user and password; plain http only on this machine"
                .to_owned(),
        });
    }
    Ok(bare.to_owned())
}

/// Added to the edge's deadline for a lease: what committing may take, and a margin.
const TIME_TO_COMMIT: Duration = Duration::from_secs(15);
