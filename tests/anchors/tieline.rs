//! Tieline against the npm package `oidc-provider`: PKCE, `iss`, rotation with reuse detection, revocation.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tieline_core::prelude::*;
use tieline_core::{Clock as _, Configuration, ManualClock, SystemClock};
use tieline_engine::{Arrival, AuthorizeOptions, Engine, EngineError, Kind, NewApp, Revocation};
use tieline_store::{Instance, Status};
use tieline_tests::anchor::{OidcProvider, OidcProviderOptions};
use tieline_tests::provider::{MAPPINGS, provider};
use tieline_tests::sides::open_engine;
use tieline_tests::stage::{get, query};

const CALLBACK: &str = "http://127.0.0.1:8917/callback";

/// The referee, and our engine facing it.
struct Match {
    server: OidcProvider,
    engine: Engine,
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

/// What an author would write about this server. Refresh tokens come only with `offline_access` and `prompt=consent`.
fn referee(issuer: &str, client_authentication: ClientAuthentication) -> ProviderDescriptor {
    ProviderDescriptor {
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
            exchange: TokenRequest::with(client_authentication),
            refresh: TokenRequest::with(client_authentication),
            revoke: TokenRequest::with(client_authentication),
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

impl Match {
    async fn begin(style: ClientAuthentication) -> Self {
        let server = OidcProvider::start(OidcProviderOptions::default())
            .await
            .unwrap();
        let method = match style {
            ClientAuthentication::Body => "client_secret_post",
            _ => "client_secret_basic",
        };
        let client = server.client(method).unwrap();
        let values = [
            (ParameterKey::OAUTH_API_KEY, client.client_id.clone()),
            (ParameterKey::OAUTH_API_SECRET, client.client_secret.clone()),
            (ParameterKey::OAUTH_CALLBACK_URL, CALLBACK.to_owned()),
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
        let environment = values.map(|(key, value)| (key.environment_name("referee"), value));
        let configuration = Configuration::from_parts(None, environment).unwrap();
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let folder = tempfile::tempdir().unwrap();
        let provider = provider(referee(server.issuer(), style));
        let engine = open_engine(folder.path(), &clock, provider, configuration).await;
        Self {
            server,
            engine,
            clock,
            _folder: folder,
        }
    }

    async fn connect(&self) -> Instance {
        let app = self
            .engine
            .create_app(NewApp {
                provider: "referee".to_owned(),
                ..NewApp::default()
            })
            .await
            .unwrap();
        let started = self
            .engine
            .authorize(&app, AuthorizeOptions::LOCAL)
            .await
            .unwrap();
        let callback = self
            .server
            .consent(&started.authorization_url)
            .await
            .unwrap();
        let arrival = Arrival::Local(started.id);
        self.engine
            .call_back(&arrival, &query(callback.as_str()))
            .await
            .unwrap()
    }

    async fn refreshes(&self) -> (usize, usize) {
        let grant = Some("refresh_token");
        (
            self.server.count("grant.success", grant).await.unwrap(),
            self.server.count("grant.error", grant).await.unwrap(),
        )
    }
}

#[tokio::test]
async fn code_pkce_iss_rotation_and_revocation() {
    for style in [ClientAuthentication::Basic, ClientAuthentication::Body] {
        let game = Match::begin(style).await;
        let instance = game.connect().await;
        assert!(
            instance.account_id.is_some(),
            "the account was read from /me"
        );
        let handle = game.engine.instance(instance.id);
        for generation in 2..=4 {
            assert_eq!(handle.refresh().await.unwrap().generation, generation);
            assert_eq!(handle.call(get("/me")).await.unwrap().status(), 200);
        }
        assert_eq!(game.refreshes().await, (3, 0));
        assert_eq!(
            handle.disconnect(false).await.unwrap().revocation,
            Revocation::Revoked
        );
        assert!(game.server.count("revocation.success", None).await.unwrap() >= 1);
        assert_eq!(game.server.count("server_error", None).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn twenty_callers_on_one_expired_token_leave_the_grant_alive() {
    let game = Match::begin(ClientAuthentication::Basic).await;
    let instance = game.connect().await;
    game.clock.advance(Duration::from_secs(2 * 60 * 60));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let handle = game.engine.instance(instance.id);
        callers.spawn(async move {
            handle
                .call(get("/me"))
                .await
                .map(|response| response.status().as_u16())
        });
    }
    for called in callers.join_all().await {
        assert_eq!(called.unwrap(), 200);
    }
    assert_eq!(
        game.refreshes().await,
        (1, 0),
        "exactly one refresh in the referee's log"
    );
    // The grant is alive: the refresh token that we keep is the one that works.
    assert_eq!(
        game.engine
            .instance(instance.id)
            .refresh()
            .await
            .unwrap()
            .generation,
        3
    );
    assert_eq!(game.refreshes().await, (2, 0));
    assert_eq!(game.server.count("grant.revoked", None).await.unwrap(), 0);
}

#[tokio::test]
async fn a_denial_and_a_replayed_callback_come_to_nothing() {
    let game = Match::begin(ClientAuthentication::Basic).await;
    let app = game
        .engine
        .create_app(NewApp {
            provider: "referee".to_owned(),
            ..NewApp::default()
        })
        .await
        .unwrap();
    let started = game
        .engine
        .authorize(&app, AuthorizeOptions::LOCAL)
        .await
        .unwrap();
    let denied = game.server.deny(&started.authorization_url).await.unwrap();
    let refused = game
        .engine
        .call_back(&Arrival::Local(started.id), &query(denied.as_str()))
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("access was denied"),
        "{refused}"
    );

    let started = game
        .engine
        .authorize(&app, AuthorizeOptions::LOCAL)
        .await
        .unwrap();
    let callback = query(
        game.server
            .consent(&started.authorization_url)
            .await
            .unwrap()
            .as_str(),
    );
    let arrival = Arrival::Local(started.id);
    let instance = game.engine.call_back(&arrival, &callback).await.unwrap();
    let again = game
        .engine
        .call_back(&arrival, &callback)
        .await
        .unwrap_err();
    assert!(matches!(again, EngineError::UnknownState), "{again}");
    assert_eq!(
        game.server
            .count("grant.success", Some("authorization_code"))
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        game.engine
            .instance(instance.id)
            .call(get("/me"))
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn a_grant_that_its_user_withdrew_needs_a_person() {
    let game = Match::begin(ClientAuthentication::Basic).await;
    let instance = game.connect().await;
    let handle = game.engine.instance(instance.id);
    let taken = game
        .engine
        .store()
        .refresh_token(&instance, tieline_store::Purpose::Check)
        .await
        .unwrap()
        .unwrap();
    handle.refresh().await.unwrap();
    // Somebody else uses the spent token: the server revokes the whole grant.
    let client = game.server.client("client_secret_basic").unwrap();
    let status = tieline_tests::browser::raw_client()
        .unwrap()
        .post(game.server.endpoint("/token"))
        .basic_auth(
            form_encoded(&client.client_id),
            Some(form_encoded(&client.client_secret)),
        )
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!(
            "grant_type=refresh_token&refresh_token={}",
            form_encoded(taken.expose())
        ))
        .send()
        .await
        .unwrap()
        .status();
    assert_eq!(status, 400);
    let error = handle.refresh().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Reconnect, "{error}");
    assert_eq!(
        handle.load().await.unwrap().status,
        Status::ReconnectRequired
    );
}

fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
