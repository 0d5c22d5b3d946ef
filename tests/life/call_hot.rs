//! What calls need is kept ready in memory: what this process changes counts at once, everything else within two seconds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tieline_core::TokenSet;
use tieline_engine::{EngineError, Kind};
use tieline_sandbox::Endpoint;
use tieline_store::{Committed, Instance, Purpose, ReplaceTokens, Status};
use tieline_tests::stage::{Stage, again, get};

const TRUSTED_FOR: Duration = Duration::from_secs(2);

fn calls(stage: &Stage) -> usize {
    stage.sandbox.ledger().requests_to(Endpoint::Api).count()
}

fn opened(stage: &Stage, purpose: Purpose) -> u64 {
    stage.engine.store().openings()[&purpose]
}

async fn works(stage: &Stage, instance: &Instance) -> bool {
    let handle = stage.engine.instance(instance.id);
    let status = handle.call(get("/me")).await.map(|answer| answer.status());
    let token = handle.access_token().await;
    matches!((status, token), (Ok(status), Ok(_)) if status == 200)
}

#[tokio::test]
async fn what_somebody_else_does_to_the_row_counts_after_two_seconds() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    assert!(works(&stage, &instance).await);
    stage
        .execute("UPDATE instances SET status = 'reconnect_required', cause = 'revoked'")
        .await;
    stage.clock.advance(TRUSTED_FOR - Duration::from_millis(1));
    assert!(works(&stage, &instance).await);
    let before = calls(&stage);
    stage.clock.advance(Duration::from_millis(1));
    let handle = stage.engine.instance(instance.id);
    let refused = handle.call(get("/me")).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Reconnect, "{refused}");
    let refused = handle.access_token().await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Reconnect, "{refused}");
    assert_eq!(calls(&stage), before);
}

#[tokio::test]
async fn a_token_stays_opened_as_long_as_its_generation_and_no_longer() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    assert!(works(&stage, &instance).await);
    stage
        .execute("UPDATE instances SET access_token = x'00'")
        .await;
    for _ in 0..3 {
        stage.clock.advance(TRUSTED_FOR);
        assert!(works(&stage, &instance).await);
    }
    assert_eq!(stage.load(&instance).await.status, Status::Ok);
    stage
        .execute("UPDATE instances SET generation = generation + 1")
        .await;
    assert!(works(&stage, &instance).await);
    stage.clock.advance(TRUSTED_FOR);
    assert!(!works(&stage, &instance).await);
    assert_eq!(stage.load(&instance).await.status, Status::Unreadable);
}

#[tokio::test]
async fn every_use_of_a_token_is_counted_for_its_purpose() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    let before = [Purpose::Call, Purpose::Reveal].map(|purpose| opened(&stage, purpose));
    for _ in 0..5 {
        handle.access_token().await.unwrap();
        handle.access_token().await.unwrap();
        handle.call(get("/me")).await.unwrap();
        stage.clock.advance(Duration::from_secs(1));
    }
    let after = [Purpose::Call, Purpose::Reveal].map(|purpose| opened(&stage, purpose));
    assert_eq!([after[0] - before[0], after[1] - before[1]], [5, 10]);
}

#[tokio::test]
async fn a_refresh_a_new_consent_and_a_disconnect_count_at_once() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    let known = async |generation| {
        let token = handle.access_token().await.unwrap();
        assert_eq!(token.generation, generation);
        let ledger = stage.sandbox.ledger();
        assert!(ledger.is_live_access_token(token.token.expose()));
    };
    known(1).await;
    handle.refresh().await.unwrap();
    known(2).await;
    let (arrival, callback) = stage.consented(again(&instance)).await;
    stage.engine.call_back(&arrival, &callback).await.unwrap();
    known(3).await;
    // Another tenant's engine knows no more than it may.
    let stranger = stage.engine.for_tenant("stranger").instance(instance.id);
    let refused = stranger.access_token().await.unwrap_err();
    assert!(
        matches!(refused, EngineError::NoSuchInstance(_)),
        "{refused}"
    );
    known(3).await;
    handle.disconnect(false).await.unwrap();
    let before = calls(&stage);
    let gone = handle.call(get("/me")).await.unwrap_err();
    assert!(matches!(gone, EngineError::NoSuchInstance(_)), "{gone}");
    let gone = handle.access_token().await.unwrap_err();
    assert!(matches!(gone, EngineError::NoSuchInstance(_)), "{gone}");
    assert_eq!(calls(&stage), before);
}

#[tokio::test]
async fn a_disconnect_that_can_not_end_yet_refuses_calls_at_once() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    assert!(works(&stage, &instance).await);
    let busy = tieline_tests::script::come_back_in(503, 60);
    stage.sandbox.script(Endpoint::Revocation, busy);
    let handle = stage.engine.instance(instance.id);
    handle.disconnect(false).await.unwrap_err();
    let refused = handle.call(get("/me")).await.unwrap_err();
    assert!(matches!(refused, EngineError::Leaving(_)), "{refused}");
}

#[tokio::test]
async fn a_dead_grant_refuses_calls_at_once() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    assert!(works(&stage, &instance).await);
    let (_, refresh_token) = stage.tokens(&instance).await;
    stage.sandbox.revoke_grant(&refresh_token.unwrap());
    let handle = stage.engine.instance(instance.id);
    handle.refresh().await.unwrap_err();
    let refused = handle.access_token().await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Reconnect, "{refused}");
}

#[tokio::test]
async fn an_apps_parameters_are_opened_once_and_again_when_they_change() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    let opens = async || {
        let before = opened(&stage, Purpose::Parameters);
        for _ in 0..5 {
            assert_eq!(handle.call(get("/me")).await.unwrap().status(), 200);
        }
        opened(&stage, Purpose::Parameters) - before
    };
    assert_eq!(opens().await, 1);
    assert_eq!(opens().await, 0);
    stage.clock.advance(TRUSTED_FOR);
    assert_eq!(opens().await, 0);
    let changes = BTreeMap::from([("oauth.scope".to_owned(), Some("read".into()))]);
    let app = stage.app().await;
    stage
        .engine
        .change_app_parameters(&app, changes)
        .await
        .unwrap();
    assert_eq!(opens().await, 1);
}

#[tokio::test]
async fn what_another_process_has_refreshed_is_found_out_by_the_401() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    assert!(works(&stage, &instance).await);
    let (_, refresh_token) = stage.tokens(&instance).await;
    stage.sandbox.expire_access_tokens();
    stage.sandbox.spend(&refresh_token.unwrap()).unwrap();
    // The store alone, as where another process shares it: this engine hears nothing of it.
    let replace = ReplaceTokens {
        id: instance.id,
        generation: 1,
        tokens: TokenSet::of(stage.sandbox.last_access_token().unwrap().into()),
        parameters: BTreeMap::new(),
        account_id: None,
        account_label: None,
        keep_alive_at: None,
    };
    let written = stage.engine.store().replace_tokens(&replace).await;
    assert!(matches!(written, Ok(Committed::Done(_))), "{written:?}");
    let before = calls(&stage);
    assert!(works(&stage, &instance).await);
    assert_eq!(calls(&stage) - before, 2, "a 401 and a replay");
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 0);
    assert_eq!(stage.load(&instance).await.generation, 2);
}

/// Whoever asks after a commit is never served what was there before it, however many read meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_served_an_older_generation_than_was_committed() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let committed = Arc::new(AtomicI64::new(1));
    let readers: Vec<_> = (0..6)
        .map(|_| {
            let (handle, committed) = (stage.engine.instance(instance.id), Arc::clone(&committed));
            tokio::spawn(async move {
                let mut reads = 0_u64;
                loop {
                    let least = committed.load(Ordering::SeqCst);
                    if least > 60 {
                        return reads;
                    }
                    let served = handle.access_token().await.unwrap().generation;
                    assert!(served >= least, "{served} after {least}");
                    // Whoever was served a generation has seen it: it is committed.
                    committed.fetch_max(served, Ordering::SeqCst);
                    reads += 1;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let handle = stage.engine.instance(instance.id);
    while committed.load(Ordering::SeqCst) <= 60 {
        let refreshed = handle.refresh().await.unwrap();
        committed.fetch_max(refreshed.generation, Ordering::SeqCst);
    }
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
}
