//! What operations answer when a grant is dead, and when the operator's endpoints are others than an app was registered for.

use std::time::Duration;

use serde_json::json;
use tieline_sandbox::{Act, Endpoint};
use tieline_tests::script;

use crate::host::Host;
use crate::openapi_story::{act, answered, call_by_every_method, came_back, delete, post};

/// The provider says that what it is brought is over.
fn dead() -> Act {
    script::json(400, "{\"error\": \"invalid_grant\"}")
}

pub(crate) async fn dead_grants(host: &Host) {
    let sandbox = &host.stage.sandbox;
    let app = host.app("dead").await;
    let asked = json!({ "app": app, "user": "ada" });
    let started = post(host, "/v1/authorizations", &asked, 201).await;
    let confirm = format!("/v1/authorizations/{}/confirm", started["id"]);
    let ticket = came_back(host, &started).await;
    sandbox.script(Endpoint::Token, dead());
    post(
        host,
        &confirm,
        &json!({ "ticket": ticket, "user": "ada" }),
        409,
    )
    .await;

    let started = post(host, "/v1/device-authorizations", &asked, 201).await;
    let poll = format!(
        "/v1/device-authorizations/{}/poll",
        started["id"].as_str().unwrap()
    );
    sandbox.script(Endpoint::Token, dead());
    act(host, &poll, 409).await;

    let instance = host.stage.connect().await;
    let (_, refresh_token) = host.stage.tokens(&instance).await;
    let import = json!({ "app": app, "refresh_token": refresh_token });
    post(host, "/v1/instances", &import, 201).await;
    post(host, "/v1/instances", &json!({ "app": 7 }), 404).await;
    act(host, &format!("/v1/instances/{}/refresh", instance.id), 409).await;
}

/// The operator's endpoints are no longer those that the apps were registered for.
pub(crate) async fn apps_out_of_step(host: &Host) {
    let instance = host.stage.connect().await;
    let path = format!("/v1/instances/{}", instance.id);
    let app = host.app("out of step").await;
    let asked = json!({ "app": app, "user": "ada" });
    let started = post(host, "/v1/authorizations", &asked, 201).await;
    let confirm = format!("/v1/authorizations/{}/confirm", started["id"]);
    let ticket = came_back(host, &started).await;
    let device = post(host, "/v1/device-authorizations", &asked, 201).await;
    let poll = format!(
        "/v1/device-authorizations/{}/poll",
        device["id"].as_str().unwrap()
    );

    let other =
        "UPDATE apps SET endpoints = '{\"oauth.token.url\": \"https://elsewhere.example\"}'";
    host.stage.execute(other).await;
    post(
        host,
        &confirm,
        &json!({ "ticket": ticket, "user": "ada" }),
        422,
    )
    .await;
    act(host, &poll, 422).await;
    answered(&host.get(&format!("/v1/apps/{app}/wanted")).await, 422);
    // When the token is due, and what was ready is not any more.
    host.stage.clock.advance(Duration::from_secs(48 * 60 * 60));
    act(host, &format!("{path}/refresh"), 422).await;
    act(host, &format!("{path}/token"), 422).await;
    act(host, &format!("{path}/check"), 422).await;
    call_by_every_method(host, &path, &[], 422).await;
    delete(host, &path, 422).await;
}
