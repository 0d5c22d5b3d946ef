//! A Tieline that strangers share: an honest host with its provider, an attacker with a provider and a tenant of their own, and
//! browsers.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tieline_core::parameters::Given;
use tieline_core::prelude::*;
use tieline_core::{Configuration, ManualClock};
use tieline_engine::{Engine, NewApiKey, NewApp};
use tieline_sandbox::Sandbox;
use tieline_server::{ApiOptions, SignedIn};
use tieline_store::{App, InstanceQuery, MasterKey, Permission, Store, StoreOptions};
use tieline_tests::browser::raw_client;
use tieline_tests::provider::{acme, provider};
use tieline_tests::sides::{self, sandbox as play};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use crate::outside::{Answer, Begun, Host, token_requests};

/// Where the honest host confirms.
pub(crate) const CONFIRM_URL: &str = "https://host.example/confirm?page=accounts";
/// Where the attacker would like tickets to go.
pub(crate) const EVIL_CONFIRM_URL: &str = "https://evil.example/confirm";
/// The attacker's tenant.
pub(crate) const MALLORY: &str = "mallory";

/// Everything that one attack happens in.
pub(crate) struct Scene {
    /// The honest provider, `acme`.
    pub(crate) sandbox: Sandbox,
    /// The attacker's provider, `evil`: it remembers every code that it is brought.
    pub(crate) evil: Sandbox,
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<ManualClock>,
    /// The public URL.
    pub(crate) base: String,
    /// The honest app.
    pub(crate) app: App,
    /// The honest host's server.
    pub(crate) host: Host,
    pub(crate) folder: TempDir,
    client: reqwest::Client,
    serving: JoinHandle<()>,
}

impl Scene {
    /// The usual scene.
    pub(crate) async fn new() -> Self {
        Self::with(None, |_| {}, |descriptor| descriptor).await
    }

    /// A scene whose host says who is signed in, or whose honest provider is another in a few points: as it is, and as it is
    /// described.
    pub(crate) async fn with(
        signed_in: Option<SignedIn>,
        edit: impl FnOnce(&mut Value),
        change: impl FnOnce(ProviderDescriptor) -> ProviderDescriptor,
    ) -> Self {
        let (sandbox, clock) = play("acme", edit).await;
        let (evil, _) = play("acme", |_| {}).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let descriptor = change(acme(sandbox.base_url()));
        let engine = open(
            &folder,
            &clock,
            &base,
            [(&sandbox, descriptor), (&evil, of_evil(&evil))],
        )
        .await;
        let router = tieline_server::api(
            engine.clone(),
            ApiOptions {
                signed_in,
                ..ApiOptions::default()
            },
        );
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        let new = NewApp {
            provider: "acme".to_owned(),
            confirm_url: Some(CONFIRM_URL.to_owned()),
            return_origins: vec!["https://host.example".to_owned()],
            ..NewApp::default()
        };
        let app = engine.create_app(new).await.unwrap();
        let client = raw_client().unwrap();
        let host = key_of(&engine, "default", &[Permission::Connect, Permission::Read]).await;
        let host = Host {
            base: base.clone(),
            key: host,
            client: client.clone(),
        };
        Self {
            sandbox,
            evil,
            engine,
            clock,
            base,
            app,
            host,
            folder,
            client,
            serving,
        }
    }

    /// The attacker's tenant and their app of `provider` there, whose token requests go to that provider.
    pub(crate) async fn malicious_app(&self, provider: &str, of: &Sandbox) -> (App, Host) {
        if self.engine.tenant_by_id(MALLORY).await.is_err() {
            self.engine.create_tenant(MALLORY, None).await.unwrap();
        }
        let (id, secret) = of.client();
        let parameters = [
            (ParameterKey::OAUTH_API_KEY, id),
            (ParameterKey::OAUTH_API_SECRET, secret),
        ];
        let parameters = parameters.map(|(key, text)| (key.to_string(), Secret::from(text)));
        let new = NewApp {
            provider: provider.to_owned(),
            confirm_url: Some(EVIL_CONFIRM_URL.to_owned()),
            return_origins: vec!["https://evil.example".to_owned()],
            parameters: Given::from(parameters),
            ..NewApp::default()
        };
        let app = self
            .engine
            .for_tenant(MALLORY)
            .create_app(new)
            .await
            .unwrap();
        (
            app,
            self.another_host(MALLORY, &[Permission::Connect, Permission::Admin])
                .await,
        )
    }

    /// Somebody with an API key of a tenant.
    pub(crate) async fn another_host(&self, tenant: &str, permissions: &[Permission]) -> Host {
        let key = key_of(&self.engine, tenant, permissions).await;
        Host {
            key,
            ..self.host.clone()
        }
    }

    /// Starts an authorization of the honest app for a user of the honest host.
    pub(crate) async fn begin(&self, user: &str) -> Begun {
        self.host.begin(self.app.id, json!({ "user": user })).await
    }

    /// The path of a callback of the honest app with this query.
    pub(crate) fn callback(&self, query: &str) -> String {
        format!("{}/callback/{}?{query}", self.base, self.app.context)
    }

    /// A browser without any cookies opens an address.
    pub(crate) async fn open(&self, url: &str) -> Answer {
        self.send(self.client.get(url)).await
    }

    /// A browser without any cookies sends a form.
    pub(crate) async fn submit(&self, url: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let form = "application/x-www-form-urlencoded";
        self.send(
            self.client
                .post(url)
                .header("content-type", form)
                .body(body),
        )
        .await
    }

    /// A request with whatever is in it.
    pub(crate) fn request(&self, method: http::Method, url: &str) -> reqwest::RequestBuilder {
        self.client.request(method, url)
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::of(request).await
    }

    /// The provider's first user consents, and their browser comes back to Tieline and goes on to the host: with a ticket.
    pub(crate) async fn ticket(&self, begun: &Begun) -> String {
        let callback = self.sandbox.consent(&begun.url).await.unwrap();
        self.open(&callback).await.ticket()
    }

    /// No code reached any token endpoint, and nobody has an instance.
    pub(crate) async fn nothing_came_of_it(&self) {
        assert_eq!(
            token_requests(&self.sandbox),
            0,
            "{:?}",
            self.sandbox.ledger()
        );
        assert_eq!(token_requests(&self.evil), 0, "{:?}", self.evil.ledger());
        assert_eq!(
            self.evil.ledger().requests().len(),
            0,
            "{:?}",
            self.evil.ledger()
        );
        assert_eq!(self.instances().await, 0);
    }

    /// Instances of everybody.
    pub(crate) async fn instances(&self) -> usize {
        let mut count = 0;
        for tenant in ["default", MALLORY] {
            let all = InstanceQuery::of(tenant);
            count += self
                .engine
                .for_tenant(tenant)
                .instances(all)
                .await
                .unwrap()
                .len();
        }
        count
    }

    /// Whoever is honest can still connect an account, with one request for tokens.
    pub(crate) async fn the_honest_can_still_connect(&self) {
        let (before, instances) = (token_requests(&self.sandbox), self.instances().await);
        let begun = self.begin("honest").await;
        let ticket = self.ticket(&begun).await;
        let confirmed = self.host.confirm(begun.id, &ticket, "honest").await;
        assert_eq!(confirmed.status, 200, "{confirmed:?}");
        assert_eq!(
            confirmed.json()["instance"]["user"],
            "honest",
            "{confirmed:?}"
        );
        assert_eq!(token_requests(&self.sandbox), before + 1);
        assert_eq!(self.instances().await, instances + 1);
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn key_of(engine: &Engine, tenant: &str, permissions: &[Permission]) -> String {
    let new = NewApiKey {
        tenant: Some(tenant.to_owned()),
        name: None,
        permissions: permissions.iter().copied().collect(),
    };
    engine
        .create_api_key(new)
        .await
        .unwrap()
        .key
        .expose()
        .to_owned()
}

/// The attacker's provider says that it is the honest one, wherever it can.
fn of_evil(evil: &Sandbox) -> ProviderDescriptor {
    ProviderDescriptor {
        id: "evil",
        name: "<b>Evil</b> & Sons",
        ..acme(evil.base_url())
    }
}

async fn open(
    folder: &TempDir,
    clock: &Arc<ManualClock>,
    base: &str,
    providers: [(&Sandbox, ProviderDescriptor); 2],
) -> Engine {
    let (master_key, _) = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
    let options = StoreOptions {
        place: folder.path().join("data").into(),
        master_key,
        deployment: "default".to_owned(),
        clock: Arc::clone(clock) as _,
    };
    let store = Store::open(options).await.unwrap();
    let (mut registry, mut variables) = (Registry::builder(), Vec::new());
    for (sandbox, descriptor) in providers {
        let setup = provider(descriptor);
        registry = registry.with(setup);
        let callback_url = [ParameterKey::OAUTH_CALLBACK_URL];
        variables.extend(sides::variables(
            sandbox,
            setup,
            sandbox.client().1,
            &callback_url,
        ));
    }
    Engine::builder(registry.build().unwrap(), store)
        .configuration(Configuration::from_parts(None, variables).unwrap())
        .clock(Arc::clone(clock) as _)
        .public_url(Url::parse(base).unwrap())
        .build()
        .unwrap()
}
