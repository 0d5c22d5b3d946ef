//! Failures that a provider tells under a status of success.

use serde_json::{Value, json};
use tieline_core::prelude::*;
use tieline_engine::{AuthorizeOptions, EngineError, Kind};
use tieline_sandbox::Endpoint;
use tieline_store::{Cause, Status};
use tieline_tests::script;
use tieline_tests::stage::{Stage, again, get};

/// The API answers 200 whatever happens, and says what in the body.
fn masked(rules: &mut Value) {
    let expired = json!({ "status": 200, "body": { "ok": false, "error": "token_expired" } });
    rules["api"]["errors"]["dead_token"] = expired;
    rules["api"]["routes"][0]["body"]["ok"] = true.into();
}

async fn stage() -> Stage {
    Stage::edited(masked, |descriptor| ProviderDescriptor {
        api: Api {
            masked_errors: Some(MaskedErrors {
                when: ErrorWhen::new("ok", "false"),
                code: "error",
                dead_access_token: &["token_expired", "token_revoked"],
            }),
            ..descriptor.api
        },
        ..descriptor
    })
    .await
}

fn calls(stage: &Stage) -> usize {
    stage.sandbox.ledger().requests_to(Endpoint::Api).count()
}

#[tokio::test]
async fn a_dead_token_under_200_makes_one_refresh_and_one_replay() {
    let stage = stage().await;
    let instance = stage.connect().await;
    let before = calls(&stage);
    stage.sandbox.expire_access_tokens();
    let handle = stage.engine.instance(instance.id);
    let answer = handle.call(get("/me")).await.unwrap();
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(
        (&body["ok"], &body["sub"]),
        (&json!(true), &json!("u-1001"))
    );
    assert_eq!(stage.sandbox.ledger().refreshes(), 1);
    assert_eq!(calls(&stage) - before, 2);
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn one_that_stays_dead_is_handed_on_after_one_refresh() {
    let stage = stage().await;
    let instance = stage.connect().await;
    let before = calls(&stage);
    let dead = r#"{"ok":false,"error":"token_revoked"}"#;
    for _ in 0..2 {
        stage.sandbox.script(Endpoint::Api, script::json(200, dead));
    }
    let handle = stage.engine.instance(instance.id);
    let answer = handle.call(get("/me")).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.body()[..]),
        (200, dead.as_bytes())
    );
    assert_eq!(stage.sandbox.ledger().refreshes(), 1);
    assert_eq!(calls(&stage) - before, 2);
}

#[tokio::test]
async fn everything_else_is_handed_on_untouched() {
    let stage = stage().await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    for (status, body) in [
        (200, r#"{"ok":false,"error":"channel_not_found"}"#),
        (200, r#"{"ok":false}"#),
        (200, r#"{"ok":true,"error":"token_expired"}"#),
        (200, r#"{"error":"token_expired"}"#),
        (200, r#"{"ok":false,"error":{"token_expired":1}}"#),
        (200, r#"["ok",false,"token_expired"]"#),
        (200, "token_expired"),
        (204, ""),
        (404, r#"{"ok":false,"error":"token_expired"}"#),
    ] {
        let before = calls(&stage);
        let scripted = script::json(status, body);
        stage.sandbox.script(Endpoint::Api, scripted);
        let answer = handle.call(get("/me")).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.body()[..]),
            (status, body.as_bytes())
        );
        assert_eq!(calls(&stage) - before, 1, "{body}");
    }
    let ledger = stage.sandbox.ledger();
    assert_eq!(ledger.token_requests("refresh_token"), 0);
    assert_eq!(stage.load(&instance).await.status, Status::Ok);
}

#[tokio::test]
async fn an_account_is_not_read_from_a_failure() {
    let stage = stage().await;
    let failure = r#"{"ok":false,"error":"team_access_not_granted","sub":"u-1002"}"#;
    stage
        .sandbox
        .script(Endpoint::Api, script::json(200, failure));
    let instance = stage.connect().await;
    assert_eq!(instance.account_id, None);
    stage
        .sandbox
        .script(Endpoint::Api, script::json(200, failure));
    let (arrival, callback) = stage.consented(again(&instance)).await;
    let told = stage.engine.call_back(&arrival, &callback).await;
    let told = told.unwrap_err();
    assert!(matches!(told, EngineError::Account { .. }), "{told}");
    assert!(
        told.to_string().contains("team_access_not_granted"),
        "{told}"
    );
    assert_eq!(stage.load(&instance).await.generation, 1);
    let account = stage.engine.instance(instance.id).check().await.unwrap();
    assert_eq!(account.id.as_deref(), Some("u-1001"));
}

#[tokio::test]
async fn without_a_refresh_token_a_dead_one_needs_a_person() {
    let stage = stage().await;
    let only = r#"{"access_token":"only","token_type":"bearer"}"#;
    stage
        .sandbox
        .script(Endpoint::Token, script::json(200, only));
    let (arrival, callback) = stage.consented(AuthorizeOptions::LOCAL).await;
    let instance = stage.engine.call_back(&arrival, &callback).await.unwrap();
    let handle = stage.engine.instance(instance.id);
    let ended = handle.call(get("/me")).await.unwrap_err();
    assert_eq!(ended.kind(), Kind::Reconnect, "{ended}");
    assert_eq!(stage.load(&instance).await.cause, Some(Cause::Revoked));
    assert_eq!(stage.sandbox.ledger().refreshes(), 0);
}
