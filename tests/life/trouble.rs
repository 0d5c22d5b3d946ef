//! Trouble at home: a store that can't be written, tokens that don't open, code that panics, an engine that stops.

use std::time::Duration;

use serde_json::Value;
use tieline_engine::{EngineError, Kind};
use tieline_store::{Purpose, Status};
use tieline_tests::stage::{Stage, eventually};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn nothing_is_sent_when_the_store_cannot_write() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(2 * HOUR);
    let broken = stage.break_writes("UPDATE OF lease_owner").await;
    let refused = stage
        .engine
        .instance(instance.id)
        .refresh()
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("broken on purpose"),
        "{refused}"
    );
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 0);
    broken.mend().await;
    assert_eq!(
        stage
            .engine
            .instance(instance.id)
            .refresh()
            .await
            .unwrap()
            .generation,
        2
    );
}

#[tokio::test]
async fn an_answer_that_cannot_be_written_is_kept_until_it_can() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(2 * HOUR);
    let broken = stage.break_writes("UPDATE OF generation").await;
    let handle = stage.engine.instance(instance.id);
    for _ in 0..2 {
        let told = handle.access_token().await.unwrap_err();
        assert!(
            told.is_transient() && told.to_string().contains("can't be written yet"),
            "{told}"
        );
    }
    assert_eq!(
        stage.load(&instance).await.generation,
        1,
        "nobody has seen the new token"
    );
    broken.mend().await;
    let engine = stage.engine.clone();
    engine.shutdown().await;
    let stage = stage.reopened().await;
    assert_eq!(stage.load(&instance).await.generation, 2);
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 1);
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn a_panic_in_a_providers_code_leaves_its_answer_in_quarantine() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(2 * HOUR);
    tieline_tests::provider::panic_at_the_next_answer();
    let handle = stage.engine.instance(instance.id);
    let told = handle.access_token().await.unwrap_err();
    assert!(told.to_string().contains("panicked"), "{told}");
    let stored = stage.load(&instance).await;
    assert!(
        stored.uncertain && stored.intent.is_some(),
        "the intent is on record"
    );
    let store = stage.engine.store();
    let kept = store.quarantined("default").await.unwrap();
    let answer = store.quarantined_answer(&kept[0], Purpose::Check).await;
    let answer: Value = serde_json::from_str(answer.unwrap().expose()).unwrap();
    let refresh_token = answer["refresh_token"].as_str().unwrap();
    assert!(
        stage
            .sandbox
            .ledger()
            .is_current_refresh_token(refresh_token)
    );
}

#[tokio::test]
async fn a_token_that_does_not_open_is_left_as_it_is_and_others_go_on() {
    let stage = Stage::acme().await;
    let (broken, whole) = (stage.connect().await, stage.connect().await);
    stage
        .execute(&format!(
            "UPDATE instances SET access_token = zeroblob(80) WHERE id = {}",
            broken.id
        ))
        .await;
    let told = stage
        .engine
        .instance(broken.id)
        .access_token()
        .await
        .unwrap_err();
    assert_eq!(told.kind(), Kind::Failure, "{told}");
    assert_eq!(stage.load(&broken).await.status, Status::Unreadable);
    let told = stage
        .engine
        .instance(broken.id)
        .refresh()
        .await
        .unwrap_err();
    assert!(matches!(told, EngineError::Unreadable(_)), "{told}");
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 0);
    stage
        .engine
        .instance(whole.id)
        .access_token()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_restored_copy_refreshes_nothing_before_it_is_adopted() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let backup = stage.folder.path().join("backup");
    stage.engine.store().backup(&backup).await.unwrap();
    stage.engine.shutdown().await;
    tieline_store::Store::restore(&backup, &stage.folder.path().join("data"), true)
        .await
        .unwrap();
    let stage = stage.reopened().await;
    stage.clock.advance(2 * HOUR);
    let handle = stage.engine.instance(instance.id);
    let refused = handle.access_token().await.unwrap_err();
    assert!(refused.to_string().contains("adopted"), "{refused}");
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 0);
    stage.engine.store().adopt().await.unwrap();
    assert_eq!(handle.access_token().await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_shut_down_engine_starts_no_refresh_and_ends_those_in_flight() {
    let stage = Stage::acme().await;
    let (first, second) = (stage.connect().await, stage.connect().await);
    let (gate, refresh) = stage.held_refresh(&first).await;
    let shutting_down = stage.begin_shutdown();
    // The shutdown has begun once it refuses: until then this refreshes the second instance, which does no harm.
    eventually("refreshes are refused", async || {
        let late = stage.engine.instance(second.id).refresh().await;
        matches!(late, Err(EngineError::ShuttingDown))
    })
    .await;
    let before = stage.sandbox.ledger().token_requests("refresh_token");
    assert!(!shutting_down.is_finished());
    gate.release();
    shutting_down.await.unwrap();
    let _ = refresh.await.unwrap();
    let stage = stage.reopened().await;
    assert_eq!(stage.load(&first).await.generation, 2);
    assert!(stage.holds_the_current_refresh_token(&first).await);
    assert_eq!(
        stage.sandbox.ledger().token_requests("refresh_token"),
        before
    );
}
