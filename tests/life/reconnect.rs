//! Reconnecting an instance: the same account, and the newer consent goes before everything else.

use serde_json::json;
use tieline_core::http::CallbackQuery;
use tieline_core::prelude::*;
use tieline_engine::{Arrival, EngineError};
use tieline_sandbox::{Act, Endpoint, Gate};
use tieline_store::QuarantineKind;
use tieline_tests::script;
use tieline_tests::stage::{Stage, again, query};

#[tokio::test]
async fn the_account_stays_the_same_when_an_instance_is_reconnected() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let started = stage.start(again(&instance)).await;
    let callback = stage
        .sandbox
        .consent_as(&started.authorization_url, "grace")
        .await
        .unwrap();
    let refused = stage
        .engine
        .call_back(&Arrival::Local(started.id), &query(&callback))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, EngineError::DifferentAccount { .. }),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("ada@example.com")
            && refused.to_string().contains("grace@example.com")
    );
    assert_eq!(stage.load(&instance).await.generation, 1);
    assert!(stage.holds_the_current_refresh_token(&instance).await);

    let (arrival, callback) = stage.consented(again(&instance)).await;
    let reconnected = stage.engine.call_back(&arrival, &callback).await.unwrap();
    assert_eq!((reconnected.id, reconnected.generation), (instance.id, 2));
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn an_account_that_is_known_never_becomes_another_nor_unknown() {
    let stage = Stage::infusionsoft().await;
    let instance = stage.connect().await;
    assert_eq!(instance.account_id.as_deref(), Some("hl214"));
    // An answer without the tenant: nobody can tell whose account that is.
    let (arrival, callback) = stage.consented(again(&instance)).await;
    let nameless = format!(
        "code={}&state={}",
        callback.get("code").unwrap(),
        callback.get("state").unwrap()
    );
    stage.sandbox.script(
        Endpoint::Token,
        Act::Answer {
            status: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body:
                br#"{"access_token":"a","refresh_token":"r","token_type":"bearer","scope":"full"}"#
                    .to_vec(),
        },
    );
    stage.sandbox.script(
        Endpoint::Api,
        Act::Answer {
            status: 200,
            headers: vec![],
            body: br#"{"email":"mallory@example.com"}"#.to_vec(),
        },
    );
    let refused = stage
        .engine
        .call_back(&arrival, &CallbackQuery::parse(&nameless))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, EngineError::DifferentAccount { .. }),
        "{refused}"
    );

    // The health check doesn't answer, but the tenant came with the tokens.
    let (arrival, callback) = stage.consented(again(&instance)).await;
    stage.sandbox.script(Endpoint::Api, Act::ResetBeforeWork);
    let back = stage.engine.call_back(&arrival, &callback).await.unwrap();
    assert_eq!((back.id, back.generation), (instance.id, 2));
    assert_eq!(back.account_id.as_deref(), Some("hl214"));
    assert_eq!(
        back.account_label.as_deref(),
        Some("ada@example.com"),
        "what was known stays known"
    );
}

#[tokio::test]
async fn a_new_consent_goes_before_a_refresh_that_was_faster() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let (arrival, callback) = stage.consented(again(&instance)).await;
    let gate = Gate::new();
    stage
        .sandbox
        .script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
    let engine = stage.engine.clone();
    let caller = tokio::spawn(async move { engine.call_back(&arrival, &callback).await });
    gate.reached().await;
    stage.engine.instance(instance.id).refresh().await.unwrap();
    gate.release();
    assert_eq!(caller.await.unwrap().unwrap().generation, 3);
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}
#[tokio::test]
async fn two_answers_for_one_generation_are_both_kept() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let (arrival, callback) = stage.consented(again(&instance)).await;
    let (gate, refresh) = stage.held_refresh(&instance).await;
    stage.engine.call_back(&arrival, &callback).await.unwrap();
    gate.release();
    assert_eq!(refresh.await.unwrap().unwrap().generation, 2);
    assert!(
        stage.holds_the_current_refresh_token(&instance).await,
        "the newer grant is not overwritten"
    );
    let kept = stage.engine.store().quarantined("default").await.unwrap();
    assert_eq!(
        kept.iter().map(|record| record.kind).collect::<Vec<_>>(),
        [QuarantineKind::Conflict]
    );
}

/// As QuickBooks does: the callback names the account, and the health check is asked for by that name.
async fn named_by_the_browser() -> Stage {
    const REALM: &[Capture] = &[Capture::whole("realm", "realm")];
    Stage::edited(
        |rules| {
            rules["authorization"]["callback"]["realm"] = "{account.sub}".into();
            let company = json!({ "method": "GET", "path": "/api/companies/{account.sub}", "body": { "email": "{account.email}" } });
            rules["api"]["routes"].as_array_mut().unwrap().push(company);
        },
        |descriptor| ProviderDescriptor {
            authentication: Authentication::AuthorizationCode(OAuth2 {
                callback: Callback {
                    captures: REALM,
                    ..Callback::DEFAULT
                },
                ..*descriptor.oauth2()
            }),
            api: Api {
                health_check: Stated::Known(HealthCheck {
                    path: "/companies/{realm}",
                    account_id: AccountFact::Capture("realm"),
                    account_label: AccountFact::Field("email"),
                }),
                ..descriptor.api
            },
            ..descriptor
        },
    )
    .await
}

#[tokio::test]
async fn what_came_through_the_browser_proves_no_account() {
    let stage = named_by_the_browser().await;
    let instance = stage.connect().await;
    assert_eq!(instance.account_id.as_deref(), Some("u-1001"));
    for status in [None, Some(403), Some(503)] {
        let started = stage.start(again(&instance)).await;
        let url = &started.authorization_url;
        let callback = stage.sandbox.consent_as(url, "grace").await.unwrap();
        let forged = callback.replace("realm=u-1002", "realm=u-1001");
        assert_ne!(forged, callback);
        // Without a script it answers as it is: that this is not grace's company.
        if let Some(status) = status {
            let act = script::json(status, "{}");
            stage.sandbox.script(Endpoint::Api, act);
        }
        let arrival = Arrival::Local(started.id);
        let refused = stage.engine.call_back(&arrival, &query(&forged)).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, EngineError::Account { .. }), "{refused}");
        assert_eq!(stage.load(&instance).await.generation, 1);
    }
}
