//! Where every tenant has a host: what the person gives is kept with the account, and decides where requests go.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tieline_core::parameters::Given;
use tieline_core::prelude::*;
use tieline_engine::{
    Arrival, AuthorizeOptions, CallbackRefusal, EngineError, Kind, NewApp, Revocation,
};
use tieline_sandbox::Endpoint;
use tieline_store::{Instance, Status};
use tieline_tests::provider::MAPPINGS;
use tieline_tests::stage::{Stage, again, get, given, query};

const SHOP: ParameterKey = ParameterKey::new("acme.shop");

/// Ada's shop is named in every callback, and must be in every request for tokens.
fn of_one_shop(rules: &mut Value) {
    rules["authorization"]["callback"] = json!({ "shop": "ada.shops.acme.example" });
    for step in ["exchange", "refresh"] {
        rules["token"][step]["parameters"] = json!({ "shop": "ada" });
    }
}

/// The operator has put the sandbox in the place of the endpoints, so the requests say for which shop they are.
async fn stage() -> Stage {
    const WITH_SHOP: TokenRequest = TokenRequest {
        extra: &[("shop", Extra::Parameter(SHOP))],
        ..TokenRequest::BASIC
    };
    let shop = ParameterMapping::host_label("Shop", SHOP);
    let mappings = [MAPPINGS, &[shop]].concat().leak();
    Stage::edited(of_one_shop, |descriptor| ProviderDescriptor {
        authentication: Authentication::AuthorizationCode(OAuth2 {
            exchange: WITH_SHOP,
            refresh: WITH_SHOP,
            revoke: WITH_SHOP,
            callback: Callback {
                host: Some(CallbackHost {
                    parameter: "shop",
                    host: "{acme.shop}.shops.acme.example",
                }),
                ..Callback::DEFAULT
            },
            ..*descriptor.oauth2()
        }),
        api: Api {
            base: "https://{acme.shop}.shops.acme.invalid/api",
            ..descriptor.api
        },
        mappings,
        ..descriptor
    })
    .await
}

fn of_shop(shop: &str) -> AuthorizeOptions {
    AuthorizeOptions {
        parameters: given([(SHOP, shop)]),
        ..AuthorizeOptions::LOCAL
    }
}

fn adas() -> BTreeMap<String, String> {
    BTreeMap::from([(SHOP.to_string(), "ada".to_owned())])
}

async fn connected(stage: &Stage) -> Instance {
    let (arrival, callback) = stage.consented(of_shop("ada")).await;
    stage.engine.call_back(&arrival, &callback).await.unwrap()
}

/// Whether the latest request to an endpoint said which shop it is for.
fn names_shop(stage: &Stage, endpoint: Endpoint) -> bool {
    let ledger = stage.sandbox.ledger();
    let last = ledger.requests_to(endpoint).last().unwrap();
    last.params.iter().any(|name| name == "shop")
}

#[tokio::test]
async fn what_was_given_at_the_start_counts_to_the_end_over_every_restart() {
    let stage = stage().await;
    let (arrival, callback) = stage.consented(of_shop("ada")).await;
    let stage = stage.reopened().await;
    let instance = stage.engine.call_back(&arrival, &callback).await.unwrap();
    assert_eq!(instance.parameters, adas());
    assert_eq!(instance.account_id.as_deref(), Some("u-1001"));
    assert!(names_shop(&stage, Endpoint::Token));

    let stage = stage.reopened().await;
    assert_eq!(stage.load(&instance).await.parameters, adas());
    let handle = stage.engine.instance(instance.id);
    assert_eq!(handle.refresh().await.unwrap().generation, 2);
    assert!(names_shop(&stage, Endpoint::Token));
    assert!(stage.holds_the_current_refresh_token(&instance).await);
    assert_eq!(handle.call(get("/me")).await.unwrap().status(), 200);

    let gone = handle.disconnect(false).await.unwrap();
    assert_eq!(gone.revocation, Revocation::Revoked);
    assert!(names_shop(&stage, Endpoint::Revocation));
    assert_eq!(stage.sandbox.ledger().grants_alive(), 0);
}

#[tokio::test]
async fn without_the_operators_word_calls_go_to_the_tenants_own_host() {
    let stage = stage().await.without(ParameterKey::BASE_URL).await;
    // Nobody is at that host, so whose account it is stays unknown.
    let instance = connected(&stage).await;
    assert_eq!((instance.status, &instance.account_id), (Status::Ok, &None));
    let handle = stage.engine.instance(instance.id);
    let unreachable = handle.call(get("/me")).await.unwrap_err();
    assert_eq!(unreachable.kind(), Kind::Unavailable, "{unreachable}");

    stage
        .execute("UPDATE instances SET parameters = '{}'")
        .await;
    // What was read is trusted for two seconds.
    stage.clock.advance(Duration::from_secs(2));
    let nowhere = handle.call(get("/me")).await.unwrap_err();
    let unknown = "acme: the base of the API can't be told: nothing is known for {acme.shop}";
    assert!(nowhere.to_string().starts_with(unknown), "{nowhere}");
    let moved = r#"UPDATE instances SET parameters = '{"acme.shop":"evil.example/"}'"#;
    stage.execute(moved).await;
    stage.clock.advance(Duration::from_secs(2));
    let nowhere = handle.call(get("/me")).await.unwrap_err();
    assert!(matches!(nowhere, EngineError::Endpoint(_)), "{nowhere}");
    assert!(!nowhere.to_string().contains("evil"), "{nowhere}");
    let ledger = stage.sandbox.ledger();
    assert_eq!(ledger.requests_to(Endpoint::Api).count(), 0);
}

#[tokio::test]
async fn a_missing_or_malformed_one_is_refused_before_anything_is_sent() {
    let stage = stage().await;
    let app = stage.app().await;
    for (parameters, why) in [
        (given([]), "acme.shop is missing"),
        (given([(SHOP, "")]), "is empty"),
        (given([(SHOP, "Ada")]), "is not one label of a host"),
        (
            given([(SHOP, "evil.example/")]),
            "is not one label of a host",
        ),
        (
            given([(SHOP, "ada\r\nHost: evil.example")]),
            "control character",
        ),
        (
            given([(ParameterKey::new("acme.shp"), "ada")]),
            "did you mean acme.shop?",
        ),
    ] {
        let options = AuthorizeOptions {
            parameters,
            ..AuthorizeOptions::LOCAL
        };
        let refused = stage.engine.authorize(&app, options).await.unwrap_err();
        assert!(matches!(refused, EngineError::Parameters(_)), "{refused}");
        assert_eq!(refused.kind(), Kind::Configuration);
        let told = refused.to_string();
        assert!(told.contains(why) && !told.contains("evil"), "{told}");
    }
    assert_eq!(stage.sandbox.ledger().requests().len(), 0);
}

#[tokio::test]
async fn what_belongs_to_the_app_is_not_taken_from_whoever_connects() {
    let stage = stage().await;
    let app = stage.app().await;
    let (apps, operators) = (
        "belongs to an app, not to one account",
        "may only be set by the operator",
    );
    for (key, value, why) in [
        (ParameterKey::OAUTH_API_SECRET, "CANARY", apps),
        (ParameterKey::OAUTH_SCOPE, "CANARY", apps),
        (
            ParameterKey::OAUTH_TOKEN_URL,
            "https://CANARY.example",
            operators,
        ),
        (ParameterKey::BASE_URL, "https://CANARY.example", operators),
    ] {
        let options = AuthorizeOptions {
            parameters: given([(SHOP, "ada"), (key, value)]),
            ..AuthorizeOptions::LOCAL
        };
        let refused = stage.engine.authorize(&app, options).await.unwrap_err();
        let told = refused.to_string();
        let start = format!("acme: {key} (given when connecting) {why}");
        assert!(
            told.starts_with(&start) && !told.contains("CANARY"),
            "{told}"
        );
    }
    assert_eq!(stage.sandbox.ledger().requests().len(), 0);
}

#[tokio::test]
async fn what_is_known_need_not_be_given_again() {
    let stage = stage().await;
    let instance = connected(&stage).await;
    let (arrival, callback) = stage.consented(again(&instance)).await;
    let back = stage.engine.call_back(&arrival, &callback).await.unwrap();
    assert_eq!((back.id, back.generation), (instance.id, 2));
    assert_eq!(back.parameters, adas());
    assert!(stage.holds_the_current_refresh_token(&instance).await);
}

#[tokio::test]
async fn a_callback_of_another_shop_changes_nothing() {
    let stage = stage().await;
    let instance = connected(&stage).await;
    let before = stage.sandbox.ledger().requests_to(Endpoint::Token).count();
    let started = stage.start(of_shop("eve")).await;
    let callback = stage.sandbox.consent(&started.authorization_url).await;
    let arrival = Arrival::Local(started.id);
    let refused = stage
        .engine
        .call_back(&arrival, &query(&callback.unwrap()))
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            EngineError::Callback(CallbackRefusal::HostMismatch { .. })
        ),
        "{refused}"
    );
    let after = stage.sandbox.ledger().requests_to(Endpoint::Token).count();
    assert_eq!(after, before, "nothing was exchanged");
    let stored = stage.load(&instance).await;
    assert_eq!((stored.generation, stored.parameters), (1, adas()));
    assert_eq!(stage.instances().await.len(), 1);
}

#[tokio::test]
async fn an_instance_does_not_move_to_another_shop() {
    let stage = stage().await;
    let instance = connected(&stage).await;
    let before = stage.sandbox.ledger().requests().len();
    let eves = AuthorizeOptions {
        parameters: given([(SHOP, "eve")]),
        ..again(&instance)
    };
    let refused = stage.engine.authorize(&stage.app().await, eves).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, EngineError::DifferentTenant { .. }),
        "{refused}"
    );
    assert_eq!(stage.sandbox.ledger().requests().len(), before);
    let adas_again = AuthorizeOptions {
        parameters: given([(SHOP, "ada")]),
        ..again(&instance)
    };
    let (arrival, callback) = stage.consented(adas_again).await;
    let back = stage.engine.call_back(&arrival, &callback).await.unwrap();
    assert_eq!((back.generation, back.parameters), (2, adas()));
}

#[tokio::test]
async fn an_app_of_one_shop_asks_nobody_for_it() {
    let stage = stage().await;
    let new = NewApp {
        provider: "acme".to_owned(),
        name: Some("acme".to_owned()),
        parameters: Given::from([(SHOP.to_string(), "ada".into())]),
        ..NewApp::default()
    };
    stage.engine.create_app(new).await.unwrap();
    let instance = stage.connect().await;
    assert_eq!(instance.parameters, adas());
}
