//! Every operation of the OpenAPI document is seen to answer with every status that it says, but for those that
//! `openapi_unseen.txt` names, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tieline_core::prelude::*;
use tieline_store::Permission;
use tieline_tests::stage::Stage;
use url::{Position, Url};

use crate::contract::operations;
use crate::host::{Answer, Host};
use crate::openapi;
use crate::openapi_trouble::{apps_out_of_step, dead_grants};

const UNSEEN: &str = include_str!("openapi_unseen.txt");

#[tokio::test]
async fn every_status_has_been_seen() {
    let host = Host::with_a_front_door(stage().await).await;
    openapi::ask_for_what_every_operation_refuses(&host).await;
    providers_and_health(&host).await;
    administration(&host).await;
    apps(&host).await;
    authorizations(&host).await;
    links(&host).await;
    devices(&host).await;
    instances(&host).await;
    once(&host).await;
    dead_grants(&host).await;
    apps_out_of_step(&host).await;

    let seen = host.seen.lock().unwrap().clone();
    let said: BTreeSet<_> = operations()
        .flat_map(|operation| {
            operation
                .statuses()
                .map(move |it| (operation.id().to_owned(), it.clone()))
        })
        .collect();
    let unseen = unseen();
    let excused = |(id, status): &&(String, String)| {
        unseen.contains_key(&(id.clone(), status.clone()))
            || unseen.contains_key(&("*".to_owned(), status.clone()))
    };
    let missing: Vec<_> = said.difference(&seen).filter(|it| !excused(it)).collect();
    assert!(missing.is_empty(), "nobody has seen {missing:#?}");
    let needless: Vec<_> = unseen
        .keys()
        .filter(|it| it.0 != "*" && seen.contains(it))
        .collect();
    assert!(needless.is_empty(), "{needless:?} have been seen");
    let strange: Vec<_> = unseen
        .keys()
        .filter(|it| it.0 != "*" && !said.contains(it))
        .collect();
    assert!(strange.is_empty(), "{strange:?} are not said");
}

/// Operation (`*` = any) and status, and why.
fn unseen() -> BTreeMap<(String, String), &'static str> {
    let lines = UNSEEN
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let mut words = line.splitn(3, ' ').map(str::trim);
            let (Some(id), Some(status), Some(why)) = (words.next(), words.next(), words.next())
            else {
                panic!("{line:?} is no operation, status and reason");
            };
            ((id.to_owned(), status.to_owned()), why)
        })
        .collect()
}

/// With a provider that knows two ways to connect.
async fn stage() -> Stage {
    let rules = |rules: &mut Value| {
        rules["device"] = json!({
            "path": "/oauth/device",
            "client_authentication": ["id"],
            "verification_uri": "/device",
        });
        rules["token"]["device"] = json!({ "client_authentication": ["id"] });
    };
    Stage::edited(rules, |descriptor| ProviderDescriptor {
        authentication: Authentication::AuthorizationCode(OAuth2 {
            device: Some(DeviceAuthorization::new(
                "https://acme.example/oauth/device",
            )),
            ..*descriptor.oauth2()
        }),
        ..descriptor
    })
    .await
}

fn path_and_query(url: &str) -> String {
    let url = Url::parse(url).unwrap();
    url[Position::BeforePath..Position::AfterQuery].to_owned()
}

#[track_caller]
pub(crate) fn answered(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    if answer.text.is_empty() {
        Value::Null
    } else {
        answer.json()
    }
}

pub(crate) async fn get(host: &Host, path: &str) -> Value {
    answered(&host.get(path).await, 200)
}

pub(crate) async fn post(host: &Host, path: &str, body: &Value, status: u16) -> Value {
    answered(&host.post(path, &[], body).await, status)
}

pub(crate) async fn act(host: &Host, path: &str, status: u16) -> Value {
    answered(&host.send("POST", path, &[], "").await, status)
}

async fn patch(host: &Host, path: &str, body: &Value, status: u16) -> Value {
    let json = ("content-type", "application/json");
    answered(
        &host.send("PATCH", path, &[json], &body.to_string()).await,
        status,
    )
}

pub(crate) async fn delete(host: &Host, path: &str, status: u16) -> Value {
    answered(&host.send("DELETE", path, &[], "").await, status)
}

async fn providers_and_health(host: &Host) {
    get(host, "/v1/providers").await;
    get(host, "/v1/providers/acme").await;
    get(host, "/healthz").await;
    get(host, "/readyz").await;
    get(host, "/openapi.json").await;
    assert_eq!(host.get("/metrics").await.status, 200);
    assert_eq!(host.get("/connected").await.status, 200);
}

async fn administration(host: &Host) {
    let key = post(
        host,
        "/v1/api-keys",
        &json!({ "name": "ci", "permissions": ["read"] }),
        201,
    )
    .await;
    post(host, "/v1/api-keys", &json!({ "tenant": "nobody" }), 404).await;
    get(host, "/v1/api-keys?limit=1").await;
    answered(&host.get("/v1/api-keys?tenant=nobody").await, 404);
    delete(host, &format!("/v1/api-keys/{}", key["api_key"]["id"]), 204).await;

    post(host, "/v1/tenants", &json!({ "id": "b", "name": "B" }), 201).await;
    post(host, "/v1/tenants", &json!({ "id": "b" }), 409).await;
    get(host, "/v1/tenants?limit=1").await;
    get(host, "/v1/tenants/b").await;
    patch(host, "/v1/tenants/b", &json!({ "name": null }), 200).await;
    let b = host.another_key(Some("b"), Permission::ALL).await;
    let b = format!("Bearer {b}");
    let of_b = [("authorization", b.as_str())];
    let new = json!({ "provider": "acme" });
    let app = answered(&host.post("/v1/apps", &of_b, &new).await, 201);
    delete(host, "/v1/tenants/b", 409).await;
    let app = format!("/v1/apps/{}", app["id"]);
    answered(&host.send("DELETE", &app, &of_b, "").await, 204);
    delete(host, "/v1/tenants/b", 204).await;

    let webhook = post(
        host,
        "/v1/webhooks",
        &json!({ "url": "http://127.0.0.1:9/events" }),
        201,
    )
    .await;
    let webhook = format!("/v1/webhooks/{}", webhook["id"]);
    get(host, "/v1/webhooks").await;
    get(host, &webhook).await;
    patch(host, &webhook, &json!({ "kinds": ["app.created"] }), 200).await;
    host.app("told").await;
    get(host, &format!("{webhook}/deliveries")).await;
    act(host, &format!("{webhook}/test"), 200).await;
    delete(host, &webhook, 204).await;
}

async fn apps(host: &Host) {
    let new = json!({ "provider": "acme", "name": "one" });
    let app = post(host, "/v1/apps", &new, 201).await;
    post(host, "/v1/apps", &new, 409).await;
    post(host, "/v1/apps", &json!({ "provider": "nobody" }), 404).await;
    let unknown = json!({ "provider": "acme", "name": "two", "parameters": { "colour": "red" } });
    post(host, "/v1/apps", &unknown, 422).await;
    let app = format!("/v1/apps/{}", app["id"]);
    get(host, "/v1/apps").await;
    answered(&host.get("/v1/apps?provider=nobody").await, 404);
    get(host, &app).await;
    get(host, &format!("{app}/wanted")).await;
    patch(
        host,
        &app,
        &json!({ "parameters": { "oauth.api.key": "k", "oauth.api.secret": "s" } }),
        200,
    )
    .await;
    patch(
        host,
        &app,
        &json!({ "parameters": { "colour": "red" } }),
        422,
    )
    .await;
    delete(host, &app, 204).await;
}

/// As far as the host's confirm URL, with the ticket.
pub(crate) async fn came_back(host: &Host, started: &Value) -> String {
    let url = started["authorization_url"].as_str().unwrap();
    let callback = host.stage.sandbox.consent(url).await.unwrap();
    let answer = host.get(&path_and_query(&callback)).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let location = answer.headers["location"].to_str().unwrap();
    let (_, ticket) = location.split_once("ticket=").unwrap();
    ticket.split('&').next().unwrap_or_default().to_owned()
}

async fn authorizations(host: &Host) {
    let app = host.app("main").await;
    let asked = json!({ "app": app, "user": "ada" });
    let started = post(host, "/v1/authorizations", &asked, 201).await;
    post(
        host,
        "/v1/authorizations",
        &json!({ "app": 7, "user": "ada" }),
        404,
    )
    .await;
    post(
        host,
        "/v1/authorizations",
        &json!({ "app": app, "user": "ada", "binding": "local" }),
        422,
    )
    .await;
    let confirm = format!("/v1/authorizations/{}/confirm", started["id"]);
    let ticket = came_back(host, &started).await;
    let done = post(
        host,
        &confirm,
        &json!({ "ticket": ticket, "user": "ada" }),
        200,
    )
    .await;
    assert_eq!(done["instance"]["user"], "ada");

    let started = post(host, "/v1/authorizations", &asked, 201).await;
    let confirm = format!("/v1/authorizations/{}/confirm", started["id"]);
    let ticket = came_back(host, &started).await;
    post(
        host,
        &confirm,
        &json!({ "ticket": ticket, "user": "eve" }),
        403,
    )
    .await;
}

async fn links(host: &Host) {
    let app = host.app("linked").await;
    post(host, "/v1/links", &json!({ "app": 7, "user": "ada" }), 404).await;
    let new = json!({ "app": app, "user": "ada" });
    let link = host.post("/v1/links", &[], &new).await;
    assert_eq!(link.status, 201, "{link:?}");
    let link = path_and_query(link.json()["url"].as_str().unwrap());
    assert_eq!(host.get(&link).await.status, 200);
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(host.send("POST", &link, &[form], "").await.status, 303);
}

async fn devices(host: &Host) {
    let app = host.app("devices").await;
    post(host, "/v1/device-authorizations", &json!({ "app": 7 }), 404).await;
    let started = post(
        host,
        "/v1/device-authorizations",
        &json!({ "app": app, "user": "ada" }),
        201,
    )
    .await;
    let poll = format!(
        "/v1/device-authorizations/{}/poll",
        started["id"].as_str().unwrap()
    );
    act(host, &poll, 200).await;
    let code = started["user_code"].as_str().unwrap();
    host.stage.sandbox.approve_device(code, None).unwrap();
    host.stage.clock.advance(Duration::from_secs(10));
    act(host, &poll, 200).await;
}

async fn instances(host: &Host) {
    let instance = host.stage.connect().await;
    let path = format!("/v1/instances/{}", instance.id);
    get(host, "/v1/instances?limit=1").await;
    answered(&host.get("/v1/instances?provider=nobody").await, 404);
    get(host, &path).await;
    patch(host, &path, &json!({ "name": "Books", "tags": ["a"] }), 200).await;
    patch(host, &path, &json!({ "tags": [""] }), 422).await;
    act(host, &format!("{path}/token"), 200).await;
    act(host, &format!("{path}/refresh"), 200).await;
    act(host, &format!("{path}/check"), 200).await;
    get(host, &format!("{path}/events?limit=1")).await;
    get(host, "/v1/events?limit=2").await;
    act(host, &format!("{path}/disable"), 200).await;
    act(host, &format!("{path}/token"), 409).await;
    act(host, &format!("{path}/check"), 409).await;
    call_by_every_method(host, &path, &[], 409).await;
    act(host, &format!("{path}/enable"), 200).await;
    calls(host, &path).await;

    let app = format!("/v1/apps/{}", instance.app);
    delete(host, &app, 409).await;
    delete(host, &path, 200).await;
}

async fn once(host: &Host) {
    for path in operations()
        .filter(|it| it.takes("header") && it.method == "post")
        .map(|it| it.path)
    {
        if path.contains("/call/") {
            continue;
        }
        let key = ("idempotency-key", path);
        let first = json!({ "provider": "acme", "name": "once" });
        host.post(path, &[key], &first).await;
        host.post(path, &[key], &json!({})).await.problem(422);
        let cut = "UPDATE idempotency SET status = NULL, answer = NULL";
        host.stage.execute(cut).await;
        host.post(path, &[key], &first).await;
    }
}

async fn calls(host: &Host, instance: &str) {
    for operation in operations().filter(|it| it.is_tagged("calls")) {
        let method = operation.method.to_uppercase();
        let call = format!("{instance}/call/me");
        let answer = host.send(&method, &call, &[], "").await;
        let is_the_providers = answer.headers.contains_key("tieline-answer-head");
        assert!(is_the_providers, "{answer:?}");
    }
    call_by_every_method(host, instance, &[("tieline-patience", "soon")], 400).await;
}

pub(crate) async fn call_by_every_method(
    host: &Host,
    instance: &str,
    headers: &[(&str, &str)],
    status: u16,
) {
    for operation in operations().filter(|it| it.is_tagged("calls")) {
        let method = operation.method.to_uppercase();
        let call = format!("{instance}/call/me");
        let answer = host.send(&method, &call, headers, "").await;
        assert_eq!(answer.status, status, "{method}: {answer:?}");
    }
}
