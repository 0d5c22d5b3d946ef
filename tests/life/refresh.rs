//! Refreshing: when it is due, once for everybody, and never lost.

use std::time::Duration;

use tieline_engine::{EngineError, Kind};
use tieline_sandbox::{Act, ClientAuth, Endpoint, Gate};
use tieline_store::Cause;
use tieline_tests::script::{come_back_in, json};
use tieline_tests::stage::{Stage, get};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn a_due_token_is_refreshed_before_it_is_used() {
    let stage = Stage::infusionsoft().await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    let first = handle.access_token().await.unwrap();
    assert_eq!(
        (first.generation, stage.sandbox.ledger().refreshes()),
        (1, 0)
    );

    stage.clock.advance(24 * HOUR);
    let second = handle.access_token().await.unwrap();
    assert_eq!(second.generation, 2);
    assert_ne!(first.token, second.token);
    let ledger = stage.sandbox.ledger();
    assert!(ledger.is_live_access_token(second.token.expose()));
    assert_eq!(ledger.refreshes(), 1);
    let refresh = ledger.requests_to(Endpoint::Token).last().unwrap();
    assert_eq!(refresh.client_auth, ClientAuth::Basic);
    assert_eq!(
        refresh.params,
        ["grant_type", "refresh_token"],
        "nothing else in the body"
    );
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn a_token_that_is_due_soon_is_served_meanwhile() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(Duration::from_secs(55 * 60));
    let gate = Gate::new();
    stage
        .sandbox
        .script(Endpoint::Token, Act::Hold(gate.clone()));
    let served = stage
        .engine
        .instance(instance.id)
        .access_token()
        .await
        .unwrap();
    assert_eq!(
        served.generation, 1,
        "still good for five minutes, and nobody waits"
    );
    gate.reached().await;
    let shutting_down = stage.begin_shutdown();
    tokio::task::yield_now().await;
    assert!(!shutting_down.is_finished());
    gate.release();
    shutting_down.await.unwrap();
    let stage = stage.reopened().await;
    assert_eq!(
        stage.load(&instance).await.generation,
        2,
        "shutting down waited for the refresh"
    );
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn many_callers_on_an_expired_token_make_one_refresh() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(2 * HOUR);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let handle = stage.engine.instance(instance.id);
        callers.spawn(async move {
            handle
                .access_token()
                .await
                .unwrap()
                .token
                .expose()
                .to_owned()
        });
    }
    let mut tokens = callers.join_all().await;
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "everybody got the same new token");
    let ledger = stage.sandbox.ledger();
    assert_eq!(
        (
            ledger.token_requests("refresh_token"),
            ledger.grants_alive()
        ),
        (1, 1)
    );
    assert!(ledger.is_live_access_token(&tokens[0]));
}

#[tokio::test]
async fn a_caller_who_leaves_cancels_nothing() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(2 * HOUR);
    let gate = Gate::new();
    stage
        .sandbox
        .script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
    let handle = stage.engine.instance(instance.id);
    let caller = tokio::spawn(async move { handle.access_token().await });
    gate.reached().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.release();
    let served = stage
        .engine
        .instance(instance.id)
        .access_token()
        .await
        .unwrap();
    assert_eq!(served.generation, 2);
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 1);
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn the_intent_is_on_disk_before_the_request_and_gone_after_the_commit() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    assert_eq!(instance.intent, None);
    let gate = Gate::new();
    stage
        .sandbox
        .script(Endpoint::Token, Act::Hold(gate.clone()));
    let handle = stage.engine.instance(instance.id);
    let refresh = tokio::spawn(async move { handle.refresh().await });
    gate.reached().await;
    let meanwhile = stage.load(&instance).await;
    let intent = meanwhile.intent.unwrap();
    assert_eq!((intent.generation, intent.uncertain), (1, false));
    assert!(meanwhile.lease.is_some());
    gate.release();
    let refreshed = refresh.await.unwrap().unwrap();
    assert_eq!(
        (refreshed.generation, refreshed.intent, refreshed.lease),
        (2, None, None)
    );
}

#[tokio::test]
async fn a_failed_refresh_is_not_tried_again_before_the_provider_wants() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(2 * HOUR);
    let busy = come_back_in(429, 120);
    stage.sandbox.script(Endpoint::Token, busy);
    let handle = stage.engine.instance(instance.id);
    let requests = || stage.sandbox.ledger().requests_to(Endpoint::Token).count() - 1;
    for _ in 0..20 {
        let told = handle.access_token().await.unwrap_err();
        assert_eq!(told.retry_after(), Some(Duration::from_secs(120)), "{told}");
    }
    assert_eq!(requests(), 1);
    stage.clock.advance(Duration::from_secs(119));
    handle.access_token().await.unwrap_err();
    assert_eq!(requests(), 1);
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(handle.access_token().await.unwrap().generation, 2);
}

#[tokio::test]
async fn without_a_word_from_the_provider_the_pauses_double() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(2 * HOUR);
    let handle = stage.engine.instance(instance.id);
    for pause in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        stage.sandbox.script(
            Endpoint::Token,
            Act::Answer {
                status: 503,
                headers: vec![],
                body: vec![],
            },
        );
        handle.access_token().await.unwrap_err();
        let before = stage.sandbox.ledger().requests_to(Endpoint::Token).count();
        stage
            .clock
            .advance(Duration::from_millis(pause * 1_000 - 1));
        handle.access_token().await.unwrap_err();
        assert_eq!(
            stage.sandbox.ledger().requests_to(Endpoint::Token).count(),
            before,
            "after {pause} s"
        );
        stage.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(handle.access_token().await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_token_without_a_refresh_token_is_used_until_it_ends() {
    let stage = Stage::acme().await;
    let answer = r#"{"access_token":"only","token_type":"bearer","expires_in":3600}"#;
    stage.sandbox.script(Endpoint::Token, json(200, answer));
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    let refused = handle.refresh().await.unwrap_err();
    assert!(
        matches!(refused, EngineError::NotRefreshable { .. }),
        "{refused}"
    );
    assert_eq!(handle.access_token().await.unwrap().token.expose(), "only");
    stage.clock.advance(HOUR);
    assert_eq!(
        handle.access_token().await.unwrap_err().kind(),
        Kind::Reconnect
    );
    assert_eq!(stage.load(&instance).await.cause, Some(Cause::Expired));
}

#[tokio::test]
async fn a_late_401_is_served_the_newer_token_without_another_refresh() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let gate = Gate::new();
    let unauthorized = Act::Answer {
        status: 401,
        headers: vec![],
        body: vec![],
    };
    stage.sandbox.script(Endpoint::Api, Act::Hold(gate.clone()));
    let handle = stage.engine.instance(instance.id);
    let late = tokio::spawn(async move { handle.call(get("/me")).await });
    gate.reached().await;
    // Meanwhile the old access token dies with a refresh, so the held call will be answered 401.
    stage.engine.instance(instance.id).refresh().await.unwrap();
    gate.release();
    assert_eq!(late.await.unwrap().unwrap().status(), 200);
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 1);

    stage.sandbox.script(Endpoint::Api, unauthorized);
    assert_eq!(
        stage
            .engine
            .instance(instance.id)
            .call(get("/me"))
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 2);
}
