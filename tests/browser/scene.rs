//! A house with an administrator's key to it, whose provider is the sandbox; and what its host does.

use http::StatusCode;
use serde_json::{Value, json};
use tieline_core::prelude::*;
use tieline_engine::NewApp;
use tieline_sandbox::Endpoint;
use tieline_store::{App, Permission};
use tieline_tests::browser::raw_client;
use tieline_tests::chromium::Window;
use tieline_tests::house::House;
use tieline_tests::keyed;
use tieline_tests::provider::MAPPINGS;
use tieline_tests::stage::Stage;
use url::Url;

/// What the owner of an account is asked for, where the provider asks for anything.
const SHOP: ParameterKey = ParameterKey::new("acme.shop");

/// A name that would run a script, if it were taken for markup.
pub(crate) const MARKUP: &str = "<b>Acme</b> & <img src=x onerror=alert(1)>";

/// Everything behind one person's story.
pub(crate) struct Scene {
    pub(crate) house: House,
    /// It may do everything.
    pub(crate) key: String,
}

impl Scene {
    /// A provider called Acme, of Acme Inc, that asks its users for nothing.
    pub(crate) async fn new() -> Self {
        Self::of(Stage::acme().await).await
    }

    /// The same, before anybody has told the app's credentials.
    pub(crate) async fn without_credentials() -> Self {
        let stage = Stage::acme().await;
        let stage = stage.without(ParameterKey::OAUTH_API_KEY).await;
        Self::of(stage.without(ParameterKey::OAUTH_API_SECRET).await).await
    }

    /// A provider with markup wherever a name is, that asks for a shop.
    pub(crate) async fn with_markup() -> Self {
        let stage = Stage::edited(
            |rules| rules["title"] = MARKUP.into(),
            |descriptor| {
                let shop = ParameterMapping::host_label("Shop <i>name</i>", SHOP);
                ProviderDescriptor {
                    name: MARKUP,
                    vendor: "<em>Acme</em> Inc",
                    mappings: [MAPPINGS, &[shop]].concat().leak(),
                    ..descriptor
                }
            },
        );
        Self::of(stage.await).await
    }

    /// A provider whose accounts are opened by a key.
    pub(crate) async fn keyed() -> Self {
        Self::of(keyed::keyed().await).await
    }

    async fn of(stage: Stage) -> Self {
        let house = House::of(stage).await;
        let key = house.key(None, Permission::ALL).await;
        Self { house, key }
    }

    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.house.base)
    }

    /// Opens a page, and signs in on the way.
    pub(crate) async fn enter(&self, window: &Window, path: &str) {
        window.goto(&self.address(path)).await;
        sign_in(window, &self.key).await;
    }

    /// An app whose host has its page at `/connected`.
    pub(crate) async fn app(&self) -> App {
        let new = NewApp {
            provider: "acme".to_owned(),
            confirm_url: Some(self.address("/connected")),
            ..NewApp::default()
        };
        self.house.stage.engine.create_app(new).await.unwrap()
    }

    /// A link of this app, for this user of the host.
    pub(crate) async fn link(&self, app: &App, user: &str) -> String {
        let body = json!({ "app": app.id, "user": user });
        let (status, made) = self.ask("links", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made["url"].as_str().unwrap().to_owned()
    }

    /// The host says that it was this user who came back, to this address.
    pub(crate) async fn confirm(&self, address: &Url, user: &str) -> (StatusCode, Value) {
        confirm(&self.house.base, &self.key, address, user).await
    }

    /// Codes that the sandbox has given tokens for.
    pub(crate) fn exchanges(&self) -> usize {
        self.house.stage.sandbox.ledger().exchanges()
    }

    /// Requests that may have brought the sandbox a code.
    pub(crate) fn token_requests(&self) -> usize {
        let ledger = self.house.stage.sandbox.ledger();
        ledger.requests_to(Endpoint::Token).count()
    }

    async fn ask(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        ask(&self.house.base, &self.key, path, body).await
    }
}

/// A host says with this key that it was this user who came back, to this address.
pub(crate) async fn confirm(
    base: &str,
    key: &str,
    address: &Url,
    user: &str,
) -> (StatusCode, Value) {
    let parameter = |name: &str| {
        let mut pairs = address.query_pairs();
        let pair = pairs.find(|(key, _)| key == name);
        pair.map(|(_, value)| value.into_owned())
    };
    let [id, ticket] = ["authorization", "ticket"].map(|name| parameter(name).unwrap());
    let body = json!({ "ticket": ticket, "user": user });
    ask(base, key, &format!("authorizations/{id}/confirm"), &body).await
}

async fn ask(base: &str, key: &str, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = raw_client()
        .unwrap()
        .post(format!("{base}/v1/{path}"))
        .bearer_auth(key)
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let told = serde_json::from_slice(&answer.bytes().await.unwrap());
    (status, told.unwrap_or_default())
}

/// On the page that asks for it.
pub(crate) async fn sign_in(window: &Window, key: &str) {
    window.fill("API key", key).await;
    window.press("Sign in").await;
    window.see("Sign out").await;
}

/// On the sandbox's page.
pub(crate) async fn consent(window: &Window, account: &str) {
    window.see("A sandbox that plays").await;
    window.choose("Account", account).await;
    window.press("Approve").await;
}
