//! What is the app's trouble is not its instances', and what nobody understands is tried a few times.

use std::time::Duration;

use tieline_core::Secret;
use tieline_core::parameters::Given;
use tieline_engine::{ImportOptions, Kind};
use tieline_sandbox::Endpoint;
use tieline_store::{Cause, Instance, Status};
use tieline_tests::script::json;
use tieline_tests::stage::Stage;

const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

async fn connected(stage: &Stage, count: usize) -> Vec<Instance> {
    let mut instances = Vec::new();
    for _ in 0..count {
        instances.push(stage.connect().await);
    }
    instances
}

async fn troubles(stage: &Stage) -> Vec<String> {
    let events = stage.engine.store().events("default", None, 500).await;
    events
        .unwrap()
        .into_iter()
        .map(|event| event.kind)
        .filter(|kind| ["app.refused", "app.recovered"].contains(&&**kind))
        .collect()
}

#[tokio::test]
async fn a_wrong_client_secret_marks_no_instance_and_is_told_once() {
    let stage = Stage::acme().await;
    let instances = connected(&stage, 30).await;
    let secret = stage.sandbox.client().1.to_owned();
    let stage = stage.with_secret("not the secret").await;
    stage.clock.advance(2 * HOUR);
    for instance in &instances {
        let error = stage.engine.instance(instance.id).access_token().await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration, "{error}");
        assert!(error.to_string().contains("Consumer Secret"), "{error}");
        assert_eq!(stage.load(instance).await.status, Status::Ok);
    }
    let requests = || stage.sandbox.ledger().token_requests("refresh_token");
    assert_eq!(requests(), 1, "one request found out");
    stage.clock.advance(MINUTE);
    for instance in &instances {
        let handle = stage.engine.instance(instance.id);
        handle.access_token().await.unwrap_err();
    }
    assert_eq!(requests(), 2, "now and then one tries");
    assert_eq!(troubles(&stage).await, ["app.refused"]);
    let trouble = stage.app().await.trouble.unwrap();
    assert!(trouble.contains("Consumer Secret"), "{trouble}");

    let stage = stage.with_secret(&secret).await;
    for instance in &instances {
        let handle = stage.engine.instance(instance.id);
        assert_eq!(handle.access_token().await.unwrap().generation, 2);
    }
    assert_eq!(stage.app().await.trouble, None);
    assert_eq!(troubles(&stage).await, ["app.recovered", "app.refused"]);
}

#[tokio::test]
async fn changed_parameters_are_tried_at_once() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(2 * HOUR);
    let wrong = json(401, r#"{"error":"invalid_client"}"#);
    stage.sandbox.script(Endpoint::Token, wrong);
    let handle = stage.engine.instance(instance.id);
    handle.access_token().await.unwrap_err();
    handle.access_token().await.unwrap_err();
    assert_eq!(stage.sandbox.ledger().token_requests("refresh_token"), 1);
    let app = stage.app().await;
    let same = stage.engine.app_own_parameters(&app).await.unwrap();
    stage.engine.set_app_parameters(&app, same).await.unwrap();
    assert_eq!(handle.access_token().await.unwrap().generation, 2);
}

#[tokio::test]
async fn two_instances_rejected_together_are_the_apps_trouble() {
    let stage = Stage::acme().await;
    let instances = connected(&stage, 3).await;
    stage.clock.advance(2 * HOUR);
    for _ in 0..2 {
        stage.sandbox.script(Endpoint::Token, json(403, "{}"));
    }
    for instance in &instances {
        let handle = stage.engine.instance(instance.id);
        handle.access_token().await.unwrap_err();
    }
    assert_eq!(
        stage.sandbox.ledger().token_requests("refresh_token"),
        2,
        "the third is not tried"
    );
    let rejections = [
        stage.load(&instances[0]).await.rejections,
        stage.load(&instances[1]).await.rejections,
    ];
    assert_eq!(rejections, [1, 1], "both rest");
    assert_eq!(troubles(&stage).await, ["app.refused"]);
    // So the next to try is one that was never rejected.
    stage.clock.advance(Duration::from_secs(1));
    for instance in &instances[..2] {
        let handle = stage.engine.instance(instance.id);
        handle.access_token().await.unwrap_err();
    }
    let healthy = stage.engine.instance(instances[2].id);
    assert_eq!(healthy.access_token().await.unwrap().generation, 2);
    assert_eq!(troubles(&stage).await, ["app.recovered", "app.refused"]);
}

#[tokio::test]
async fn what_nobody_understands_is_tried_five_times_over_a_day() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.clock.advance(2 * HOUR);
    let mut handle = stage.engine.instance(instance.id);
    let mut stage = stage;
    let requests = |stage: &Stage| stage.sandbox.ledger().token_requests("refresh_token");
    for (number, wait) in [15, 105, 6 * 60, 16 * 60].into_iter().enumerate() {
        stage.sandbox.script(Endpoint::Token, json(403, "{}"));
        handle.access_token().await.unwrap_err();
        assert_eq!(requests(&stage), number + 1);
        let stored = stage.load(&instance).await;
        assert_eq!(
            (stored.status, stored.rejections),
            (Status::Ok, number as i64 + 1)
        );
        stage.clock.advance(wait * MINUTE - Duration::from_secs(1));
        let error = handle.access_token().await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert_eq!(requests(&stage), number + 1, "too early");
        // A restart forgets nothing of it.
        stage = stage.reopened().await;
        handle = stage.engine.instance(instance.id);
        handle.access_token().await.unwrap_err();
        stage.clock.advance(Duration::from_secs(1));
    }
    stage.sandbox.script(Endpoint::Token, json(403, "{}"));
    let error = handle.access_token().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Reconnect, "{error}");
    assert_eq!(stage.load(&instance).await.cause, Some(Cause::Rejected));
    assert_eq!(requests(&stage), 5);
}

#[tokio::test]
async fn two_imports_of_rubbish_are_not_the_apps_fault() {
    let stage = Stage::acme().await;
    let well = stage.connect().await;
    for name in ["one", "two", "three"] {
        stage.sandbox.script(Endpoint::Token, json(403, "{}"));
        let rubbish = ImportOptions {
            refresh_token: Secret::new(format!("rubbish {name}")),
            instance_name: None,
            user: None,
            tags: Vec::new(),
            parameters: Given::new(),
        };
        let refused = stage.engine.import(&stage.app().await, rubbish).await;
        let refused = refused.unwrap_err();
        assert_ne!(refused.kind(), Kind::Configuration, "{refused}");
    }
    assert_eq!(stage.app().await.trouble, None);
    assert_eq!(stage.instances().await.len(), 1);
    stage.clock.advance(2 * HOUR);
    let handle = stage.engine.instance(well.id);
    assert_eq!(handle.access_token().await.unwrap().generation, 2);
}
