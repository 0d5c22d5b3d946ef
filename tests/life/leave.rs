//! Leaving: revoked at the provider first, then forgotten.

use tieline_engine::{EngineError, Revocation};
use tieline_sandbox::{Act, Endpoint, Gate};
use tieline_store::Status;
use tieline_tests::script::{come_back_in, json};
use tieline_tests::stage::{Stage, eventually};

#[tokio::test]
async fn a_disconnected_account_is_revoked_and_gone() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let (access_token, refresh_token) = stage.tokens(&instance).await;
    let gone = stage
        .engine
        .instance(instance.id)
        .disconnect(false)
        .await
        .unwrap();
    assert_eq!(gone.revocation, Revocation::Revoked);
    let ledger = stage.sandbox.ledger();
    assert!(!ledger.is_current_refresh_token(&refresh_token.unwrap()));
    assert!(!ledger.is_live_access_token(&access_token));
    assert_eq!(ledger.grants_alive(), 0);
    let nothing = stage.engine.instance(instance.id).load().await.unwrap_err();
    assert!(matches!(nothing, EngineError::NoSuchInstance(_)));
}

#[tokio::test]
async fn an_unconfirmed_revocation_keeps_the_instance_for_another_try() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    let unavailable = come_back_in(503, 30);
    stage
        .sandbox
        .script(Endpoint::Revocation, unavailable.clone());
    let error = handle.disconnect(false).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(stage.load(&instance).await.status, Status::Deleting);
    assert!(matches!(
        handle.access_token().await.unwrap_err(),
        EngineError::Leaving(_)
    ));
    assert_eq!(
        stage.sandbox.ledger().grants_alive(),
        1,
        "still alive at the provider"
    );

    assert_eq!(
        handle.disconnect(false).await.unwrap().revocation,
        Revocation::Revoked
    );
    assert_eq!(stage.sandbox.ledger().grants_alive(), 0);

    let other = stage.connect().await;
    stage.sandbox.script(Endpoint::Revocation, unavailable);
    let gone = stage
        .engine
        .instance(other.id)
        .disconnect(true)
        .await
        .unwrap();
    assert_eq!(gone.revocation, Revocation::Unconfirmed);
    assert!(stage.engine.instance(other.id).load().await.is_err());
}

#[tokio::test]
async fn a_disconnect_waits_for_the_refresh_in_flight_and_revokes_what_it_brings() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let gate = Gate::new();
    stage
        .sandbox
        .script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
    let handle = stage.engine.instance(instance.id);
    let refreshing = handle.clone();
    let refresh = tokio::spawn(async move { refreshing.refresh().await });
    gate.reached().await;
    let leaving = tokio::spawn(async move { handle.disconnect(false).await });
    eventually("the instance is marked as leaving", async || {
        stage.load(&instance).await.status == Status::Deleting
    })
    .await;
    gate.release();
    assert_eq!(
        leaving.await.unwrap().unwrap().revocation,
        Revocation::Revoked
    );
    let _ = refresh.await.unwrap();
    assert_eq!(
        stage.sandbox.ledger().grants_alive(),
        0,
        "no fresh pair is left behind"
    );
}

#[tokio::test]
async fn a_provider_without_revocation_is_told_apart() {
    let stage = Stage::infusionsoft().await;
    let instance = stage.connect().await;
    let gone = stage
        .engine
        .instance(instance.id)
        .disconnect(false)
        .await
        .unwrap();
    assert_eq!(gone.revocation, Revocation::NotOffered);
    assert!(stage.engine.instance(instance.id).load().await.is_err());
}

#[tokio::test]
async fn a_pair_that_comes_back_to_a_deleted_instance_is_revoked() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let (gate, refresh) = stage.held_refresh(&instance).await;
    let store = stage.engine.store();
    store.begin_delete("default", instance.id).await.unwrap();
    assert!(store.delete_instance(instance.id, "revoked").await.unwrap());
    gate.release();
    let error = refresh.await.unwrap().unwrap_err();
    assert!(
        error.to_string().contains("there is no instance"),
        "{error}"
    );
    assert_eq!(stage.sandbox.ledger().grants_alive(), 0);
}

#[tokio::test]
async fn an_instance_that_needs_a_person_can_leave_too() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let (_, refresh_token) = stage.tokens(&instance).await;
    stage.sandbox.revoke_grant(&refresh_token.unwrap());
    stage
        .engine
        .instance(instance.id)
        .refresh()
        .await
        .unwrap_err();
    assert_eq!(
        stage.load(&instance).await.status,
        Status::ReconnectRequired
    );
    stage.sandbox.script(
        Endpoint::Revocation,
        json(400, r#"{"error":"invalid_token"}"#),
    );
    let gone = stage
        .engine
        .instance(instance.id)
        .disconnect(false)
        .await
        .unwrap();
    assert_eq!(
        gone.revocation,
        Revocation::Revoked,
        "what is dead already counts as revoked"
    );
}
