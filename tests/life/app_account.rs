//! Where the app is the account: its own credentials bring tokens, again and again (RFC 6749 section 4.4).

use std::time::Duration;

use serde_json::{Value, json};
use tieline_core::prelude::*;
use tieline_engine::{AuthorizeOptions, Kind, Revocation};
use tieline_sandbox::{Act, Endpoint, Outcome};
use tieline_store::{Instance, Status};
use tieline_tests::script;
use tieline_tests::stage::{Stage, get, given};

const HOUR: Duration = Duration::from_secs(60 * 60);
const LONGEST_REST: Duration = Duration::from_secs(5 * 60);

/// Nobody consents, and there are no refresh tokens.
fn without_people(rules: &mut Value) {
    rules["authorization"] = Value::Null;
    let token = &mut rules["token"];
    for part in [
        "exchange",
        "refresh",
        "refresh_token_reuse",
        "old_access_token_dies",
        "refresh_token_lifetime_seconds",
    ] {
        token[part] = Value::Null;
    }
    token["client_credentials"] = json!({ "client_authentication": ["basic"] });
    for (place, part) in [("errors", "dead_refresh_token"), ("answer", "body")] {
        let fields = token[place].as_object_mut().unwrap();
        if place == "errors" {
            fields.remove(part);
        } else {
            fields[part]
                .as_object_mut()
                .unwrap()
                .remove("refresh_token");
        }
    }
}

async fn stage() -> Stage {
    const MAPPINGS: &[ParameterMapping] = &[
        ParameterMapping::api_key("Consumer Key"),
        ParameterMapping::api_secret("Consumer Secret"),
    ];
    Stage::edited(without_people, |descriptor| ProviderDescriptor {
        authentication: Authentication::ClientCredentials(OAuth2 {
            rotation: Rotation {
                rotates: Rotates::NoRefreshToken,
                ..Rotation::UNKNOWN
            },
            ..*descriptor.oauth2()
        }),
        mappings: MAPPINGS,
        ..descriptor
    })
    .await
}

async fn connected() -> (Stage, Instance) {
    let stage = stage().await;
    let instance = stage.give(given([])).await.unwrap();
    (stage, instance)
}

fn issued(stage: &Stage) -> usize {
    stage.sandbox.ledger().count(Outcome::ClientTokenIssued)
}

#[tokio::test]
async fn the_apps_credentials_are_the_account() {
    let (stage, instance) = connected().await;
    assert_eq!((instance.status, instance.generation), (Status::Ok, 1));
    assert_eq!(instance.account_id.as_deref(), Some("u-1001"));
    assert!(!instance.has_refresh_token && instance.expires_at.is_some());
    assert_eq!(instance.scopes, ["read", "offline_access"]);
    let ledger = stage.sandbox.ledger();
    let asked: Vec<_> = ledger.requests_to(Endpoint::Token).collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].grant_type.as_deref(), Some("client_credentials"));
    assert_eq!(asked[0].params, ["grant_type", "scope"]);
    assert!(ledger.is_live_access_token(&stage.tokens(&instance).await.0));

    let app = stage.app().await;
    let refused = stage.engine.authorize(&app, AuthorizeOptions::LOCAL).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "acme: accounts are not connected so: the app's own credentials are the account"
    );
}

#[tokio::test]
async fn a_wrong_secret_stores_nothing() {
    let stage = stage().await.with_secret("wrong-CANARY").await;
    let refused = stage.give(given([])).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Configuration, "{refused}");
    assert!(!refused.to_string().contains("CANARY"), "{refused}");
    assert_eq!((issued(&stage), stage.instances().await.len()), (0, 0));
}

#[tokio::test]
async fn many_callers_on_an_expired_token_ask_once_for_another() {
    let (stage, instance) = connected().await;
    stage.clock.advance(HOUR);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let handle = stage.engine.instance(instance.id);
        callers.spawn(async move { handle.call(get("/me")).await.unwrap().status() });
    }
    let statuses = callers.join_all().await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(issued(&stage), 2, "one to connect, one for all of them");
    let ledger = stage.sandbox.ledger();
    assert_eq!(ledger.token_requests("client_credentials"), 2);
    let stored = stage.load(&instance).await;
    assert_eq!((stored.generation, stored.intent), (2, None));
}

#[tokio::test]
async fn a_401_brings_one_new_token_and_one_replay() {
    let (stage, instance) = connected().await;
    stage.sandbox.expire_access_tokens();
    let handle = stage.engine.instance(instance.id);
    assert_eq!(handle.call(get("/me")).await.unwrap().status(), 200);
    let ledger = stage.sandbox.ledger();
    let answers = ledger.requests_to(Endpoint::Api).skip(1);
    let statuses: Vec<_> = answers.map(|call| call.status).collect();
    assert_eq!(statuses, [Some(401), Some(200)]);
    assert_eq!(issued(&stage), 2);

    for _ in 0..2 {
        stage.sandbox.script(Endpoint::Api, script::json(401, "{}"));
    }
    assert_eq!(handle.call(get("/me")).await.unwrap().status(), 401);
    assert_eq!(issued(&stage), 3, "one more, and no more");
    assert_eq!(stage.load(&instance).await.status, Status::Ok);
}

#[tokio::test]
async fn whatever_comes_of_asking_nothing_is_lost() {
    for (act, kind) in [
        (Act::ResetBeforeWork, Kind::Unavailable),
        (Act::CommitThenReset, Kind::Unavailable),
        (Act::CommitThenCut { after: 10 }, Kind::Unavailable),
        (script::answer(500, "text/plain", "oops"), Kind::Unavailable),
        (script::json(200, "[]"), Kind::Unavailable),
        (script::come_back_in(503, 30), Kind::Unavailable),
        (
            script::json(401, r#"{"error":"invalid_client"}"#),
            Kind::Configuration,
        ),
        (
            script::json(400, r#"{"error":"invalid_grant"}"#),
            Kind::Configuration,
        ),
    ] {
        let (stage, instance) = connected().await;
        stage.clock.advance(HOUR);
        stage.sandbox.script(Endpoint::Token, act);
        let handle = stage.engine.instance(instance.id);
        let told = handle.access_token().await.unwrap_err();
        assert_eq!(told.kind(), kind, "{told}");
        let stored = stage.load(&instance).await;
        assert_eq!(
            (stored.status, stored.uncertain, stored.intent, stored.lease),
            (Status::Ok, false, None, None),
            "{told}"
        );
        stage.clock.advance(LONGEST_REST);
        let token = handle.access_token().await.unwrap();
        assert_eq!(token.generation, 2);
        let ledger = stage.sandbox.ledger();
        assert!(ledger.is_live_access_token(token.token.expose()));
    }
}

#[tokio::test]
async fn the_app_leaves_by_revoking_its_token() {
    let (stage, instance) = connected().await;
    let (token, _) = stage.tokens(&instance).await;
    let handle = stage.engine.instance(instance.id);
    let gone = handle.disconnect(false).await.unwrap();
    assert_eq!(gone.revocation, Revocation::Revoked);
    let ledger = stage.sandbox.ledger();
    assert!(!ledger.is_live_access_token(&token));
    assert_eq!(ledger.requests_to(Endpoint::Revocation).count(), 1);
}
