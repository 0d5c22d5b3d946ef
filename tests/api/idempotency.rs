//! `Idempotency-Key`: sent twice, done once.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tieline_sandbox::{Act, Endpoint, Gate};
use tieline_store::Permission;
use tieline_tests::stage::eventually;

use crate::host::{Answer, Host};

const KEY: (&str, &str) = ("idempotency-key", "8e03978e-40d5-43dd-bc93-6894a57f9324");

fn is_replayed(answer: &Answer) -> bool {
    let replayed = answer.headers.get("idempotent-replayed");
    replayed.is_some_and(|it| it == "true")
}

async fn apps(host: &Host) -> Vec<Value> {
    let apps = host.get("/v1/apps").await.json();
    apps["apps"].as_array().unwrap().clone()
}

/// Fifty of the same at once, as often as it takes until each has the answer.
async fn fifty(host: &Host, path: &str, body: &Value) -> Vec<Answer> {
    let sent = (0..50).map(|_| async {
        loop {
            let answer = host.post(path, &[KEY], body).await;
            if answer.status != 409 {
                return answer;
            }
            assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
        }
    });
    join_all(sent).await
}

#[tokio::test]
async fn fifty_at_once_make_one_app() {
    let host = Host::new().await;
    // No name that another would be refused for: the key alone keeps it at one.
    let answers = fifty(&host, "/v1/apps", &json!({ "provider": "acme" })).await;
    assert!(answers.iter().all(|it| it.status == 201), "{answers:?}");
    assert!(answers.iter().all(|it| it.text == answers[0].text));
    assert_eq!(answers.iter().filter(|it| !is_replayed(it)).count(), 1);
    assert_eq!(apps(&host).await.len(), 1);
}

#[tokio::test]
async fn fifty_at_once_start_one_authorization() {
    let host = Host::new().await;
    let asked = json!({ "app": host.app("main").await, "user": "ada" });
    let answers = fifty(&host, "/v1/authorizations", &asked).await;
    let urls: Vec<_> = answers
        .iter()
        .map(|it| it.json()["authorization_url"].clone())
        .collect();
    assert!(urls.iter().all(|url| *url == urls[0] && url.is_string()));
    assert_eq!(answers.iter().filter(|it| !is_replayed(it)).count(), 1);
}

#[tokio::test]
async fn fifty_at_once_make_one_api_key_that_works() {
    let host = Host::new().await;
    let answers = fifty(&host, "/v1/api-keys", &json!({ "name": "ci" })).await;
    let key = answers[0].json()["key"].as_str().unwrap().to_owned();
    for answer in &answers {
        assert_eq!(answer.json()["key"], *key);
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    let all = host.get("/v1/api-keys").await.json();
    assert_eq!(all["api_keys"].as_array().unwrap().len(), 2);
    let bearer = format!("Bearer {key}");
    let bearer = [("authorization", bearer.as_str())];
    let asked = host.send("GET", "/v1/apps", &bearer, "").await;
    assert_eq!(asked.status, 200);
}

#[tokio::test]
async fn fifty_at_once_make_one_webhook() {
    let host = Host::new().await;
    let new = json!({ "url": "http://127.0.0.1:9/events" });
    let answers = fifty(&host, "/v1/webhooks", &new).await;
    assert!(answers.iter().all(|it| it.status == 201), "{answers:?}");
    assert!(answers.iter().all(|it| it.text == answers[0].text));
    assert_eq!(host.stage.engine.webhooks().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_tenant() {
    let host = Host::new().await;
    let new = json!({ "provider": "acme" });
    let first = host.post("/v1/apps", &[KEY], &new).await;
    assert_eq!(first.status, 201);
    let other = json!({ "provider": "acme", "name": "other" });
    let refused = host.post("/v1/apps", &[KEY], &other).await.problem(422);
    assert!(refused.contains("another request"), "{refused}");
    let elsewhere = host.post("/v1/tenants", &[KEY], &new).await.problem(422);
    assert_eq!(elsewhere, refused);
    // What was refused is not in the way of what was done.
    assert!(is_replayed(&host.post("/v1/apps", &[KEY], &new).await));

    host.stage.engine.create_tenant("b", None).await.unwrap();
    let b = host.another_key(Some("b"), Permission::ALL).await;
    let b = format!("Bearer {b}");
    let b = [KEY, ("authorization", b.as_str())];
    let of_b = host.post("/v1/apps", &b, &other).await;
    assert!(of_b.status == 201 && !is_replayed(&of_b), "{of_b:?}");

    // An API key that could not have made it does not get to see it.
    let lesser = host.another_key(None, &[Permission::Read]).await;
    let lesser = format!("Bearer {lesser}");
    let lesser = [KEY, ("authorization", lesser.as_str())];
    host.post("/v1/apps", &lesser, &new).await.problem(422);
    assert_eq!(apps(&host).await.len(), 1);
}

#[tokio::test]
async fn a_refusal_is_repeated_and_what_was_refused_for_now_is_not() {
    let host = Host::new().await;
    let unknown = json!({ "provider": "nobody" });
    let first = host.post("/v1/apps", &[KEY], &unknown).await;
    let detail = first.problem(404);
    let again = host.post("/v1/apps", &[KEY], &unknown).await;
    assert_eq!(again.problem(404), detail);
    assert!(!is_replayed(&first) && is_replayed(&again));
    assert_ne!(first.headers["x-request-id"], again.headers["x-request-id"]);

    let broken = host.stage.break_inserts("apps").await;
    let key = ("idempotency-key", "second");
    let new = json!({ "provider": "acme" });
    let failed = host.post("/v1/apps", &[key], &new).await;
    assert!(failed.status.is_server_error(), "{failed:?}");
    broken.mend().await;
    let done = host.post("/v1/apps", &[key], &new).await;
    assert!(done.status == 201 && !is_replayed(&done), "{done:?}");
}

#[tokio::test]
async fn who_goes_away_and_asks_again_is_told_what_came_of_it() {
    let host = Host::new().await;
    let app = host.app("main").await;
    let instance = host.stage.connect().await;
    let (_, refresh_token) = host.stage.tokens(&instance).await;
    let gate = Gate::new();
    host.stage
        .sandbox
        .script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
    let import = json!({ "app": app, "refresh_token": refresh_token });
    let body = import.to_string();
    let request = format!(
        "POST /v1/instances HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         {}: {}\r\ncontent-length: {}\r\n\r\n{body}",
        host.key,
        KEY.0,
        KEY.1,
        body.len()
    );
    let sent = host.send_and_leave(&request);
    tokio::join!(sent, gate.reached());
    let meanwhile = host.post("/v1/instances", &[KEY], &import).await;
    let detail = meanwhile.problem(409);
    assert!(detail.contains("being worked on"), "{detail}");
    assert_eq!(meanwhile.headers["retry-after"], "1");
    gate.release();
    let mut last = meanwhile;
    eventually("it is answered", async || {
        last = host.post("/v1/instances", &[KEY], &import).await;
        last.status != 409
    })
    .await;
    assert_eq!(last.status, 201, "{last:?}");
    assert!(is_replayed(&last));
    assert_eq!(host.stage.sandbox.ledger().refreshes(), 1);
}

#[tokio::test]
async fn what_a_crash_cut_off_is_not_done_again() {
    let host = Host::new().await;
    let new = json!({ "provider": "acme" });
    let done = host.post("/v1/apps", &[KEY], &new).await;
    assert_eq!(done.status, 201);
    // As a crash between the work and its answer leaves it.
    let cut = "UPDATE idempotency SET status = NULL, answer = NULL";
    host.stage.execute(cut).await;
    let soon = host.post("/v1/apps", &[KEY], &new).await;
    assert!(soon.problem(409).contains("being worked on"));

    host.stage.clock.advance(Duration::from_secs(15 * 60 + 1));
    let later = host.post("/v1/apps", &[KEY], &new).await;
    let detail = later.problem(409);
    assert!(
        detail.contains("look whether what it asked for is there"),
        "{detail}"
    );
    assert!(!later.headers.contains_key("retry-after"), "{later:?}");
    assert_eq!(apps(&host).await.len(), 1);
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day() {
    let host = Host::new().await;
    let new = json!({ "provider": "acme" });
    host.post("/v1/apps", &[KEY], &new).await;
    host.stage.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert!(is_replayed(&host.post("/v1/apps", &[KEY], &new).await));
    host.stage.clock.advance(Duration::from_secs(1));
    let later = host.post("/v1/apps", &[KEY], &new).await;
    // The name is taken by the first.
    assert_eq!(later.status, 409, "{later:?}");
    assert!(!is_replayed(&later));
}

#[tokio::test]
async fn only_what_makes_something_looks_at_the_key() {
    let host = Host::new().await;
    let new = json!({ "provider": "acme" });
    for bad in ["", "a b", &"a".repeat(256)] {
        let sent = host
            .post("/v1/apps", &[("idempotency-key", bad)], &new)
            .await;
        let detail = sent.problem(400);
        assert!(detail.contains("1 to 255"), "{detail}");
    }
    assert!(apps(&host).await.is_empty());
    let instance = host.stage.connect().await;
    let before = host.stage.sandbox.ledger().refreshes();
    let path = format!("/v1/instances/{}/refresh", instance.id);
    for _ in 0..2 {
        let refreshed = host.post(&path, &[KEY], &json!({})).await;
        assert!(
            refreshed.status == 200 && !is_replayed(&refreshed),
            "{refreshed:?}"
        );
    }
    assert_eq!(host.stage.sandbox.ledger().refreshes(), before + 2);
}
