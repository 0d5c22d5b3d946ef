//! A stage for tests of connecting: a sandbox as the provider, an engine, and an authorization whose callback comes to us.

use std::net::SocketAddr;
use std::sync::Arc;

use tempfile::TempDir;
use tieline::core::SystemClock;
use tieline::core::prelude::*;
use tieline::engine::{AuthorizeOptions, Engine, NewApp, Started};
use tieline::store::{Instance, InstanceQuery, MasterKey, Store, StoreOptions};
use tieline_sandbox::{Sandbox, VendorRules};
use url::Url;

use super::page::CallbackListener;
use super::page::tests::{get, location};

#[derive(Debug)]
struct Acme;

static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor {
    authentication: Authentication::AuthorizationCode(OAuth2 {
        authorization_endpoint: "https://acme.example/oauth/authorize",
        token_endpoint: "https://acme.example/oauth/token",
        scopes: &["read", "offline_access"],
        ..OAuth2::DEFAULT
    }),
    api: Api {
        base: "https://acme.example/api",
        ..Api::DEFAULT
    },
    ..ProviderDescriptor::new(
        "acme",
        "Acme",
        &[
            ParameterMapping::api_key("Consumer Key"),
            ParameterMapping::api_secret("Consumer Secret"),
            ParameterMapping::callback_url("Redirect URL"),
        ],
    )
};

impl ProviderSetup for Acme {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &DESCRIPTOR
    }
}

/// An authorization under way, whose callback comes to us.
pub(super) struct Stage {
    pub(super) sandbox: Sandbox,
    pub(super) engine: Engine,
    pub(super) started: Started,
    address: SocketAddr,
    /// Gone with the stage.
    _folder: TempDir,
}

impl Stage {
    pub(super) async fn set(path: &str) -> (Self, CallbackListener) {
        let any_port = Url::parse(&format!("http://127.0.0.1:0{path}")).unwrap();
        let listener = CallbackListener::bind(&any_port).await.unwrap();
        let address = listener.address;
        let sandbox = acme().await;
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(&folder, &sandbox, &format!("http://{address}{path}")).await;
        let new = NewApp {
            provider: "acme".to_owned(),
            ..NewApp::default()
        };
        let app = engine.create_app(new).await.unwrap();
        let started = engine.authorize(&app, AuthorizeOptions::LOCAL).await;
        let stage = Self {
            sandbox,
            engine,
            started: started.unwrap(),
            address,
            _folder: folder,
        };
        (stage, listener)
    }

    /// The page that the browser shows in the end, after it was sent to `path`.
    pub(super) async fn page(&self, path: &str) -> String {
        let redirect = get(self.address, path).await;
        get(self.address, &location(&redirect)).await
    }

    /// The callback without scheme, host and port.
    pub(super) fn path<'a>(&self, callback: &'a str) -> &'a str {
        callback
            .strip_prefix(&format!("http://{}", self.address))
            .unwrap()
    }

    pub(super) async fn instances(&self) -> Vec<Instance> {
        let query = InstanceQuery::of(self.engine.tenant());
        self.engine.instances(query).await.unwrap()
    }
}

async fn acme() -> Sandbox {
    let rules = include_str!("../../../../../tests/vendors/acme.json");
    let rules = VendorRules::from_json(rules).unwrap();
    Sandbox::start(rules, Arc::new(SystemClock)).await.unwrap()
}

/// An engine whose acme is a sandbox.
async fn engine(folder: &TempDir, sandbox: &Sandbox, callback_url: &str) -> Engine {
    let (master_key, _) = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
    let store = Store::open(StoreOptions {
        data_dir: folder.path().join("data"),
        master_key,
        deployment: "default".to_owned(),
        clock: Arc::new(SystemClock),
    });
    let (id, secret) = sandbox.client();
    let values = [
        (ParameterKey::OAUTH_API_KEY, id),
        (ParameterKey::OAUTH_API_SECRET, secret),
        (ParameterKey::OAUTH_CALLBACK_URL, callback_url),
        (
            ParameterKey::OAUTH_AUTHORIZATION_URL,
            &sandbox.authorization_endpoint(),
        ),
        (ParameterKey::OAUTH_TOKEN_URL, &sandbox.token_endpoint()),
        (ParameterKey::BASE_URL, &sandbox.api_base()),
    ]
    .map(|(key, value)| (key.environment_name("acme"), value.to_owned()));
    let configuration = tieline::Configuration::from_parts(None, values).unwrap();
    let registry = Registry::builder().with(&Acme).build().unwrap();
    Engine::builder(registry, store.await.unwrap())
        .configuration(configuration)
        .build()
        .unwrap()
}
