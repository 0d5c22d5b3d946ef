//! Tieline against the PyPI package `django-oauth-toolkit`: what becomes of a refresh whose answer is lost on the way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tieline_core::descriptor::{OnReuse, Rotates, Rotation};
use tieline_core::prelude::*;
use tieline_core::{Clock as _, Configuration, ManualClock, SystemClock};
use tieline_engine::{Arrival, AuthorizeOptions, Engine, InstanceHandle, Kind, NewApp, Started};
use tieline_store::{Cause, Instance, Purpose, Status};
use tieline_tests::anchor::{CALLBACK, DjangoOauthToolkit, DjangoOauthToolkitOptions};
use tieline_tests::browser;
use tieline_tests::fault_proxy::{Fault, FaultProxy};
use tieline_tests::provider::{MAPPINGS, provider};
use tieline_tests::sides::open_engine;
use tieline_tests::stage::{get, query};
use url::Url;

const HOURS: Duration = Duration::from_secs(2 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);
const WINDOW: Duration = Duration::from_secs(30);

/// The referee, our engine facing it, and what is between them on the way to the token endpoint.
struct Match {
    server: DjangoOauthToolkit,
    proxy: FaultProxy,
    engine: Engine,
    /// The engine's; the referee goes by the machine's.
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

/// What an author would write about this server, who promises a reuse window.
fn referee(issuer: &str, reuse_window: Duration) -> ProviderDescriptor {
    ProviderDescriptor {
        authentication: Authentication::AuthorizationCode(OAuth2 {
            issuer: Some(issuer.to_owned().leak()),
            authorization_endpoint: "https://referee.example/authorize/",
            token_endpoint: "https://referee.example/token/",
            authorization_response_iss_parameter_supported: true,
            scopes: &["read"],
            rotation: Rotation {
                rotates: Rotates::Always,
                reuse_window,
                on_reuse: OnReuse::RevokesFamily,
                old_access_token_dies: Some(true),
                ..Rotation::UNKNOWN
            },
            ..OAuth2::DEFAULT
        }),
        api: Api {
            base: "https://referee.example/api",
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

impl Match {
    /// The window that the server grants, and the one that the descriptor promises.
    async fn begin(granted: Duration, promised: Duration) -> Self {
        let options = DjangoOauthToolkitOptions {
            grace_period: granted,
            ..DjangoOauthToolkitOptions::default()
        };
        let server = DjangoOauthToolkit::start(options).await.unwrap();
        let proxy = FaultProxy::start(address(&server)).await.unwrap();
        let client = server.client("client_secret_basic").unwrap();
        let token_endpoint = format!("http://{}/token/", proxy.address());
        let values = [
            (ParameterKey::OAUTH_API_KEY, client.client_id.clone()),
            (ParameterKey::OAUTH_API_SECRET, client.client_secret.clone()),
            (ParameterKey::OAUTH_CALLBACK_URL, CALLBACK.to_owned()),
            (
                ParameterKey::OAUTH_AUTHORIZATION_URL,
                server.endpoint("/authorize/"),
            ),
            (ParameterKey::OAUTH_TOKEN_URL, token_endpoint),
            (ParameterKey::BASE_URL, server.endpoint("/api")),
        ];
        let environment = values.map(|(key, value)| (key.environment_name("referee"), value));
        let configuration = Configuration::from_parts(None, environment).unwrap();
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let folder = tempfile::tempdir().unwrap();
        let provider = provider(referee(server.issuer(), promised));
        let engine = open_engine(folder.path(), &clock, provider, configuration).await;
        Self {
            server,
            proxy,
            engine,
            clock,
            _folder: folder,
        }
    }

    async fn start(&self) -> Started {
        let new = NewApp {
            provider: "referee".to_owned(),
            ..NewApp::default()
        };
        let app = self.engine.create_app(new).await.unwrap();
        let started = self.engine.authorize(&app, AuthorizeOptions::LOCAL).await;
        started.unwrap()
    }

    async fn connect(&self) -> InstanceHandle {
        let started = self.start().await;
        let url = &started.authorization_url;
        let callback = self.server.consent(url).await.unwrap();
        let arrival = Arrival::Local(started.id);
        let answer = query(callback.as_str());
        let instance = self.engine.call_back(&arrival, &answer).await.unwrap();
        assert_eq!(instance.account_id.as_deref(), Some("ada"));
        self.engine.instance(instance.id)
    }

    /// What the server was asked to refresh, oldest first.
    async fn refreshes(&self) -> Vec<Value> {
        let mut log = self.server.log().await.unwrap();
        log.retain(|entry| entry["event"] == "token" && entry["grant_type"] == "refresh_token");
        log
    }

    async fn statuses(&self) -> Vec<Value> {
        let refreshes = self.refreshes().await;
        refreshes.iter().map(|e| e["status"].clone()).collect()
    }

    async fn access_token(&self, instance: &Instance) -> Secret {
        let store = self.engine.store();
        store.access_token(instance, Purpose::Check).await.unwrap()
    }

    async fn refresh_token(&self, instance: &Instance) -> Secret {
        let store = self.engine.store();
        let token = store.refresh_token(instance, Purpose::Check).await;
        token.unwrap().unwrap()
    }

    /// What the protected resource says to an access token, without any of our code between.
    async fn me(&self, access_token: &Secret) -> StatusCode {
        let request = browser::raw_client()
            .unwrap()
            .get(self.server.endpoint("/api/me"))
            .bearer_auth(access_token.expose());
        request.send().await.unwrap().status()
    }

    /// A refresh by somebody else than our engine.
    async fn refresh_outside(&self, refresh_token: &Secret) -> (StatusCode, Value) {
        let client = self.server.client("client_secret_post").unwrap();
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose()),
            ("client_id", &client.client_id),
            ("client_secret", &client.client_secret),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = browser::raw_client()
            .unwrap()
            .post(self.server.endpoint("/token/"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let response = request.send().await.unwrap();
        let status = response.status();
        let answer = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        (status, answer)
    }
}

fn address(server: &DjangoOauthToolkit) -> SocketAddr {
    let issuer = Url::parse(server.issuer()).unwrap();
    issuer.socket_addrs(|| None).unwrap()[0]
}

/// As the server's ledger names a token.
fn sha256(token: &Secret) -> String {
    let digest = Sha256::digest(token.expose().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn assert_lost(handle: &InstanceHandle) {
    let stored = handle.load().await.unwrap();
    assert_eq!(
        (stored.status, stored.cause),
        (Status::ReconnectRequired, Some(Cause::LostResponse))
    );
}

/// The referee puts no `iss` into errors, though it promises it for every answer (RFC 9207, section 2).
#[tokio::test]
async fn a_denial_without_iss_is_not_believed() {
    let game = Match::begin(Duration::ZERO, Duration::ZERO).await;
    let started = game.start().await;
    let denied = game.server.deny(&started.authorization_url).await.unwrap();
    let pairs: Vec<_> = denied.query_pairs().map(|(key, _)| key).collect();
    assert_eq!(pairs, ["error", "state"], "{denied}");
    let arrival = Arrival::Local(started.id);
    let refused = game
        .engine
        .call_back(&arrival, &query(denied.as_str()))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("holds no iss"), "{refused}");
    assert_eq!(game.server.count("token", None).await.unwrap(), 0);
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_spent_one_ends_the_grant() {
    let game = Match::begin(Duration::ZERO, Duration::ZERO).await;
    let handle = game.connect().await;
    let first = game.refresh_token(&handle.load().await.unwrap()).await;
    for generation in 2..=4 {
        assert_eq!(handle.refresh().await.unwrap().generation, generation);
        assert_eq!(handle.call(get("/me")).await.unwrap().status(), 200);
    }
    assert_eq!(game.statuses().await, [200, 200, 200]);
    let now = game.refresh_token(&handle.load().await.unwrap()).await;
    assert_ne!(first.expose(), now.expose(), "nothing was rotated");

    let (status, answer) = game.refresh_outside(&first).await;
    assert_eq!(
        (status, &answer["error"]),
        (StatusCode::BAD_REQUEST, &"invalid_grant".into())
    );
    // Nothing of ours was lost: it was somebody else who ended the grant.
    let error = handle.refresh().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Reconnect, "{error}");
    assert_eq!(handle.load().await.unwrap().cause, Some(Cause::Revoked));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_within_the_window() {
    let game = Match::begin(WINDOW, WINDOW).await;
    let handle = game.connect().await;
    let before = handle.load().await.unwrap();
    let spent = game.refresh_token(&before).await;
    game.proxy.next(Fault::DropAnswer);

    let after = handle.refresh().await.unwrap();

    assert_eq!((after.generation, after.uncertain), (2, false));
    assert_eq!(game.proxy.count(Fault::DropAnswer), 1);
    let (access, refresh) = (
        game.access_token(&after).await,
        game.refresh_token(&after).await,
    );
    let ledger = game.refreshes().await;
    assert_eq!(ledger.len(), 2, "{ledger:#?}");
    for entry in &ledger {
        assert_eq!(
            (
                &entry["status"],
                &entry["refresh_token"],
                &entry["issued_access_token"],
                &entry["issued_refresh_token"]
            ),
            (
                &200.into(),
                &sha256(&spent).into(),
                &sha256(&access).into(),
                &sha256(&refresh).into()
            ),
            "both times the same token, and the same answer"
        );
    }
    assert_eq!(handle.call(get("/me")).await.unwrap().status(), 200);
    assert_eq!(game.me(&access).await, StatusCode::OK);

    assert_eq!(handle.refresh().await.unwrap().generation, 3);
    assert_eq!(handle.call(get("/me")).await.unwrap().status(), 200);
    assert_eq!(game.statuses().await, [200, 200, 200]);
}

#[tokio::test]
async fn however_an_answer_is_lost_the_window_saves_it() {
    let game = Match::begin(WINDOW, WINDOW).await;
    let handle = game.connect().await;
    // Each with the requests that reach the server for it.
    let faults = [
        (Fault::DropAnswer, 2),
        (Fault::CutAfter(0), 2),
        (Fault::CutAfter(9), 2),
        (Fault::CutAfter(300), 2),
        (Fault::HalfClose(0), 2),
        (Fault::HalfClose(300), 2),
        (Fault::RefuseRequest, 1),
        (Fault::Drip, 1),
    ];
    for (generation, (fault, requests)) in (2..).zip(faults) {
        let reached = game.refreshes().await.len();
        game.proxy.next(fault);
        let after = handle.refresh().await.unwrap();
        assert_eq!(
            (after.generation, after.uncertain),
            (generation, false),
            "{fault:?}"
        );
        assert_eq!(game.proxy.count(fault), 1, "{fault:?}");
        let reached = game.refreshes().await.len() - reached;
        assert_eq!(reached, requests, "{fault:?}");
        let status = handle.call(get("/me")).await.unwrap().status();
        assert_eq!(status, 200, "{fault:?}");
    }
}

#[tokio::test]
async fn without_a_window_the_loss_is_told_as_soon_as_nothing_can_be_ended_by_asking() {
    let game = Match::begin(Duration::ZERO, Duration::ZERO).await;
    let handle = game.connect().await;
    game.proxy.next(Fault::DropAnswer);
    let error = handle.refresh().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");

    // The lost request may still be on its way.
    for _ in 0..3 {
        game.clock.advance(MINUTE / 6);
        game.engine.look_after().await.unwrap();
        assert_eq!(handle.access_token().await.unwrap().generation, 1);
    }
    let left = handle.load().await.unwrap();
    assert_eq!((left.status, left.uncertain), (Status::Ok, true));
    assert_eq!(game.statuses().await, [200], "nothing is sent meanwhile");

    // This server ends the access token with a refresh, so there is nothing to wait for.
    game.clock.advance(MINUTE / 6);
    game.engine.look_after().await.unwrap();
    assert_lost(&handle).await;
    assert_eq!(game.statuses().await, [200, 400]);
}

#[tokio::test]
async fn an_access_token_that_the_lost_refresh_ended_is_found_out_by_the_first_call() {
    let game = Match::begin(Duration::ZERO, Duration::ZERO).await;
    let handle = game.connect().await;
    game.proxy.next(Fault::DropAnswer);
    handle.refresh().await.unwrap_err();
    let left = handle.load().await.unwrap();
    let access_token = game.access_token(&left).await;
    assert_eq!(game.me(&access_token).await, StatusCode::UNAUTHORIZED);

    game.clock.advance(MINUTE);
    let error = handle.call(get("/me")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Reconnect, "{error}");
    assert_lost(&handle).await;
    assert_eq!(game.statuses().await, [200, 400]);
}

#[tokio::test]
async fn a_window_that_is_promised_and_not_granted_is_told_as_a_loss() {
    let game = Match::begin(Duration::ZERO, WINDOW).await;
    let handle = game.connect().await;
    game.proxy.next(Fault::DropAnswer);
    let error = handle.refresh().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Reconnect, "{error}");
    assert_lost(&handle).await;
    assert_eq!(game.statuses().await, [200, 400], "once more, no oftener");
    // And that is the end of it.
    game.clock.advance(HOURS);
    game.engine.look_after().await.unwrap();
    assert_eq!(
        handle.access_token().await.unwrap_err().kind(),
        Kind::Reconnect
    );
    assert_eq!(game.statuses().await, [200, 400]);
}
