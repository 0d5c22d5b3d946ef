//! From app credentials to a connected account, and everything that must not become one.

use std::time::Duration;

use tieline_core::http::CallbackQuery;
use tieline_core::parameters::Given;
use tieline_engine::{Arrival, AuthorizeOptions, BoundTo, EngineError, Kind, NewApp};
use tieline_sandbox::{Act, ClientAuth, Endpoint, Gate};
use tieline_store::Status;
use tieline_tests::stage::{Stage, eventually, query};

async fn instances(stage: &Stage) -> usize {
    stage.instances().await.len()
}

fn token_requests(stage: &Stage) -> usize {
    stage.sandbox.ledger().requests_to(Endpoint::Token).count()
}

#[tokio::test]
async fn infusionsoft_from_credentials_to_account() {
    let stage = Stage::infusionsoft().await;
    let instance = stage.connect().await;

    assert_eq!(instance.status, Status::Ok);
    assert_eq!(
        instance.account_id.as_deref(),
        Some("hl214"),
        "the tenant, read from the scope"
    );
    assert_eq!(instance.account_label.as_deref(), Some("ada@example.com"));
    assert_eq!(instance.scopes, ["full"]);
    let (access_token, _) = stage.tokens(&instance).await;
    let ledger = stage.sandbox.ledger();
    assert!(ledger.is_live_access_token(&access_token));
    assert!(stage.holds_the_current_refresh_token(&instance).await);
    let exchanges: Vec<_> = ledger.requests_to(Endpoint::Token).collect();
    assert_eq!(exchanges.len(), 1);
    assert_eq!(exchanges[0].client_auth, ClientAuth::Body);
    assert!(
        !exchanges[0]
            .headers
            .iter()
            .any(|name| name == "authorization"),
        "{:?}",
        exchanges[0].headers
    );
    assert!(
        exchanges[0]
            .params
            .iter()
            .any(|name| name == "code_verifier"),
        "{:?}",
        exchanges[0].params
    );
}

#[tokio::test]
async fn an_authorization_survives_a_restart() {
    let stage = Stage::acme().await;
    let (arrival, callback) = stage.consented(AuthorizeOptions::LOCAL).await;
    let stage = stage.reopened().await;
    let instance = stage.engine.call_back(&arrival, &callback).await.unwrap();
    assert_eq!(instance.account_id.as_deref(), Some("u-1001"));
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn a22_a_callback_counts_once() {
    let stage = Stage::acme().await;
    let (arrival, callback) = stage.consented(AuthorizeOptions::LOCAL).await;

    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (engine, arrival, callback) = (stage.engine.clone(), arrival.clone(), callback.clone());
        callers.spawn(async move { engine.call_back(&arrival, &callback).await });
    }
    let outcomes = callers.join_all().await;
    let connected: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().ok())
        .collect();
    assert_eq!(connected.len(), 1);
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(EngineError::UnknownState)))
            .count(),
        99
    );
    assert_eq!(token_requests(&stage), 1);
    assert!(
        stage.holds_the_current_refresh_token(connected[0]).await,
        "the first connection is untouched"
    );
}

#[tokio::test]
async fn a23_a_late_callback_exchanges_nothing() {
    let stage = Stage::acme().await;
    let (arrival, callback) = stage.consented(AuthorizeOptions::LOCAL).await;
    let (in_time, in_time_callback) = stage.consented(AuthorizeOptions::LOCAL).await;
    stage.clock.advance(Duration::from_secs(10 * 60));
    let app_forgot_its_code = stage
        .engine
        .call_back(&in_time, &in_time_callback)
        .await
        .unwrap_err();
    assert!(
        matches!(app_forgot_its_code, EngineError::Token(_)),
        "ten minutes are in time, though the code is too old"
    );
    assert_eq!(token_requests(&stage), 1);
    stage.clock.advance(Duration::from_secs(1));
    let refused = stage
        .engine
        .call_back(&arrival, &callback)
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "acme: the authorization was started more than ten minutes ago; start again"
    );
    assert_eq!(token_requests(&stage), 1);
}

#[tokio::test]
async fn a20_a_callback_at_another_apps_address_exchanges_nothing() {
    let stage = Stage::acme().await;
    let (victim, attacker) = (stage.app().await, {
        let new = NewApp {
            provider: "acme".to_owned(),
            name: Some("other".to_owned()),
            parameters: Given::new(),
            ..NewApp::default()
        };
        stage.engine.create_app(new).await.unwrap()
    });
    let options = || AuthorizeOptions {
        bound_to: BoundTo::Session {
            user: "ada".to_owned(),
        },
        ..AuthorizeOptions::LOCAL
    };
    let arrive = |context: &str, user: &str| Arrival::Session {
        context: context.to_owned(),
        user: user.to_owned(),
    };
    for (wrong, why) in [
        (arrive(&attacker.context, "ada"), "another app's address"),
        (arrive(&victim.context, "mallory"), "another user's session"),
    ] {
        let (_, callback) = stage.consented(options()).await;
        let refused = stage.engine.call_back(&wrong, &callback).await.unwrap_err();
        assert!(
            matches!(refused, EngineError::NotYours { .. }),
            "{why}: {refused}"
        );
        let again = stage
            .engine
            .call_back(&arrive(&victim.context, "ada"), &callback)
            .await
            .unwrap_err();
        assert!(
            matches!(again, EngineError::UnknownState),
            "{why}: a state is used up whatever comes of it: {again}"
        );
    }
    assert_eq!((token_requests(&stage), instances(&stage).await), (0, 0));

    let (_, callback) = stage.consented(options()).await;
    stage
        .engine
        .call_back(&arrive(&victim.context, "ada"), &callback)
        .await
        .unwrap();
}

#[tokio::test]
async fn another_process_or_tenant_cannot_take_a_callback() {
    let stage = Stage::acme().await;
    let (_, mine) = stage.consented(AuthorizeOptions::LOCAL).await;
    let (arrival, theirs) = stage.consented(AuthorizeOptions::LOCAL).await;
    let stranger = stage.engine.for_tenant("stranger");
    for (engine, callback) in [(&stage.engine, &mine), (&stranger, &theirs)] {
        let refused = engine.call_back(&arrival, callback).await.unwrap_err();
        assert!(matches!(refused, EngineError::NotYours { .. }), "{refused}");
    }
    assert_eq!(token_requests(&stage), 0);
}

#[tokio::test]
async fn a_made_up_state_and_a_missing_code_exchange_nothing() {
    let stage = Stage::acme().await;
    let (arrival, callback) = stage.consented(AuthorizeOptions::LOCAL).await;
    let made_up = CallbackQuery::parse("code=x&state=made-up");
    let refused = stage
        .engine
        .call_back(&arrival, &made_up)
        .await
        .unwrap_err();
    assert!(matches!(refused, EngineError::UnknownState), "{refused}");

    let without_code: Vec<_> = callback
        .pairs()
        .iter()
        .filter(|(name, _)| name != "code")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let refused = stage
        .engine
        .call_back(&arrival, &CallbackQuery::parse(&without_code.join("&")))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("acme"), "{refused}");
    assert_eq!((token_requests(&stage), instances(&stage).await), (0, 0));
}

#[tokio::test]
async fn a_denial_is_told_in_the_providers_words() {
    let stage = Stage::acme().await;
    let started = stage.start(AuthorizeOptions::LOCAL).await;
    let callback = stage
        .sandbox
        .deny(&started.authorization_url)
        .await
        .unwrap();
    let refused = stage
        .engine
        .call_back(&Arrival::Local(started.id), &query(&callback))
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("access was denied"),
        "{refused}"
    );
    assert_eq!((token_requests(&stage), instances(&stage).await), (0, 0));
}

#[tokio::test]
async fn a_wrong_client_secret_names_the_parameter_in_both_vocabularies() {
    let stage = Stage::acme().await.with_secret("wrong-CANARY").await;
    let refused = stage.try_connect().await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Configuration);
    let told = refused.to_string();
    for word in [
        "acme",
        "invalid_client",
        "Consumer Secret",
        "oauth.api.secret",
    ] {
        assert!(told.contains(word), "{word} is missing: {told}");
    }
    assert!(!told.contains("CANARY"), "{told}");
    assert_eq!(
        (token_requests(&stage), instances(&stage).await),
        (1, 0),
        "one request: no style is probed"
    );
}

#[tokio::test]
async fn an_unanswered_health_check_loses_no_tokens() {
    let stage = Stage::acme().await;
    stage
        .sandbox
        .script(Endpoint::Api, tieline_sandbox::Act::ResetBeforeWork);
    let instance = stage.connect().await;
    assert_eq!(
        (instance.status, instance.account_id.as_deref()),
        (Status::Ok, None)
    );
    assert!(stage.holds_the_current_refresh_token(&instance).await);
    let account = stage.engine.instance(instance.id).check().await.unwrap();
    assert_eq!(account.id.as_deref(), Some("u-1001"));
    assert_eq!(
        stage.load(&instance).await.account_id.as_deref(),
        Some("u-1001")
    );
}

#[tokio::test]
async fn a_caller_who_leaves_cancels_no_exchange_and_shutting_down_waits_for_it() {
    let stage = Stage::acme().await;
    let (arrival, callback) = stage.consented(AuthorizeOptions::LOCAL).await;
    let gate = Gate::new();
    stage
        .sandbox
        .script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
    let engine = stage.engine.clone();
    let caller = tokio::spawn(async move { engine.call_back(&arrival, &callback).await });
    gate.reached().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());

    let shutting_down = stage.begin_shutdown();
    let (late_arrival, late_callback) = (
        Arrival::Local(tieline_core::AuthorizationId(1)),
        CallbackQuery::parse("code=c&state=s"),
    );
    eventually("callbacks are refused", async || {
        let late = stage.engine.call_back(&late_arrival, &late_callback).await;
        matches!(late, Err(EngineError::ShuttingDown))
    })
    .await;
    assert!(!shutting_down.is_finished());
    gate.release();
    shutting_down.await.unwrap();

    let stage = stage.reopened().await;
    let kept = stage.instances().await;
    assert_eq!(kept.len(), 1);
    assert!(stage.holds_the_current_refresh_token(&kept[0]).await);
}

#[tokio::test]
async fn another_tenants_app_has_only_its_own_credentials() {
    let stage = Stage::acme().await;
    let other = stage.engine.for_tenant("other");
    let bare = NewApp {
        provider: "acme".to_owned(),
        ..NewApp::default()
    };
    let app = other.create_app(bare).await.unwrap();
    let refused = other
        .authorize(&app, AuthorizeOptions::LOCAL)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("oauth.api.secret is missing"),
        "{refused}"
    );
    assert!(
        stage.engine.app(app.id).await.is_err(),
        "and nobody else sees it"
    );

    let mut thief = Given::new();
    thief.insert(
        "oauth.token.url".to_owned(),
        "https://thief.example/".into(),
    );
    let new = NewApp {
        provider: "acme".to_owned(),
        name: Some("thief".to_owned()),
        parameters: thief,
        ..NewApp::default()
    };
    let refused = other.create_app(new).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("may only be set by the operator"),
        "{refused}"
    );
}

#[tokio::test]
async fn tokens_that_cannot_be_written_are_kept_until_they_can() {
    let stage = Stage::acme().await;
    let (arrival, callback) = stage.consented(AuthorizeOptions::LOCAL).await;
    let broken = stage.break_writes("INSERT").await;
    let engine = stage.engine.clone();
    let caller = tokio::spawn(async move { engine.call_back(&arrival, &callback).await });
    eventually("the code is exchanged", async || {
        stage.sandbox.ledger().exchanges() == 1
    })
    .await;
    assert_eq!(instances(&stage).await, 0);
    broken.mend().await;
    let instance = caller.await.unwrap().unwrap();
    assert_eq!(instances(&stage).await, 1);
    assert!(stage.holds_the_current_refresh_token(&instance).await);
    assert_eq!(token_requests(&stage), 1, "the code was sent once");
}
