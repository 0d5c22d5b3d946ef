//! An administrator sets up an app at oidc-provider, which nobody here wrote: what it says is shown in its own words.

use std::sync::Arc;

use http::StatusCode;
use tempfile::TempDir;
use tieline_core::prelude::*;
use tieline_core::{Clock as _, Configuration, ManualClock, SystemClock};
use tieline_engine::Engine;
use tieline_store::{MasterKey, Permission, Store, StoreOptions};
use tieline_tests::anchor::{OidcProvider, OidcProviderOptions, RegisteredClient};
use tieline_tests::chromium::{Window, in_every_mode};
use tieline_tests::house;
use tieline_tests::provider::{MAPPINGS, provider};

use crate::scene::{confirm, sign_in};

/// The referee, and our house facing it.
struct Match {
    server: OidcProvider,
    base: String,
    key: String,
    _folder: TempDir,
}

impl Match {
    async fn begin() -> Self {
        let server = OidcProvider::start(OidcProviderOptions::default()).await;
        let server = server.unwrap();
        let (listener, base) = house::listen().await;
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(&server, &base, &folder).await;
        let key = house::key(&engine, None, Permission::ALL).await;
        house::open(listener, engine);
        Self {
            server,
            base,
            key,
            _folder: folder,
        }
    }

    fn client(&self) -> &RegisteredClient {
        self.server.client("client_secret_basic").unwrap()
    }
}

async fn engine(server: &OidcProvider, base: &str, folder: &TempDir) -> Engine {
    let endpoints = [
        (
            ParameterKey::OAUTH_AUTHORIZATION_URL,
            server.endpoint("/auth"),
        ),
        (ParameterKey::OAUTH_TOKEN_URL, server.endpoint("/token")),
        (
            ParameterKey::OAUTH_TOKEN_REVOKE_URL,
            server.endpoint("/token/revocation"),
        ),
        (ParameterKey::BASE_URL, server.issuer().to_owned()),
    ];
    let endpoints = endpoints.map(|(key, value)| (key.environment_name("referee"), value));
    let (master_key, _) = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let store = Store::open(StoreOptions {
        place: folder.path().join("data").into(),
        master_key,
        deployment: "default".to_owned(),
        clock: Arc::clone(&clock) as _,
    });
    let referee = provider(referee(server.issuer()));
    let registry = Registry::builder().with(referee).build().unwrap();
    Engine::builder(registry, store.await.unwrap())
        .configuration(Configuration::from_parts(None, endpoints).unwrap())
        .clock(clock)
        .public_url(base.parse().unwrap())
        .build()
        .unwrap()
}

/// Refresh tokens come only with `offline_access` and `prompt=consent`.
fn referee(issuer: &str) -> ProviderDescriptor {
    ProviderDescriptor {
        vendor: "Referee Ltd",
        authentication: Authentication::AuthorizationCode(OAuth2 {
            issuer: Some(issuer.to_owned().leak()),
            authorization_endpoint: "https://referee.example/auth",
            token_endpoint: "https://referee.example/token",
            revocation_endpoint: Stated::Known("https://referee.example/token/revocation"),
            authorization_response_iss_parameter_supported: true,
            scopes: &["openid", "offline_access"],
            authorization: AuthorizationRequest {
                extra: &[("prompt", Extra::Fixed("consent"))],
                ..AuthorizationRequest::DEFAULT
            },
            rotation: Rotation {
                rotates: Rotates::Always,
                ..Rotation::UNKNOWN
            },
            ..OAuth2::DEFAULT
        }),
        api: Api {
            base: "https://referee.example",
            health_check: Stated::Known(HealthCheck {
                path: "/me",
                account_id: AccountFact::Field("sub"),
                account_label: AccountFact::Field("sub"),
            }),
            ..Api::DEFAULT
        },
        ..ProviderDescriptor::new("referee", "Referee", MAPPINGS)
    }
}

#[tokio::test]
async fn an_app_at_a_server_that_nobody_here_wrote_is_set_up_and_used() {
    in_every_mode(async |window| {
        let game = Match::begin().await;
        window
            .goto(&format!("{}/providers/referee", game.base))
            .await;
        sign_in(window, &game.key).await;
        window.fill("Name of the app", "crm").await;
        window.press("Create an app").await;
        set_up(&game, window).await;
        window.press("Continue to Referee Ltd").await;
        sign_in_there(window, "ada").await;
        window.see("The account is connected.").await;
        // What its pages complain of is not ours.
        window.console().await;
        window.press("Refresh now").await;
        window.see("The tokens are refreshed").await;
        window.press("Call").await;
        window.see("\"sub\"").await;
        window.look("referee-account").await;
        window.follow("Disconnect …").await;
        window.press("Disconnect").await;
        window.see("The account is disconnected.").await;
        link(&game, window).await;
        let log = &game.server;
        let granted = log.count("grant.success", Some("authorization_code")).await;
        assert_eq!(granted.unwrap(), 2);
        assert!(log.count("revocation.success", None).await.unwrap() >= 1);
    })
    .await;
}

/// A person connects another account by a link, and their host says that it was them.
async fn link(game: &Match, window: &Window) {
    window.follow("Providers").await;
    window.follow("Referee").await;
    window.follow("crm").await;
    let host = format!("{}/connected", game.base);
    window.fill("Confirm URL (optional)", &host).await;
    window.press("Save addresses").await;
    window.see("Saved.").await;
    window.fill("For whom", "grace").await;
    window.press("Make a link").await;
    window.see("This link is good for one hour").await;
    window.look("referee-link-made").await;
    assert_eq!(window.focus().await, "heading Or send somebody a link");
    let made = window.value("Connect link").await;
    window.forget_cookies().await;
    window.goto(&made).await;
    window.see("crm asks to use your Referee Ltd account").await;
    window.look("referee-link").await;
    window.press("Continue to Referee Ltd").await;
    sign_in_there(window, "grace").await;
    window.see("One step to go").await;
    window.console().await;
    let (status, told) = confirm(&game.base, &game.key, &window.url().await, "grace").await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert_eq!(told["instance"]["account_id"], "grace", "{told}");
}

async fn sign_in_there(window: &Window, who: &str) {
    window.fill("Enter any login", who).await;
    window.fill("and password", "any").await;
    window.press("Sign-in").await;
    window.press("Continue").await;
}

async fn set_up(game: &Match, window: &Window) {
    let client = game.client();
    window.fill("Consumer Key", &client.client_id).await;
    window.fill("Consumer Secret", "not the secret").await;
    window.press("Save and test").await;
    window
        .see("Referee Ltd doesn't take the app's credentials")
        .await;
    window.look("referee-secret").await;
    window.fill("Consumer Secret", &client.client_secret).await;
    window.press("Save and test").await;
    window.see("redirect_uri did not match").await;
    window.look("referee-callback").await;
    let callback_url = window.value("Callback URL").await;
    game.server.register(&callback_url).await.unwrap();
    window.press("Save and test").await;
    window.see("Connect an account to see the rest").await;
}
