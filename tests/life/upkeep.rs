//! What an engine does by itself.

use std::time::Duration;

use tieline_core::prelude::*;
use tieline_engine::{AuthorizeOptions, EngineError, Round};
use tieline_sandbox::Endpoint;
use tieline_store::Status;
use tieline_tests::script::come_back_in;
use tieline_tests::stage::Stage;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// A provider whose refresh tokens live for thirty days, as its documentation says.
async fn forgetful() -> Stage {
    Stage::acme_with(|descriptor| {
        let oauth2 = descriptor.oauth2();
        ProviderDescriptor {
            authentication: Authentication::AuthorizationCode(OAuth2 {
                rotation: Rotation {
                    refresh_token_lifetime: Stated::Known(30 * DAY),
                    ..oauth2.rotation
                },
                ..*oauth2
            }),
            ..descriptor
        }
    })
    .await
}

#[tokio::test]
async fn refresh_tokens_that_would_die_unused_are_used_in_time() {
    let stage = forgetful().await;
    let mut instances = Vec::new();
    for _ in 0..20 {
        instances.push(stage.connect().await);
    }
    stage.clock.advance(15 * DAY - MINUTE);
    assert_eq!(stage.engine.look_after().await.unwrap(), Round::default());
    let mut kept_alive = 0;
    let mut rounds = 0;
    for _ in 0..37 {
        stage.clock.advance(DAY / 12);
        let round = stage.engine.look_after().await.unwrap();
        kept_alive += round.kept_alive;
        rounds += u64::from(round.kept_alive > 0);
    }
    assert_eq!(kept_alive, 20, "each once");
    assert!(rounds > 5, "spread over {rounds} rounds");
    assert_eq!(stage.sandbox.ledger().max_in_flight_of_any(), 1);
    assert!(stage.sandbox.ledger().max_in_flight_overall() <= 4);
    for instance in &instances {
        assert!(stage.holds_the_current_refresh_token(instance).await);
    }
    stage.clock.advance(20 * DAY);
    stage.engine.look_after().await.unwrap();
    assert_eq!(stage.sandbox.ledger().grants_alive(), 20);
}

#[tokio::test]
async fn a_copy_that_was_not_adopted_keeps_nothing_alive() {
    let stage = forgetful().await;
    stage.connect().await;
    let stage = stage.restored().await;
    stage.clock.advance(25 * DAY);
    assert_eq!(stage.engine.look_after().await.unwrap(), Round::default());
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 0);
    stage.engine.store().adopt().await.unwrap();
    assert_eq!(stage.engine.look_after().await.unwrap().kept_alive, 1);
}

#[tokio::test]
async fn a_disconnect_that_was_cut_off_is_finished() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    for _ in 0..2 {
        stage
            .sandbox
            .script(Endpoint::Revocation, come_back_in(503, 30));
    }
    handle.disconnect(false).await.unwrap_err();
    assert_eq!(stage.engine.look_after().await.unwrap(), Round::default());
    stage.clock.advance(MINUTE);
    let round = stage.engine.look_after().await.unwrap();
    assert_eq!((round.left, round.failed), (0, 1));
    assert_eq!(
        stage.engine.look_after().await.unwrap(),
        Round::default(),
        "the provider is not pestered"
    );
    stage.clock.advance(MINUTE);
    assert_eq!(stage.engine.look_after().await.unwrap().left, 1);
    assert_eq!(stage.sandbox.ledger().grants_alive(), 0);
    handle.load().await.unwrap_err();
}

#[tokio::test]
async fn after_a_day_an_instance_goes_without_the_providers_word() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    for _ in 0..40 {
        stage
            .sandbox
            .script(Endpoint::Revocation, come_back_in(503, 30));
    }
    let handle = stage.engine.instance(instance.id);
    handle.disconnect(false).await.unwrap_err();
    for _ in 0..23 {
        stage.clock.advance(60 * MINUTE);
        stage.engine.look_after().await.unwrap();
    }
    assert_eq!(stage.load(&instance).await.status, Status::Deleting);
    stage.clock.advance(60 * MINUTE);
    assert_eq!(stage.engine.look_after().await.unwrap().left, 1);
    handle.load().await.unwrap_err();
    let events = handle.events(5).await.unwrap();
    assert_eq!(events[0].detail["revocation"], "unconfirmed");
}

#[tokio::test]
async fn what_has_expired_is_forgotten_a_day_later() {
    let stage = Stage::acme().await;
    let (arrival, late) = stage.consented(AuthorizeOptions::LOCAL).await;
    let (_, forgotten) = stage.consented(AuthorizeOptions::LOCAL).await;
    stage.clock.advance(DAY);
    stage.engine.look_after().await.unwrap();
    let told = stage.engine.call_back(&arrival, &late).await.unwrap_err();
    assert!(
        matches!(told, EngineError::AuthorizationExpired { .. }),
        "{told}"
    );
    stage.clock.advance(60 * MINUTE);
    stage.engine.look_after().await.unwrap();
    let told = stage.engine.call_back(&arrival, &forgotten).await;
    let told = told.unwrap_err();
    assert!(matches!(told, EngineError::UnknownState), "{told}");
}
