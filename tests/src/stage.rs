//! A stage for one test: a sandbox that plays a provider, an engine with a store of its own, and a clock we turn.

#![expect(
    clippy::unwrap_used,
    reason = "a stage that can't be set is a failed test"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use tieline as _;
use tieline_core::http::CallbackQuery;
use tieline_core::prelude::*;
use tieline_core::{Configuration, ManualClock, Timestamp};
use tieline_engine::{Arrival, AuthorizeOptions, Engine, EngineError, NewApp, Started};
use tieline_sandbox::{Act, Endpoint, Gate, Sandbox, VendorRules};
use tieline_store::{App, Instance, MasterKey, Purpose, Store, StoreOptions};
use tokio::task::JoinHandle;

use crate::provider::{acme, provider};

/// Where the tests' users come back to. Nothing listens there: the stage hands the callback over itself.
pub const CALLBACK_URL: &str = "https://localhost:8917/callback";

/// 2026-01-01T00:00:00Z.
const MORNING: i64 = 1_767_225_600;

/// Everything that one test plays with.
#[derive(Debug)]
pub struct Stage {
    /// The other side.
    pub sandbox: Sandbox,
    /// Our side.
    pub engine: Engine,
    /// The time of both.
    pub clock: Arc<ManualClock>,
    /// Holds the data folder and the master key.
    pub folder: TempDir,
    provider: &'static dyn ProviderSetup,
    secret: String,
}

impl Stage {
    /// A stage with the invented provider.
    pub async fn acme() -> Self {
        Self::acme_with(|descriptor| descriptor).await
    }

    /// A stage with the invented provider, described a little differently.
    pub async fn acme_with(change: impl FnOnce(ProviderDescriptor) -> ProviderDescriptor) -> Self {
        let (sandbox, clock) = sandbox("acme").await;
        let descriptor = change(acme(sandbox.base_url()));
        Self::set(sandbox, clock, provider(descriptor)).await
    }

    /// A stage with Infusionsoft, as its own crate describes it.
    pub async fn infusionsoft() -> Self {
        let (sandbox, clock) = sandbox("infusionsoft").await;
        let provider = Registry::discover()
            .unwrap()
            .provider("infusionsoft")
            .unwrap();
        Self::set(sandbox, clock, provider).await
    }

    async fn set(
        sandbox: Sandbox,
        clock: Arc<ManualClock>,
        provider: &'static dyn ProviderSetup,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secret = sandbox.client().1.to_owned();
        let configuration = configuration(&sandbox, provider.descriptor().id, &secret);
        let engine = open_engine(folder.path(), &clock, provider, configuration).await;
        Self {
            sandbox,
            engine,
            clock,
            folder,
            provider,
            secret,
        }
    }

    /// Ends the engine and starts another on the same folder, as after a restart.
    #[must_use]
    pub async fn reopened(mut self) -> Self {
        self.engine.shutdown().await;
        let configuration = configuration(&self.sandbox, self.provider(), &self.secret);
        self.engine = open_engine(
            self.folder.path(),
            &self.clock,
            self.provider,
            configuration,
        )
        .await;
        self
    }

    /// Restarts with another client secret in the configuration.
    #[must_use]
    pub async fn with_secret(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.secret);
        self.reopened().await
    }

    /// Restarts with another server in the configuration.
    #[must_use]
    pub async fn facing(mut self, sandbox: &Sandbox) -> Self {
        self.engine.shutdown().await;
        let configuration = configuration(sandbox, self.provider(), &self.secret);
        self.engine = open_engine(
            self.folder.path(),
            &self.clock,
            self.provider,
            configuration,
        )
        .await;
        self
    }

    /// Runs SQL in the store's database, from outside.
    pub async fn execute(&self, sql: &str) {
        execute(&self.database(), sql).await;
    }

    /// From now on the database refuses a kind of write to the instances, such as `INSERT` or `UPDATE OF generation`,
    /// until it is mended.
    pub async fn break_writes(&self, kind: &str) -> Broken {
        self.execute(&format!(
            "CREATE TRIGGER broken BEFORE {kind} ON instances \
             BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END"
        ))
        .await;
        Broken(self.database())
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("data/store.db")
    }

    /// The provider's id.
    pub fn provider(&self) -> &'static str {
        self.provider.descriptor().id
    }

    /// The usual app, made if need be.
    pub async fn app(&self) -> App {
        match self
            .engine
            .app_named(self.provider(), self.provider())
            .await
            .unwrap()
        {
            Some(app) => app,
            None => {
                let new = NewApp {
                    provider: self.provider().to_owned(),
                    ..NewApp::default()
                };
                self.engine.create_app(new).await.unwrap()
            }
        }
    }

    /// Starts an authorization of the usual app, and lets the sandbox's first user consent to it.
    pub async fn consented(&self, options: AuthorizeOptions) -> (Arrival, CallbackQuery) {
        let started = self.start(options).await;
        let callback = self
            .sandbox
            .consent(&started.authorization_url)
            .await
            .unwrap();
        (Arrival::Local(started.id), query(&callback))
    }

    /// Starts an authorization of the usual app.
    pub async fn start(&self, options: AuthorizeOptions) -> Started {
        self.engine
            .authorize(&self.app().await, options)
            .await
            .unwrap()
    }

    /// Authorizes, consents and calls back.
    pub async fn connect(&self) -> Instance {
        self.try_connect().await.unwrap()
    }

    /// As [`connect`](Self::connect), with whatever comes of it.
    pub async fn try_connect(&self) -> Result<Instance, EngineError> {
        let (arrival, callback) = self.consented(AuthorizeOptions::LOCAL).await;
        self.engine.call_back(&arrival, &callback).await
    }

    /// Starts a refresh whose answer the server keeps back, after it has spent the token, until the gate is released.
    pub async fn held_refresh(
        &self,
        instance: &Instance,
    ) -> (Gate, JoinHandle<Result<Instance, EngineError>>) {
        let gate = Gate::new();
        self.sandbox
            .script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
        let handle = self.engine.instance(instance.id);
        let refresh = tokio::spawn(async move { handle.refresh().await });
        gate.reached().await;
        (gate, refresh)
    }

    /// Begins to shut the engine down.
    pub fn begin_shutdown(&self) -> JoinHandle<()> {
        let engine = self.engine.clone();
        tokio::spawn(async move { engine.shutdown().await })
    }

    /// The instance as it is stored now.
    pub async fn load(&self, instance: &Instance) -> Instance {
        self.engine.instance(instance.id).load().await.unwrap()
    }

    /// The stored tokens, for comparing with the ledger.
    pub async fn tokens(&self, instance: &Instance) -> (String, Option<String>) {
        let (store, instance) = (self.engine.store(), self.load(instance).await);
        let access_token = store.access_token(&instance, Purpose::Check).await.unwrap();
        let refresh_token = store
            .refresh_token(&instance, Purpose::Check)
            .await
            .unwrap();
        (
            access_token.expose().to_owned(),
            refresh_token.map(|token| token.expose().to_owned()),
        )
    }

    /// Whether the stored refresh token is the one that the server would take.
    pub async fn holds_the_current_refresh_token(&self, instance: &Instance) -> bool {
        let (_, refresh_token) = self.tokens(instance).await;
        refresh_token.is_some_and(|token| self.sandbox.ledger().is_current_refresh_token(&token))
    }
}

/// A database that refuses writes.
#[derive(Debug)]
#[must_use]
pub struct Broken(PathBuf);

impl Broken {
    /// Takes writes again.
    pub async fn mend(self) {
        execute(&self.0, "DROP TRIGGER broken").await;
    }
}

async fn execute(database: &Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(database);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// Waits until a condition holds, without sleeping; a test that waits in vain fails after half a minute.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    assert!(waited.is_ok(), "waited in vain: {what}");
}

/// The query of a callback URL.
pub fn query(callback: &str) -> CallbackQuery {
    CallbackQuery::parse(callback.split_once('?').map_or("", |(_, query)| query))
}

/// A GET of a path relative to the API's base.
pub fn get(path: &str) -> http::Request<Bytes> {
    http::Request::get(path).body(Bytes::new()).unwrap()
}

async fn sandbox(vendor: &str) -> (Sandbox, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(MORNING).unwrap()));
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vendors")
        .join(vendor)
        .with_extension("json");
    let rules = VendorRules::from_json(&std::fs::read_to_string(path).unwrap()).unwrap();
    (
        Sandbox::start(rules, Arc::clone(&clock) as _)
            .await
            .unwrap(),
        clock,
    )
}

/// An engine on a folder's store, for one provider and one configuration.
pub async fn open_engine(
    folder: &Path,
    clock: &Arc<ManualClock>,
    provider: &'static dyn ProviderSetup,
    configuration: Configuration,
) -> Engine {
    let (master_key, _) = MasterKey::load_or_create(&folder.join("master.key")).unwrap();
    let options = StoreOptions {
        data_dir: folder.join("data"),
        master_key,
        deployment: "default".to_owned(),
        clock: Arc::clone(clock) as _,
    };
    let store = Store::open(options).await.unwrap();
    let registry = Registry::builder().with(provider).build().unwrap();
    Engine::builder(registry, store)
        .configuration(configuration)
        .clock(Arc::clone(clock) as _)
        .build()
        .unwrap()
}

/// What an operator would configure, with the sandbox in the provider's place.
fn configuration(sandbox: &Sandbox, provider: &str, secret: &str) -> Configuration {
    let mut values = vec![
        (ParameterKey::OAUTH_API_KEY, sandbox.client().0.to_owned()),
        (ParameterKey::OAUTH_API_SECRET, secret.to_owned()),
        (ParameterKey::OAUTH_CALLBACK_URL, CALLBACK_URL.to_owned()),
        (
            ParameterKey::OAUTH_AUTHORIZATION_URL,
            sandbox.authorization_endpoint(),
        ),
        (ParameterKey::OAUTH_TOKEN_URL, sandbox.token_endpoint()),
        (ParameterKey::BASE_URL, sandbox.api_base()),
    ];
    values.extend(
        sandbox
            .revocation_endpoint()
            .map(|url| (ParameterKey::OAUTH_TOKEN_REVOKE_URL, url)),
    );
    let environment = values
        .into_iter()
        .map(|(key, value)| (key.environment_name(provider), value));
    Configuration::from_parts(None, environment).unwrap()
}
