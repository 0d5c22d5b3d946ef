//! Connecting with a code that is typed on another device (RFC 8628).

use std::time::Duration;

use serde_json::{Value, json};
use tieline_core::prelude::*;
use tieline_engine::{
    AuthorizeOptions, DevicePolled, DeviceRefusal, DeviceStarted, EngineError, Kind,
};
use tieline_sandbox::{Act, ClientAuth, Endpoint, Gate, Outcome};
use tieline_store::{Instance, Status};
use tieline_tests::script;
use tieline_tests::stage::{Stage, again, eventually, get};
use tokio::task::JoinHandle;

const FIVE: Duration = Duration::from_secs(5);

fn with_devices(rules: &mut Value) {
    rules["device"] = json!({
        "path": "/oauth/device",
        "client_authentication": ["id"],
        "verification_uri": "/device",
    });
    rules["token"]["device"] = json!({ "client_authentication": ["id"] });
}

/// A provider that knows no other way to connect.
async fn stage() -> Stage {
    Stage::edited(with_devices, |descriptor| ProviderDescriptor {
        authentication: Authentication::DeviceAuthorization(OAuth2 {
            device: Some(DeviceAuthorization::new(
                "https://acme.example/oauth/device",
            )),
            ..*descriptor.oauth2()
        }),
        ..descriptor
    })
    .await
}

async fn started(stage: &Stage, options: AuthorizeOptions) -> DeviceStarted {
    let app = stage.app().await;
    stage.engine.authorize_device(&app, options).await.unwrap()
}

/// A device whose user has approved, and that has not asked yet.
async fn approved(stage: &Stage, options: AuthorizeOptions, account: &str) -> DeviceStarted {
    let device = started(stage, options).await;
    let approved = stage
        .sandbox
        .approve_device(&device.user_code, Some(account));
    approved.unwrap();
    device
}

async fn poll(stage: &Stage, device: &DeviceStarted) -> Result<DevicePolled, EngineError> {
    stage.engine.poll_device(device).await
}

/// A poll whose grant is given, while its answer is held.
async fn held_poll(
    stage: &Stage,
    device: &DeviceStarted,
) -> (Gate, JoinHandle<Result<DevicePolled, EngineError>>) {
    let gate = Gate::new();
    stage
        .sandbox
        .script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
    let (engine, polled) = (stage.engine.clone(), device.clone());
    let caller = tokio::spawn(async move { engine.poll_device(&polled).await });
    gate.reached().await;
    (gate, caller)
}

/// How long to wait after a poll that brought nothing.
async fn pending(stage: &Stage, device: &DeviceStarted) -> Duration {
    match poll(stage, device).await.unwrap() {
        DevicePolled::Pending(interval) => interval,
        DevicePolled::Connected(instance) => panic!("{instance:?}"),
    }
}

async fn connected(stage: &Stage, device: &DeviceStarted) -> Instance {
    match poll(stage, device).await.unwrap() {
        DevicePolled::Connected(instance) => *instance,
        DevicePolled::Pending(interval) => panic!("{interval:?}"),
    }
}

fn polls(stage: &Stage) -> usize {
    stage.sandbox.ledger().requests_to(Endpoint::Token).count()
}

#[tokio::test]
async fn from_a_code_to_an_account() {
    let stage = stage().await;
    let device = started(&stage, AuthorizeOptions::LOCAL).await;
    assert_eq!(device.interval, FIVE);
    assert_eq!(device.scopes, ["read", "offline_access"]);
    let page = format!("{}/device", stage.sandbox.base_url());
    assert_eq!(device.verification_uri, page);
    assert_eq!(
        device.verification_uri_complete,
        Some(format!("{page}?user_code={}", device.user_code))
    );
    assert!(!format!("{device:?}").contains(&device.user_code));

    for _ in 0..2 {
        assert_eq!(pending(&stage, &device).await, FIVE);
        assert_eq!(polls(&stage), 1, "nobody is asked too early");
    }
    stage.clock.advance(FIVE);
    let slow_down = script::json(400, r#"{"error":"slow_down"}"#);
    stage.sandbox.script(Endpoint::Token, slow_down);
    let slower = pending(&stage, &device).await;
    assert_eq!(slower, 2 * FIVE);
    stage.clock.advance(slower);
    assert_eq!(pending(&stage, &device).await, slower, "it stays slower");
    let ledger = stage.sandbox.ledger();
    assert_eq!((ledger.count(Outcome::Pending), polls(&stage)), (2, 3));
    assert_eq!(stage.instances().await.len(), 0);

    stage.clock.advance(slower);
    let approved = stage.sandbox.approve_device(&device.user_code, None);
    approved.unwrap();
    let instance = connected(&stage, &device).await;
    assert_eq!((instance.status, instance.generation), (Status::Ok, 1));
    assert_eq!(instance.account_id.as_deref(), Some("u-1001"));
    assert!(stage.holds_the_current_refresh_token(&instance).await);
    let ledger = stage.sandbox.ledger();
    let asked = ledger.requests_to(Endpoint::Token).last().unwrap();
    assert_eq!(asked.client_auth, ClientAuth::Id);
    assert_eq!(asked.params, ["grant_type", "device_code", "client_id"]);

    let handle = stage.engine.instance(instance.id);
    assert_eq!(handle.refresh().await.unwrap().generation, 2);
    assert_eq!(handle.call(get("/me")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_denial_is_told_and_stores_nothing() {
    let stage = stage().await;
    let device = started(&stage, AuthorizeOptions::LOCAL).await;
    stage.sandbox.deny_device(&device.user_code).unwrap();
    let told = poll(&stage, &device).await.unwrap_err();
    assert!(
        matches!(told, EngineError::Device(DeviceRefusal::Denied { .. })),
        "{told}"
    );
    let over = poll(&stage, &device).await.unwrap_err();
    assert!(matches!(over, EngineError::DeviceOver { .. }), "{over}");
    assert_eq!((polls(&stage), stage.instances().await.len()), (1, 0));
}

#[tokio::test]
async fn after_its_time_a_code_is_not_asked_for() {
    let stage = stage().await;
    let device = approved(&stage, AuthorizeOptions::LOCAL, "ada").await;
    stage.clock.advance(Duration::from_secs(15 * 60));
    let told = poll(&stage, &device).await.unwrap_err();
    assert!(
        matches!(told, EngineError::Device(DeviceRefusal::Expired { .. })),
        "{told}"
    );
    assert_eq!((polls(&stage), stage.instances().await.len()), (0, 0));
}

#[tokio::test]
async fn a_server_that_fails_is_asked_half_as_often() {
    let stage = stage().await;
    let device = approved(&stage, AuthorizeOptions::LOCAL, "ada").await;
    stage.sandbox.script(Endpoint::Token, Act::ResetBeforeWork);
    assert_eq!(pending(&stage, &device).await, 2 * FIVE);
    stage.clock.advance(2 * FIVE);
    let busy = script::come_back_in(503, 40);
    stage.sandbox.script(Endpoint::Token, busy);
    assert_eq!(pending(&stage, &device).await, 8 * FIVE);
    stage.clock.advance(8 * FIVE);
    let instance = connected(&stage, &device).await;
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn a_refusal_before_there_is_a_code_is_told() {
    let stage = stage().await;
    let refused = script::json(401, r#"{"error":"invalid_client"}"#);
    stage.sandbox.script(Endpoint::Device, refused);
    let app = stage.app().await;
    let told = stage.engine.authorize_device(&app, AuthorizeOptions::LOCAL);
    let told = told.await.unwrap_err();
    assert_eq!(told.kind(), Kind::Configuration, "{told}");

    let told = stage.engine.authorize(&app, AuthorizeOptions::LOCAL).await;
    assert_eq!(
        told.unwrap_err().to_string(),
        "acme: accounts are not connected so: a person types a code on another device"
    );
}

#[tokio::test]
async fn a_caller_who_leaves_loses_no_grant() {
    let stage = stage().await;
    let device = approved(&stage, AuthorizeOptions::LOCAL, "ada").await;
    let (gate, caller) = held_poll(&stage, &device).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    assert_eq!(stage.instances().await.len(), 0);
    gate.release();
    eventually("the grant is stored", async || {
        let stored = stage.instances().await.pop();
        stored.is_some_and(|instance| instance.account_id.is_some())
    })
    .await;
    let instance = connected(&stage, &device).await;
    assert!(stage.holds_the_current_refresh_token(&instance).await);
    assert_eq!((polls(&stage), stage.instances().await.len()), (1, 1));
}

#[tokio::test]
async fn a_shutdown_waits_for_a_poll_that_brings_a_grant() {
    let stage = stage().await;
    let late = started(&stage, AuthorizeOptions::LOCAL).await;
    let device = approved(&stage, AuthorizeOptions::LOCAL, "ada").await;
    let (gate, caller) = held_poll(&stage, &device).await;
    let shutting_down = stage.begin_shutdown();
    eventually("polls are refused", async || {
        matches!(poll(&stage, &late).await, Err(EngineError::ShuttingDown))
    })
    .await;
    assert!(!shutting_down.is_finished());
    gate.release();
    shutting_down.await.unwrap();
    let _ = caller.await.unwrap();
    let stage = stage.reopened().await;
    let instance = stage.instances().await.remove(0);
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn a_poll_after_connecting_is_told_the_same_and_asks_nobody() {
    let stage = stage().await;
    let device = approved(&stage, AuthorizeOptions::LOCAL, "ada").await;
    let instance = connected(&stage, &device).await;
    let told = connected(&stage, &device).await;
    assert_eq!((told.id, told.generation), (instance.id, 1));
    assert_eq!((polls(&stage), stage.instances().await.len()), (1, 1));
    assert!(stage.holds_the_current_refresh_token(&instance).await);

    let handle = stage.engine.instance(instance.id);
    handle.disconnect(false).await.unwrap();
    let gone = poll(&stage, &device).await.unwrap_err();
    assert!(matches!(gone, EngineError::NoSuchInstance(_)), "{gone}");
}

#[tokio::test]
async fn an_instance_is_connected_again_by_its_own_account_alone() {
    let stage = stage().await;
    let device = approved(&stage, AuthorizeOptions::LOCAL, "ada").await;
    let instance = connected(&stage, &device).await;
    let others = approved(&stage, again(&instance), "grace").await;
    let refused = poll(&stage, &others).await.unwrap_err();
    assert!(
        matches!(refused, EngineError::DifferentAccount { .. }),
        "{refused}"
    );
    assert_eq!(stage.load(&instance).await.generation, 1);

    let own = approved(&stage, again(&instance), "ada").await;
    let back = connected(&stage, &own).await;
    assert_eq!((back.id, back.generation), (instance.id, 2));
    assert_eq!(stage.instances().await.len(), 1);
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn a_provider_without_devices_says_how_else() {
    let stage = Stage::acme().await;
    let app = stage.app().await;
    let refused = stage.engine.authorize_device(&app, AuthorizeOptions::LOCAL);
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, EngineError::OtherWay { .. }), "{refused}");
    assert_eq!(stage.sandbox.ledger().requests().len(), 0);
}

#[tokio::test]
async fn an_app_that_is_gone_or_anothers_is_not_polled_for() {
    let stage = stage().await;
    let device = approved(&stage, AuthorizeOptions::LOCAL, "ada").await;
    let theirs = stage.engine.for_tenant("theirs");
    let refused = theirs.poll_device(&device).await.unwrap_err();
    assert!(matches!(refused, EngineError::NoSuchApp(_)), "{refused}");
    stage.engine.delete_app(stage.app().await.id).await.unwrap();
    let refused = poll(&stage, &device).await.unwrap_err();
    assert!(matches!(refused, EngineError::NoSuchApp(_)), "{refused}");
    assert_eq!(polls(&stage), 0, "the grant is not spent");
}

#[tokio::test]
async fn an_app_that_goes_while_the_provider_answers_holds_nobody_up() {
    let stage = stage().await;
    let device = approved(&stage, AuthorizeOptions::LOCAL, "ada").await;
    let (gate, caller) = held_poll(&stage, &device).await;
    stage.engine.delete_app(stage.app().await.id).await.unwrap();
    gate.release();
    let refused = caller.await.unwrap().unwrap_err();
    assert!(matches!(refused, EngineError::Store(_)), "{refused}");
    stage.engine.shutdown().await;
}
