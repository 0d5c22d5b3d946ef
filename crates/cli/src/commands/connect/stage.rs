//! A stage for tests of connecting: a sandbox as the provider, an engine whose clock we turn, and invented providers of
//! several kinds.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Parser as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tieline::core::prelude::*;
use tieline::core::{Clock as _, ManualClock, SystemClock};
use tieline::engine::{AuthorizeOptions, Engine, NewApp, Started};
use tieline::store::{App, Instance, InstanceQuery, MasterKey, Store, StoreOptions};
use tieline_sandbox::{Sandbox, VendorRules};
use url::Url;

use super::page::CallbackListener;
use super::page::tests::{get, location};
use crate::args::{Arguments, Command, Connect};
use crate::desk::Desk;

/// An invented provider: all of them are played by the same sandbox.
#[derive(Debug)]
pub(super) struct Invented(ProviderDescriptor);

const OAUTH2: OAuth2 = OAuth2 {
    authorization_endpoint: "https://acme.example/oauth/authorize",
    token_endpoint: "https://acme.example/oauth/token",
    scopes: &["read", "offline_access"],
    ..OAuth2::DEFAULT
};
const API: Api = Api {
    base: "https://acme.example/api",
    health_check: Stated::Known(HealthCheck {
        path: "/me",
        account_id: AccountFact::Field("sub"),
        account_label: AccountFact::Field("email"),
    }),
    ..Api::DEFAULT
};
const ID: ParameterMapping = ParameterMapping::api_key("Consumer Key");
const SECRET: ParameterMapping = ParameterMapping::api_secret("Consumer Secret");
const CALLBACK: ParameterMapping = ParameterMapping::callback_url("Redirect URL");

/// Consent in a browser, or on another device.
pub(super) static ACME: Invented = Invented(ProviderDescriptor {
    authentication: Authentication::AuthorizationCode(OAuth2 {
        device: Some(DeviceAuthorization::new(
            "https://acme.example/oauth/device",
        )),
        ..OAUTH2
    }),
    api: API,
    ..ProviderDescriptor::new("acme", "Acme", &[ID, SECRET, CALLBACK])
});

/// Consent that brings tokens for the person beside those of the app.
pub(super) static TWICE: Invented = Invented(ProviderDescriptor {
    authentication: Authentication::AuthorizationCode(OAuth2 {
        authorization: AuthorizationRequest {
            extra: &[("user_scope", Extra::Fixed("read"))],
            ..AuthorizationRequest::DEFAULT
        },
        answer: TokenAnswer {
            user_path: Some("user"),
            ..TokenAnswer::DEFAULT
        },
        ..OAUTH2
    }),
    api: API,
    ..ProviderDescriptor::new("twice", "Twice", &[ID, SECRET, CALLBACK])
});

/// Consent on another device alone.
pub(super) static TUBE: Invented = Invented(ProviderDescriptor {
    authentication: Authentication::DeviceAuthorization(OAuth2 {
        device: Some(DeviceAuthorization::new(
            "https://acme.example/oauth/device",
        )),
        ..OAUTH2
    }),
    api: API,
    ..ProviderDescriptor::new("tube", "Tube", &[ID])
});

/// The owner gives a key.
pub(super) static DESK: Invented = Invented(ProviderDescriptor {
    authentication: Authentication::ApiKey,
    api: Api {
        base: "https://{subdomain}.desk.example/api",
        ..API
    },
    ..ProviderDescriptor::new(
        "desk",
        "Desk",
        &[
            ParameterMapping::host_label("Helpdesk", ParameterKey::SUBDOMAIN),
            ParameterMapping::account_key("API Key"),
            ParameterMapping {
                set_by: SetBy::EndUser,
                required: false,
                ..ParameterMapping::new("Team", ParameterKey::new("desk.team"))
            },
        ],
    )
});

impl ProviderSetup for Invented {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        [&ACME, &TWICE, &TUBE, &DESK]
            .map(|known| &known.0)
            .into_iter()
            .find(|known| known.id == self.0.id)
            .unwrap()
    }
}

/// `tieline connect` as it is typed.
pub(super) fn typed(words: &[&str]) -> Connect {
    let words = ["tieline", "connect"].iter().chain(words);
    match Arguments::try_parse_from(words).unwrap().command {
        Command::Connect(connect) => connect,
        other => panic!("{other:?}"),
    }
}

/// A sandbox in the place of a provider.
pub(super) struct Backstage {
    pub(super) sandbox: Sandbox,
    pub(super) engine: Engine,
    pub(super) clock: Arc<ManualClock>,
    /// Gone with the stage.
    pub(super) folder: TempDir,
}

impl Backstage {
    pub(super) fn desk(&self) -> Desk {
        Desk::Here(self.engine.clone())
    }

    pub(super) async fn set(provider: &'static Invented, callback_url: &str) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let rules = VendorRules::from_json(&rules()).unwrap();
        let sandbox = Sandbox::start(rules, Arc::clone(&clock) as _)
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (master_key, _) = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
        let store = Store::open(StoreOptions {
            place: folder.path().join("data").into(),
            master_key,
            deployment: "default".to_owned(),
            clock: Arc::clone(&clock) as _,
        });
        let registry = Registry::builder().with(provider).build().unwrap();
        let engine = Engine::builder(registry, store.await.unwrap())
            .configuration(configuration(provider, &sandbox, callback_url))
            .clock(Arc::clone(&clock) as _)
            .build()
            .unwrap();
        Self {
            sandbox,
            engine,
            clock,
            folder,
        }
    }

    pub(super) async fn app(&self, provider: &Invented) -> App {
        let new = NewApp {
            provider: provider.0.id.to_owned(),
            ..NewApp::default()
        };
        self.engine.create_app(new).await.unwrap()
    }

    pub(super) async fn instances(&self) -> Vec<Instance> {
        let query = InstanceQuery::of(self.engine.tenant());
        self.engine.instances(query).await.unwrap()
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
    pub(super) fn desk(&self) -> Desk {
        Desk::Here(self.engine.clone())
    }

    pub(super) async fn set(path: &str) -> (Self, CallbackListener) {
        let any_port = Url::parse(&format!("http://127.0.0.1:0{path}")).unwrap();
        let listener = CallbackListener::bind(&any_port).await.unwrap();
        let address = listener.address;
        let backstage = Backstage::set(&ACME, &format!("http://{address}{path}")).await;
        let app = backstage.app(&ACME).await;
        let Backstage {
            sandbox,
            engine,
            folder,
            ..
        } = backstage;
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

/// What the sandbox plays: Acme, with devices, keys, and tokens for the person who consents.
fn rules() -> String {
    let rules = include_str!("../../../../../tests/vendors/acme.json");
    let mut rules: Value = serde_json::from_str(rules).unwrap();
    rules["api"]["key"] = "key-of-{account.sub}".into();
    rules["authorization"]["user_scopes"] = json!(["read"]);
    rules["device"] = json!({
        "path": "/oauth/device",
        "client_authentication": ["id"],
        "verification_uri": "/login/device",
    });
    let token = &mut rules["token"];
    token["device"] = json!({ "client_authentication": ["id"] });
    token["refresh_answer"] = token["answer"].clone();
    token["answer"]["body"]["user"] = json!({
        "access_token": "{user_access_token}",
        "refresh_token": "{user_refresh_token}",
        "expires_in": "{expires_in}",
    });
    rules.to_string()
}

/// What an operator would configure, with the sandbox in the provider's place.
fn configuration(
    provider: &Invented,
    sandbox: &Sandbox,
    callback_url: &str,
) -> tieline::Configuration {
    let (id, secret) = sandbox.client();
    let device = sandbox.device_endpoint().unwrap();
    let values = [
        (ParameterKey::OAUTH_API_KEY, id),
        (ParameterKey::OAUTH_API_SECRET, secret),
        (ParameterKey::OAUTH_CALLBACK_URL, callback_url),
        (
            ParameterKey::OAUTH_AUTHORIZATION_URL,
            &sandbox.authorization_endpoint(),
        ),
        (ParameterKey::OAUTH_DEVICE_AUTHORIZATION_URL, &device),
        (ParameterKey::OAUTH_TOKEN_URL, &sandbox.token_endpoint()),
        (ParameterKey::BASE_URL, &sandbox.api_base()),
    ]
    .map(|(key, value)| (key.environment_name(provider.0.id), value.to_owned()));
    tieline::Configuration::from_parts(None, values).unwrap()
}
