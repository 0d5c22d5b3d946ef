//! Accounts whose owner gives the credential itself: a key, or name and password.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tieline_core::prelude::*;
use tieline_engine::{AuthorizeOptions, EngineError, GiveOptions, Kind, Revocation};
use tieline_sandbox::{Act, Endpoint};
use tieline_store::{Cause, Instance, Status};
use tieline_tests::keyed::{KEYS, keyed, with_keys};
use tieline_tests::script::json;
use tieline_tests::stage::{Stage, get, given};

async fn signed_in_with_a_password() -> Stage {
    const MAPPINGS: &[ParameterMapping] = &[
        ParameterMapping::username("Login"),
        ParameterMapping::password("Password"),
    ];
    let edit = |rules: &mut Value| {
        with_keys(rules);
        rules["api"]["key"] = "{account.email}:{account.api_key}".into();
        rules["api"]["token"] = "basic_pair".into();
    };
    Stage::edited(edit, |descriptor| ProviderDescriptor {
        authentication: Authentication::Basic,
        mappings: MAPPINGS,
        api: Api {
            token_placement: TokenPlacement::BasicPair,
            ..descriptor.api
        },
        ..descriptor
    })
    .await
}

async fn give(stage: &Stage, key: &str) -> Result<Instance, EngineError> {
    stage.give(given([(ParameterKey::API_KEY, key)])).await
}

async fn give_again(
    stage: &Stage,
    instance: &Instance,
    key: &str,
) -> Result<Instance, EngineError> {
    let options = GiveOptions {
        instance: Some(instance.id),
        parameters: given([(ParameterKey::API_KEY, key)]),
        ..GiveOptions::default()
    };
    stage.engine.give(&stage.app().await, options).await
}

/// Whether any file of the data folder holds these bytes.
fn is_written_down(stage: &Stage, text: &str) -> bool {
    fn holds(path: &Path, text: &str) -> bool {
        if path.is_dir() {
            let mut entries = std::fs::read_dir(path).unwrap();
            return entries.any(|entry| holds(&entry.unwrap().path(), text));
        }
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(text.len()).any(|at| at == text.as_bytes())
    }
    let data = stage.folder.path().join("data");
    assert!(holds(&data, "acme"), "the files are not searched");
    holds(&data, text)
}

#[tokio::test]
async fn a_right_key_is_proved_sealed_and_used() {
    let stage = keyed().await;
    let instance = give(&stage, KEYS[0]).await.unwrap();
    assert_eq!((instance.status, instance.generation), (Status::Ok, 1));
    assert_eq!(
        (
            instance.account_id.as_deref(),
            instance.account_label.as_deref()
        ),
        (Some("u-1001"), Some("ada@example.com"))
    );
    assert_eq!(
        (instance.expires_at, instance.has_refresh_token),
        (None, false)
    );
    assert!(instance.parameters.is_empty(), "{:?}", instance.parameters);
    assert_eq!(stage.sandbox.ledger().requests().len(), 1, "proved once");

    let called = stage.engine.instance(instance.id).call(get("/me")).await;
    assert_eq!(called.unwrap().status(), 200);
    let ledger = stage.sandbox.ledger();
    let last = ledger.requests().last().unwrap();
    assert!(last.headers.iter().any(|name| name == "x-acme-key"));
    assert!(!last.headers.iter().any(|name| name == "authorization"));
    assert!(
        ledger
            .requests()
            .iter()
            .all(|request| request.endpoint == Endpoint::Api)
    );

    assert!(!is_written_down(&stage, "CANARY"));
    let stage = stage.reopened().await;
    let token = stage.engine.instance(instance.id).access_token().await;
    assert_eq!(token.unwrap().token.expose(), KEYS[0]);
    assert!(!is_written_down(&stage, "CANARY"));
}

#[tokio::test]
async fn a_wrong_key_stores_nothing() {
    let stage = keyed().await;
    let refused = give(&stage, "wrong-CANARY").await.unwrap_err();
    assert!(matches!(refused, EngineError::NotTaken { .. }), "{refused}");
    let told = refused.to_string();
    assert!(told.contains(r#""Personal key" (api.key)"#), "{told}");
    assert!(!told.contains("CANARY"), "{told}");
    assert_eq!(stage.instances().await.len(), 0);
    assert_eq!(stage.sandbox.ledger().requests().len(), 1);

    // Nor does one that nobody could prove.
    stage.sandbox.script(Endpoint::Api, Act::ResetBeforeWork);
    let unproved = give(&stage, KEYS[0]).await.unwrap_err();
    assert_eq!(unproved.kind(), Kind::Unavailable, "{unproved}");
    assert_eq!(stage.instances().await.len(), 0);
    assert!(!is_written_down(&stage, "CANARY"));
}

#[tokio::test]
async fn without_a_key_or_with_a_malformed_one_nothing_is_asked() {
    let stage = keyed().await;
    for (parameters, why) in [
        (given([]), "api.key is missing"),
        (given([(ParameterKey::API_KEY, "")]), "is empty"),
        (
            given([(ParameterKey::API_KEY, "key\n")]),
            "control character",
        ),
        (
            given([(ParameterKey::BASE_URL, "https://thief.example")]),
            "base.url",
        ),
    ] {
        let refused = stage.give(parameters).await.unwrap_err();
        assert!(matches!(refused, EngineError::Parameters(_)), "{refused}");
        assert!(refused.to_string().contains(why), "{refused}");
    }
    assert_eq!(stage.sandbox.ledger().requests().len(), 0);
    assert_eq!(stage.instances().await.len(), 0);
}

#[tokio::test]
async fn a_new_key_of_the_same_account_takes_the_old_ones_place() {
    let stage = keyed().await;
    let instance = give(&stage, KEYS[0]).await.unwrap();
    let renewed = give_again(&stage, &instance, KEYS[1]).await.unwrap();
    assert_eq!((renewed.id, renewed.generation), (instance.id, 2));
    assert_eq!(stage.tokens(&instance).await, (KEYS[1].to_owned(), None));
    assert_eq!(stage.instances().await.len(), 1);

    for (key, expected) in [(KEYS[2], "grace@example.com"), ("wrong", "doesn't take")] {
        let refused = give_again(&stage, &instance, key).await.unwrap_err();
        let is_other_account = matches!(refused, EngineError::DifferentAccount { .. });
        assert_eq!(is_other_account, key == KEYS[2], "{refused}");
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    let forgotten = GiveOptions {
        instance: Some(instance.id),
        ..GiveOptions::default()
    };
    let refused = stage.engine.give(&stage.app().await, forgotten).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("api.key is missing"), "{refused}");
    assert_eq!(stage.load(&instance).await.generation, 2);
    assert_eq!(stage.tokens(&instance).await.0, KEYS[1]);
    assert!(!is_written_down(&stage, "CANARY"));
}

#[tokio::test]
async fn a_call_that_a_key_may_not_make_is_not_its_end() {
    let stage = keyed().await;
    let instance = give(&stage, KEYS[0]).await.unwrap();
    let refusal = r#"{"error":"not for you"}"#;
    stage.sandbox.script(Endpoint::Api, json(401, refusal));
    let handle = stage.engine.instance(instance.id);
    let answer = handle.call(get("/payroll")).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.body()[..]),
        (401, refusal.as_bytes())
    );
    assert_eq!(stage.load(&instance).await.status, Status::Ok);
    let refused = handle.refresh().await.unwrap_err();
    assert!(
        matches!(refused, EngineError::NotRefreshable { .. }),
        "{refused}"
    );
    assert_eq!(handle.call(get("/me")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_key_that_has_ended_needs_its_owner_and_is_not_sent_again() {
    let stage = keyed().await;
    let instance = give(&stage, KEYS[0]).await.unwrap();
    let before = stage.sandbox.ledger().requests().len();
    stage.sandbox.end_keys();
    let handle = stage.engine.instance(instance.id);
    for _ in 0..2 {
        let ended = handle.call(get("/me")).await.unwrap_err();
        assert_eq!(ended.kind(), Kind::Reconnect, "{ended}");
        let after = stage.sandbox.ledger().requests().len();
        assert_eq!(after - before, 2, "the call, and the health check once");
    }
    let stored = stage.load(&instance).await;
    assert_eq!(
        (stored.status, stored.cause),
        (Status::ReconnectRequired, Some(Cause::Revoked))
    );

    let adas = json(200, r#"{"sub":"u-1001","email":"ada@example.com"}"#);
    stage.sandbox.script(Endpoint::Api, adas);
    let back = give_again(&stage, &instance, KEYS[1]).await.unwrap();
    assert_eq!(
        (back.id, back.status, back.generation),
        (instance.id, Status::Ok, 2)
    );
}

#[tokio::test]
async fn a_key_is_forgotten_and_not_revoked() {
    let stage = keyed().await;
    let instance = give(&stage, KEYS[0]).await.unwrap();
    let before = stage.sandbox.ledger().requests().len();
    let handle = stage.engine.instance(instance.id);
    let gone = handle.disconnect(false).await.unwrap();
    assert_eq!(gone.revocation, Revocation::NotOffered);
    let ledger = stage.sandbox.ledger();
    assert_eq!(ledger.requests().len(), before);
    assert!(ledger.is_live_access_token(KEYS[0]));
    assert_eq!(stage.instances().await.len(), 0);
}

#[tokio::test]
async fn each_way_to_connect_names_the_other() {
    let stage = keyed().await;
    let app = stage.app().await;
    let browser = stage.engine.authorize(&app, AuthorizeOptions::LOCAL).await;
    let device = stage.engine.authorize_device(&app, AuthorizeOptions::LOCAL);
    for refused in [browser.unwrap_err(), device.await.unwrap_err()] {
        assert_eq!(
            refused.to_string(),
            "acme: accounts are not connected so: the account's owner gives the credential"
        );
    }
    let consenting = Stage::acme().await;
    let refused = consenting.give(given([])).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "acme: accounts are not connected so: a person consents in a browser"
    );
    let ledgers = [stage.sandbox.ledger(), consenting.sandbox.ledger()];
    assert!(ledgers.iter().all(|ledger| ledger.requests().is_empty()));
}

#[tokio::test]
async fn name_and_password_are_sealed_together_and_the_name_is_kept() {
    let stage = signed_in_with_a_password().await;
    let signed_in = |name, password| {
        let both = [
            (ParameterKey::USERNAME, name),
            (ParameterKey::PASSWORD, password),
        ];
        stage.give(given(both))
    };
    let refused = signed_in("ada:x", KEYS[0]).await.unwrap_err();
    assert!(matches!(refused, EngineError::Unfit { .. }), "{refused}");
    assert_eq!(stage.sandbox.ledger().requests().len(), 0);
    let refused = signed_in("ada@example.com", KEYS[2]).await.unwrap_err();
    assert!(refused.to_string().contains("doesn't take"), "{refused}");

    let instance = signed_in("ada@example.com", KEYS[0]).await.unwrap();
    assert_eq!(
        instance.parameters.get("username").map(String::as_str),
        Some("ada@example.com")
    );
    assert_eq!(instance.parameters.len(), 1);
    let pair = format!("ada@example.com:{}", KEYS[0]);
    assert_eq!(stage.tokens(&instance).await.0, pair);
    for secret in ["CANARY", &STANDARD.encode(&pair)] {
        assert!(!is_written_down(&stage, secret), "{secret}");
    }
    let called = stage.engine.instance(instance.id).call(get("/me")).await;
    assert_eq!(called.unwrap().status(), 200);

    // The name is known by now; a new password is enough.
    let options = GiveOptions {
        instance: Some(instance.id),
        parameters: given([(ParameterKey::PASSWORD, KEYS[1])]),
        ..GiveOptions::default()
    };
    let renewed = stage
        .engine
        .give(&stage.app().await, options)
        .await
        .unwrap();
    assert_eq!((renewed.id, renewed.generation), (instance.id, 2));
}

#[tokio::test]
async fn an_account_whose_name_is_not_told_is_kept_all_the_same() {
    let stage = keyed().await;
    stage.sandbox.script(Endpoint::Api, json(200, "{}"));
    let instance = give(&stage, KEYS[0]).await.unwrap();
    assert_eq!((instance.status, instance.account_id), (Status::Ok, None));
    let account = stage.engine.instance(instance.id).check().await.unwrap();
    assert_eq!(account.id.as_deref(), Some("u-1001"));
}
