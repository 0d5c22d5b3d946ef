//! A stage for one test: a sandbox that plays a provider, an engine with a store of its own, and a clock we turn.

#![expect(
    clippy::unwrap_used,
    reason = "a stage that can't be set is a failed test"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use tieline as _;
use tieline_core::http::CallbackQuery;
use tieline_core::parameters::Given;
use tieline_core::prelude::*;
use tieline_core::{Configuration, ManualClock};
use tieline_engine::{
    Arrival, AuthorizeOptions, Engine, EngineError, GiveOptions, NewApp, Started,
};
use tieline_sandbox::{Act, Endpoint, Gate, Sandbox};
use tieline_store::{App, Instance, InstanceQuery, Purpose, Store};
use tokio::task::JoinHandle;

use crate::provider::{acme, provider};
use crate::sides::{
    configuration, environment, open_engine, sandbox, try_open_engine, try_open_store,
    with_a_host_at_home,
};

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
    left_out: Vec<ParameterKey>,
}

impl Stage {
    /// A stage with the invented provider.
    pub async fn acme() -> Self {
        Self::acme_with(|descriptor| descriptor).await
    }

    /// A stage with the invented provider, described a little differently.
    pub async fn acme_with(change: impl FnOnce(ProviderDescriptor) -> ProviderDescriptor) -> Self {
        Self::edited(|_| {}, change).await
    }

    /// A stage with the invented provider, played by other rules and described accordingly.
    pub async fn edited(
        edit: impl FnOnce(&mut Value),
        change: impl FnOnce(ProviderDescriptor) -> ProviderDescriptor,
    ) -> Self {
        let (sandbox, clock) = sandbox("acme", edit).await;
        let descriptor = change(acme(sandbox.base_url()));
        Self::set(sandbox, clock, provider(descriptor)).await
    }

    /// A stage with Infusionsoft, as its own crate describes it.
    pub async fn infusionsoft() -> Self {
        let (sandbox, clock) = sandbox("infusionsoft", |_| {}).await;
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
        let configuration = configuration(&sandbox, provider, &secret, &[]);
        let engine = open_engine(folder.path(), &clock, provider, configuration).await;
        Self {
            sandbox,
            engine,
            clock,
            folder,
            provider,
            secret,
            left_out: Vec::new(),
        }
    }

    /// Ends the engine and starts another on the same folder, as after a restart.
    #[must_use]
    pub async fn reopened(self) -> Self {
        let configuration = self.configuration(&self.sandbox);
        self.restarted(configuration).await
    }

    /// Ends the engine and starts another on a backup of its store, put in the place of the store.
    #[must_use]
    pub async fn restored(self) -> Self {
        let backup = self.folder.path().join("backup.db");
        self.engine.store().backup(&backup).await.unwrap();
        self.engine.shutdown().await;
        let data_dir = self.folder.path().join("data");
        Store::restore(&backup, &data_dir, true).await.unwrap();
        let configuration = self.configuration(&self.sandbox);
        self.restarted(configuration).await
    }

    /// Restarts with another client secret in the configuration.
    #[must_use]
    pub async fn with_secret(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.secret);
        self.reopened().await
    }

    /// Restarts without one of the parameters in the configuration.
    #[must_use]
    pub async fn without(mut self, parameter: ParameterKey) -> Self {
        self.left_out.push(parameter);
        self.reopened().await
    }

    /// Restarts with an API at another address, and so many calls at once.
    #[must_use]
    pub async fn calling(mut self, api_base: &str, at_once: usize) -> Self {
        self.engine.shutdown().await;
        let environment = environment(&self.sandbox, self.provider, &self.secret);
        let (folder, provider) = (self.folder.path(), self.provider.descriptor().id);
        let environment = environment
            .into_iter()
            .filter(|(key, _)| *key != ParameterKey::BASE_URL)
            .chain([(ParameterKey::BASE_URL, api_base.to_owned())])
            .map(|(key, value)| (key.environment_name(provider), value));
        let configuration = Configuration::from_parts(None, environment).unwrap();
        let store = try_open_store(folder, &self.clock).await.unwrap();
        let registry = Registry::builder().with(self.provider).build().unwrap();
        let engine = Engine::builder(registry, store)
            .configuration(configuration)
            .calls_at_once(at_once)
            .clock(Arc::clone(&self.clock) as _);
        self.engine = engine.build().unwrap();
        self
    }

    /// Restarts as a server that browsers reach at a public URL, to which the provider sends them back.
    #[must_use]
    pub async fn reached_at(mut self, public_url: &str) -> Self {
        self.left_out.push(ParameterKey::OAUTH_CALLBACK_URL);
        self.engine.shutdown().await;
        let configuration = self.configuration(&self.sandbox);
        let store = try_open_store(self.folder.path(), &self.clock).await;
        let registry = Registry::builder().with(self.provider).build().unwrap();
        let engine = Engine::builder(registry, store.unwrap())
            .configuration(configuration)
            .edge(with_a_host_at_home())
            .public_url(public_url.parse().unwrap())
            .clock(Arc::clone(&self.clock) as _);
        self.engine = engine.build().unwrap();
        self
    }

    /// Restarts with another server in the configuration.
    #[must_use]
    pub async fn facing(self, sandbox: &Sandbox) -> Self {
        let configuration = self.configuration(sandbox);
        self.restarted(configuration).await
    }

    /// Another engine with the same configuration, on the store of another folder, if that opens.
    pub async fn try_open(&self, folder: &Path) -> Option<Engine> {
        let configuration = self.configuration(&self.sandbox);
        try_open_engine(folder, &self.clock, self.provider, configuration)
            .await
            .ok()
    }

    fn configuration(&self, sandbox: &Sandbox) -> Configuration {
        configuration(sandbox, self.provider, &self.secret, &self.left_out)
    }

    async fn restarted(mut self, configuration: Configuration) -> Self {
        self.engine.shutdown().await;
        let (folder, clock) = (self.folder.path(), &self.clock);
        self.engine = open_engine(folder, clock, self.provider, configuration).await;
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

    /// From now on the database refuses new rows of a table, until it is mended.
    pub async fn break_inserts(&self, table: &str) -> Broken {
        self.execute(&format!(
            "CREATE TRIGGER broken BEFORE INSERT ON {table} \
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

    /// Connects an account of the usual app with what its owner gives, by parameter key.
    pub async fn give(&self, parameters: Given) -> Result<Instance, EngineError> {
        let options = GiveOptions {
            parameters,
            ..GiveOptions::default()
        };
        self.engine.give(&self.app().await, options).await
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

    /// All instances, by id.
    pub async fn instances(&self) -> Vec<Instance> {
        let all = InstanceQuery::of(self.engine.tenant());
        self.engine.instances(all).await.unwrap()
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

/// What somebody gives, by parameter key.
pub fn given<const N: usize>(parameters: [(ParameterKey, &str); N]) -> Given {
    let pairs = parameters.map(|(key, text)| (key.to_string(), Secret::from(text)));
    Given::from(pairs)
}

/// To authorize an instance once more.
pub fn again(instance: &Instance) -> AuthorizeOptions {
    AuthorizeOptions {
        instance: Some(instance.id),
        ..AuthorizeOptions::LOCAL
    }
}

/// The query of a callback URL.
pub fn query(callback: &str) -> CallbackQuery {
    CallbackQuery::parse(callback.split_once('?').map_or("", |(_, query)| query))
}

/// A GET of a path relative to the API's base.
pub fn get(path: &str) -> http::Request<Bytes> {
    http::Request::get(path).body(Bytes::new()).unwrap()
}
