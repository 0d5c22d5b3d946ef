//! A server with an app whose provider is the sandbox, and its host.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tieline_core::prelude::*;
use tieline_core::{Configuration, ManualClock};
use tieline_engine::{Engine, NewApiKey, NewApp};
use tieline_sandbox::{Endpoint, Sandbox};
use tieline_server::ApiOptions;
use tieline_store::{App, MasterKey, Permission, Store, StoreOptions};
use tieline_tests::browser::raw_client;
use tieline_tests::provider::{MAPPINGS, acme, provider};
use tieline_tests::sides::{self, sandbox};
use tokio::net::TcpListener;
use url::Url;

/// What the owner of an account is asked for, where the provider asks for anything.
const SHOP: ParameterKey = ParameterKey::new("acme.shop");

/// A name that would run a script, if it were taken for markup.
pub(crate) const MARKUP: &str = "<b>Acme</b> & <img src=x onerror=alert(1)>";

/// Everything behind one person's story.
pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    /// The public URL.
    pub(crate) base: String,
    app: App,
    key: String,
    _folder: TempDir,
}

impl Scene {
    /// A provider called Acme, of Acme Inc, that asks its users for nothing.
    pub(crate) async fn new() -> Self {
        let (sandbox, clock) = sandbox("acme", |_| {}).await;
        let descriptor = acme(sandbox.base_url());
        Self::of(sandbox, clock, descriptor).await
    }

    /// A provider with markup wherever a name is, that asks for a shop.
    pub(crate) async fn with_markup() -> Self {
        let (sandbox, clock) = sandbox("acme", |rules| rules["title"] = MARKUP.into()).await;
        let shop = ParameterMapping::host_label("Shop <i>name</i>", SHOP);
        let descriptor = ProviderDescriptor {
            name: MARKUP,
            vendor: "<em>Acme</em> Inc",
            mappings: [MAPPINGS, &[shop]].concat().leak(),
            ..acme(sandbox.base_url())
        };
        Self::of(sandbox, clock, descriptor).await
    }

    async fn of(sandbox: Sandbox, clock: Arc<ManualClock>, descriptor: ProviderDescriptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let engine = open(&folder, &clock, &base, &sandbox, descriptor).await;
        let app = NewApp {
            provider: "acme".to_owned(),
            // As `tieline serve --sandbox` has it.
            confirm_url: Some(format!("{base}/connected")),
            ..NewApp::default()
        };
        let app = engine.create_app(app).await.unwrap();
        let key = NewApiKey {
            tenant: None,
            name: None,
            permissions: [Permission::Connect, Permission::Read]
                .into_iter()
                .collect(),
        };
        let key = engine.create_api_key(key).await.unwrap();
        let router = tieline_server::api(engine, ApiOptions::default());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            sandbox,
            base,
            app,
            key: key.key.expose().to_owned(),
            _folder: folder,
        }
    }

    /// A link for this user of the host.
    pub(crate) async fn link(&self, user: &str) -> String {
        let body = json!({ "app": self.app.id, "user": user });
        let (status, made) = self.ask("links", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made["url"].as_str().unwrap().to_owned()
    }

    /// The host says that it was this user who came back, to this address.
    pub(crate) async fn confirm(&self, address: &Url, user: &str) -> (StatusCode, Value) {
        let parameter = |name: &str| {
            let mut pairs = address.query_pairs();
            let pair = pairs.find(|(key, _)| key == name);
            pair.map(|(_, value)| value.into_owned())
        };
        let [id, ticket] = ["authorization", "ticket"].map(|name| parameter(name).unwrap());
        let body = json!({ "ticket": ticket, "user": user });
        self.ask(&format!("authorizations/{id}/confirm"), &body)
            .await
    }

    /// Requests that may have brought the sandbox a code.
    pub(crate) fn token_requests(&self) -> usize {
        self.sandbox.ledger().requests_to(Endpoint::Token).count()
    }

    async fn ask(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = raw_client()
            .unwrap()
            .post(format!("{}/v1/{path}", self.base))
            .bearer_auth(&self.key)
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let told = serde_json::from_slice(&answer.bytes().await.unwrap());
        (status, told.unwrap_or_default())
    }
}

async fn open(
    folder: &TempDir,
    clock: &Arc<ManualClock>,
    base: &str,
    sandbox: &Sandbox,
    descriptor: ProviderDescriptor,
) -> Engine {
    let (master_key, _) = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
    let store = Store::open(StoreOptions {
        place: folder.path().join("data").into(),
        master_key,
        deployment: "default".to_owned(),
        clock: Arc::clone(clock) as _,
    });
    let setup = provider(descriptor);
    let callback_url = [ParameterKey::OAUTH_CALLBACK_URL];
    let variables = sides::variables(sandbox, setup, sandbox.client().1, &callback_url);
    let registry = Registry::builder().with(setup).build().unwrap();
    Engine::builder(registry, store.await.unwrap())
        .configuration(Configuration::from_parts(None, variables).unwrap())
        .clock(Arc::clone(clock) as _)
        .public_url(Url::parse(base).unwrap())
        .build()
        .unwrap()
}
