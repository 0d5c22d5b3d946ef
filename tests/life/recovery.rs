//! A refresh that ended without a known outcome, and what is done about it.

use std::time::Duration;

use tieline_core::descriptor::{OnReuse, Rotates, Rotation};
use tieline_core::prelude::*;
use tieline_core::{Clock as _, TokenSet};
use tieline_engine::{EngineError, Kind, Round};
use tieline_sandbox::{Act, Endpoint, Gate};
use tieline_store::{BeginRefresh, Begun, Cause, CommitRefresh, Committed, Instance, Status};
use tieline_tests::script::answer;
use tieline_tests::stage::Stage;

const HOURS: Duration = Duration::from_secs(2 * 60 * 60);
const SECOND: Duration = Duration::from_secs(1);

/// A provider that takes a spent refresh token for another half a minute, and revokes everything after that.
async fn forgiving() -> Stage {
    Stage::edited(
        |rules| rules["token"]["refresh_token_reuse_window_seconds"] = 30.into(),
        |descriptor| rotating(descriptor, Duration::from_secs(30), OnReuse::RevokesFamily),
    )
    .await
}

/// A provider that refuses a spent refresh token and does nothing else about it.
async fn indifferent() -> Stage {
    Stage::edited(
        |rules| rules["token"]["refresh_token_reuse"] = "fails".into(),
        |descriptor| rotating(descriptor, Duration::ZERO, OnReuse::Fails),
    )
    .await
}

fn rotating(
    descriptor: ProviderDescriptor,
    reuse_window: Duration,
    on_reuse: OnReuse,
) -> ProviderDescriptor {
    let oauth2 = descriptor.oauth2();
    ProviderDescriptor {
        authentication: Authentication::AuthorizationCode(OAuth2 {
            rotation: Rotation {
                rotates: Rotates::Always,
                reuse_window,
                on_reuse,
                ..oauth2.rotation
            },
            ..*oauth2
        }),
        ..descriptor
    }
}

/// Leaves lease and intent behind, as a process does that is killed before its commit.
async fn killed_in_a_refresh(stage: &Stage, instance: &Instance) {
    let begun = stage
        .engine
        .store()
        .begin_refresh(BeginRefresh {
            id: instance.id,
            generation: instance.generation,
            owner: "another process".to_owned(),
            attempt: 7,
            token_hash: [7; 32],
            lease: Duration::from_secs(45),
            in_doubt: true,
            seen: None,
        })
        .await
        .unwrap();
    assert!(matches!(begun, Begun::Taken(_)), "{begun:?}");
}

/// The server spends the refresh token, and nobody hears of it.
async fn spend_unheard(stage: &Stage, instance: &Instance) {
    let (_, refresh_token) = stage.tokens(instance).await;
    stage.sandbox.spend(&refresh_token.unwrap()).unwrap();
}

/// Another process that was taken for dead commits after all.
async fn commit_elsewhere(stage: &Stage, instance: &Instance) {
    let commit = CommitRefresh {
        id: instance.id,
        generation: 1,
        attempt: 8,
        begun: None,
        tokens: TokenSet {
            refresh_token: Some(Secret::from("ended")),
            ..TokenSet::of(Secret::from("ended as well"))
        },
        keep_alive_at: None,
        now: stage.clock.now(),
    };
    let committed = stage.engine.store().commit_refresh(&commit).await.unwrap();
    assert!(matches!(committed, Committed::Done(_)), "{committed:?}");
}

async fn told(stage: &Stage, instance: &Instance, kind: &str) -> usize {
    let events = stage.engine.instance(instance.id).events(50).await.unwrap();
    events.iter().filter(|event| event.kind == kind).count()
}

#[tokio::test]
async fn within_the_window_the_same_task_asks_again_and_nobody_notices() {
    for lost in [
        Act::CommitThenReset,
        Act::CommitThenCut { after: 10 },
        Act::ResetBeforeWork,
        answer(500, "text/plain", "oops"),
    ] {
        let stage = forgiving().await;
        let instance = stage.connect().await;
        stage.clock.advance(HOURS);
        stage.sandbox.script(Endpoint::Token, lost);
        let token = stage.engine.instance(instance.id).access_token().await;
        let token = token.unwrap();
        assert_eq!(token.generation, 2);
        let ledger = stage.sandbox.ledger();
        assert!(ledger.is_live_access_token(token.token.expose()));
        assert_eq!(
            ledger.token_requests("refresh_token"),
            2,
            "once more, no oftener"
        );
        assert!(stage.holds_the_current_refresh_token(&instance).await);
        assert!(!stage.load(&instance).await.uncertain);
    }
}

#[tokio::test]
async fn two_lost_answers_in_a_row_leave_the_doubt_for_later() {
    let stage = forgiving().await;
    let instance = stage.connect().await;
    stage.clock.advance(HOURS);
    for _ in 0..2 {
        stage.sandbox.script(Endpoint::Token, Act::CommitThenReset);
    }
    let handle = stage.engine.instance(instance.id);
    let error = handle.access_token().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert_eq!(
        told(&stage, &instance, "instance.refresh_uncertain").await,
        1
    );
    stage.clock.advance(SECOND);
    let round = stage.engine.look_after().await.unwrap();
    assert_eq!(
        round,
        Round {
            settled: 1,
            ..Round::default()
        }
    );
    assert_eq!(handle.access_token().await.unwrap().generation, 2);
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn where_reuse_merely_fails_a_lost_answer_is_known_for_lost_at_once() {
    let stage = indifferent().await;
    let instance = stage.connect().await;
    stage.clock.advance(HOURS);
    stage.sandbox.script(Endpoint::Token, Act::CommitThenReset);
    let handle = stage.engine.instance(instance.id);
    let error = handle.access_token().await.unwrap_err();
    assert!(
        matches!(error, EngineError::Shared(ref error) if matches!(**error, EngineError::ReconnectRequired { cause: Some(Cause::LostResponse), .. })),
        "{error}"
    );
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 2);
    assert_eq!(
        told(&stage, &instance, "instance.reconnect_required").await,
        1
    );
}

#[tokio::test]
async fn a_successor_asks_again_while_the_window_is_open() {
    let stage = forgiving().await;
    let instance = stage.connect().await;
    killed_in_a_refresh(&stage, &instance).await;
    spend_unheard(&stage, &instance).await;
    let stage = stage.reopened().await;
    stage.clock.advance(20 * SECOND);
    let round = stage.engine.look_after().await.unwrap();
    assert_eq!(
        round,
        Round {
            settled: 1,
            ..Round::default()
        }
    );
    let stored = stage.load(&instance).await;
    assert_eq!((stored.generation, stored.uncertain), (2, false));
    assert!(stage.holds_the_current_refresh_token(&instance).await);
    assert_eq!(stage.engine.look_after().await.unwrap(), Round::default());
}

#[tokio::test]
async fn a_successor_that_comes_too_late_uses_the_token_up_and_then_tells_the_cause() {
    let stage = forgiving().await;
    let instance = stage.connect().await;
    killed_in_a_refresh(&stage, &instance).await;
    spend_unheard(&stage, &instance).await;
    let stage = stage.reopened().await;
    stage.clock.advance(31 * SECOND);
    let handle = stage.engine.instance(instance.id);
    for _ in 0..3 {
        stage.engine.look_after().await.unwrap();
        assert_eq!(handle.access_token().await.unwrap().generation, 1);
    }
    assert_eq!(
        stage.sandbox.ledger().token_requests("refresh_token"),
        0,
        "a replay would end the grant"
    );
    assert_eq!(
        told(&stage, &instance, "instance.refresh_uncertain").await,
        1,
        "once, by whoever found it"
    );
    stage.clock.advance(HOURS);
    let error = handle.access_token().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Reconnect, "{error}");
    let stored = stage.load(&instance).await;
    assert_eq!(
        (stored.status, stored.cause),
        (Status::ReconnectRequired, Some(Cause::LostResponse))
    );
}

#[tokio::test]
async fn a_doubt_without_loss_is_resolved_when_the_token_is_used_up() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    killed_in_a_refresh(&stage, &instance).await;
    let stage = stage.reopened().await;
    stage.engine.look_after().await.unwrap();
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 0);
    stage.clock.advance(HOURS);
    let round = stage.engine.look_after().await.unwrap();
    assert_eq!(round.settled, 1);
    assert_eq!(stage.load(&instance).await.generation, 2);
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn a_death_after_two_refreshes_of_one_generation_is_called_a_conflict() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let (gate, refresh) = stage.held_refresh(&instance).await;
    // What the other got the provider has ended by now.
    commit_elsewhere(&stage, &instance).await;
    gate.release();
    assert_eq!(refresh.await.unwrap().unwrap().generation, 2);
    assert_eq!(told(&stage, &instance, "instance.conflict").await, 1);

    let handle = stage.engine.instance(instance.id);
    let error = handle.refresh().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Reconnect, "{error}");
    assert_eq!(stage.load(&instance).await.cause, Some(Cause::Conflict));
}

#[tokio::test]
async fn a_refusal_that_came_after_anothers_answer_is_called_a_conflict_too() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let gate = Gate::new();
    stage
        .sandbox
        .script(Endpoint::Token, Act::Hold(gate.clone()));
    let handle = stage.engine.instance(instance.id);
    let refresh = tokio::spawn(async move { handle.refresh().await });
    gate.reached().await;
    spend_unheard(&stage, &instance).await;
    commit_elsewhere(&stage, &instance).await;
    gate.release();
    assert_eq!(refresh.await.unwrap().unwrap().generation, 2);
    assert_eq!(told(&stage, &instance, "instance.conflict").await, 1);
}
