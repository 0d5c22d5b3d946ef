//! One consent, two sets of tokens: the app's, and those of the person beside it.

use std::time::Duration;

use serde_json::{Value, json};
use tieline_core::prelude::*;
use tieline_engine::{EngineError, Kind};
use tieline_sandbox::Endpoint;
use tieline_store::{Instance, Status};
use tieline_tests::script;
use tieline_tests::stage::{Stage, again, eventually, get};

/// Whom the vendor's server names, by token set: the account of a set is asked for under `/me`, and the sandbox tells
/// sets apart by nothing but their tokens.
const BOT: &str = r#"{"team":"north","sub":"bot-1","email":"bot"}"#;
const PERSON: &str = r#"{"team":"north","sub":"u-1001","email":"ada"}"#;

/// The vendor gives the person tokens of their own if a scope is asked for them.
fn with_users(rules: &mut Value) {
    let plain = rules["token"]["answer"].clone();
    rules["token"]["refresh_answer"] = plain;
    rules["token"]["answer"]["body"]["authed_user"] = json!({
        "access_token": "{user_access_token}",
        "refresh_token": "{user_refresh_token}",
        "expires_in": "{expires_in}",
        "scope": "{user_scope}",
        "token_type": "Bearer",
    });
    rules["authorization"]["user_scopes"] = json!(["read"]);
}

async fn stage(omit: &'static [&'static str]) -> Stage {
    Stage::edited(with_users, |descriptor| ProviderDescriptor {
        authentication: Authentication::AuthorizationCode(OAuth2 {
            authorization: AuthorizationRequest {
                extra: &[("user_scope", Extra::Fixed("read"))],
                omit,
                ..AuthorizationRequest::DEFAULT
            },
            answer: TokenAnswer {
                user_path: Some("authed_user"),
                ..TokenAnswer::DEFAULT
            },
            ..*descriptor.oauth2()
        }),
        api: Api {
            health_check: Stated::Known(HealthCheck {
                path: "/me",
                account_id: AccountFact::Fields(&["team", "sub"]),
                account_label: AccountFact::Field("email"),
            }),
            ..descriptor.api
        },
        ..descriptor
    })
    .await
}

/// The next accounts that are asked for are these.
fn told(stage: &Stage, accounts: &[&str]) {
    for account in accounts {
        stage
            .sandbox
            .script(Endpoint::Api, script::json(200, account));
    }
}

/// The app's instance, and the person's.
async fn two(stage: &Stage) -> (Instance, Instance) {
    told(stage, &[PERSON, BOT]);
    let bot = stage.connect().await;
    let mut all = stage.instances().await;
    assert_eq!(all.len(), 2);
    all.retain(|instance| instance.id != bot.id);
    (bot, all.remove(0))
}

#[tokio::test]
async fn each_set_of_tokens_becomes_an_instance_of_its_own() {
    let stage = stage(&[]).await;
    let (bot, person) = two(&stage).await;
    assert_eq!(
        (bot.account_id.as_deref(), person.account_id.as_deref()),
        (Some("north/bot-1"), Some("north/u-1001"))
    );
    assert_eq!(
        (&*bot.scopes, &*person.scopes),
        (
            &["read".to_owned(), "offline_access".to_owned()][..],
            &["read".to_owned()][..]
        )
    );
    assert_eq!(bot.app, person.app);
    let (bots, persons) = (stage.tokens(&bot).await, stage.tokens(&person).await);
    assert!(bots.0 != persons.0 && bots.1 != persons.1);
    for instance in [&bot, &person] {
        assert!(stage.holds_the_current_refresh_token(instance).await);
        let answer = stage.engine.instance(instance.id).call(get("/me")).await;
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(stage.sandbox.ledger().exchanges(), 1);
    let events = stage.engine.instance(person.id).events(10).await.unwrap();
    assert_eq!(events[0].detail["beside"], bot.id.0);
}

#[tokio::test]
async fn each_set_is_refreshed_with_its_own_refresh_token() {
    let stage = stage(&[]).await;
    let (bot, person) = two(&stage).await;
    for (first, other) in [(&bot, &person), (&person, &bot)] {
        let (spent, untouched) = (stage.tokens(first).await, stage.tokens(other).await);
        let refreshed = stage.engine.instance(first.id).refresh().await.unwrap();
        assert_eq!(refreshed.generation, 2);
        let ledger = stage.sandbox.ledger();
        assert_eq!(ledger.max_in_flight(spent.1.as_deref().unwrap()), 1);
        assert!(!ledger.is_live_access_token(&spent.0));
        assert_eq!(stage.tokens(other).await, untouched);
        assert!(ledger.is_live_access_token(&untouched.0));
        assert!(stage.holds_the_current_refresh_token(first).await);
        assert!(stage.holds_the_current_refresh_token(other).await);
    }
    let ledger = stage.sandbox.ledger();
    assert_eq!((ledger.refreshes(), ledger.grants_alive()), (2, 1));
    assert_eq!(ledger.max_in_flight_of_any(), 1);
    assert_eq!(stage.instances().await.len(), 2);
}

#[tokio::test]
async fn whichever_is_reconnected_both_are_renewed_and_no_third_is_made() {
    let stage = stage(&[]).await;
    let (bot, person) = two(&stage).await;
    // For the person's instance the app's set is asked about first, and may be once more before it is put beside.
    for (target, accounts, generation) in [
        (&bot, &[BOT, PERSON][..], 2),
        (&person, &[BOT, PERSON, BOT], 3),
    ] {
        let (arrival, callback) = stage.consented(again(target)).await;
        told(&stage, accounts);
        let back = stage.engine.call_back(&arrival, &callback).await.unwrap();
        assert_eq!(back.id, target.id);
        assert_eq!(stage.instances().await.len(), 2);
        for instance in [&bot, &person] {
            let stored = stage.load(instance).await;
            assert_eq!((stored.generation, stored.status), (generation, Status::Ok));
            assert_eq!(stored.account_id, instance.account_id);
            assert!(stage.holds_the_current_refresh_token(instance).await);
        }
    }
    let (bots, persons) = (stage.tokens(&bot).await, stage.tokens(&person).await);
    assert_ne!(bots.1, persons.1);
    let narrow = stage.load(&person).await.scopes;
    assert_eq!(narrow, ["read"], "each has the set that is its own");
}

#[tokio::test]
async fn a_consent_of_others_changes_neither() {
    let stage = stage(&[]).await;
    let (bot, person) = two(&stage).await;
    let before = (stage.tokens(&bot).await, stage.tokens(&person).await);
    let (arrival, callback) = stage.consented(again(&bot)).await;
    let (other_bot, other_person) = (
        BOT.replace("north", "south"),
        PERSON.replace("north", "south"),
    );
    told(&stage, &[&other_bot, &other_person]);
    let refused = stage
        .engine
        .call_back(&arrival, &callback)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, EngineError::DifferentAccount { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("south/bot-1"), "{refused}");
    assert_eq!(
        (stage.tokens(&bot).await, stage.tokens(&person).await),
        before
    );
    assert_eq!(stage.instances().await.len(), 2);
}

#[tokio::test]
async fn the_end_of_one_is_not_the_end_of_the_other() {
    let stage = stage(&[]).await;
    let (bot, person) = two(&stage).await;
    let dead = script::json(400, r#"{"error":"invalid_grant"}"#);
    stage.sandbox.script(Endpoint::Token, dead);
    let told = stage.engine.instance(person.id).refresh().await;
    assert_eq!(told.unwrap_err().kind(), Kind::Reconnect);
    assert_eq!(stage.load(&person).await.status, Status::ReconnectRequired);
    assert_eq!(stage.load(&bot).await.status, Status::Ok);
    let refreshed = stage.engine.instance(bot.id).refresh().await.unwrap();
    assert_eq!(refreshed.generation, 2);
}

#[tokio::test]
async fn a_persons_tokens_alone_make_one_instance() {
    let stage = stage(&["scope"]).await;
    told(&stage, &[PERSON]);
    let person = stage.connect().await;
    assert_eq!(stage.instances().await.len(), 1);
    assert_eq!(person.account_id.as_deref(), Some("north/u-1001"));
    assert_eq!(person.scopes, ["read"]);
    assert!(person.expires_at.is_some());
    assert!(stage.holds_the_current_refresh_token(&person).await);
    let refreshed = stage.engine.instance(person.id).refresh().await.unwrap();
    assert_eq!(refreshed.generation, 2);
    assert!(stage.holds_the_current_refresh_token(&person).await);

    let (arrival, callback) = stage.consented(again(&person)).await;
    told(&stage, &[PERSON]);
    let back = stage.engine.call_back(&arrival, &callback).await.unwrap();
    assert_eq!((back.id, back.generation), (person.id, 3));
    assert_eq!(stage.instances().await.len(), 1);
}

#[tokio::test]
async fn a_set_whose_account_is_not_told_is_kept_all_the_same() {
    let stage = stage(&[]).await;
    for _ in 0..2 {
        stage.sandbox.script(Endpoint::Api, script::json(500, "{}"));
    }
    stage.connect().await;
    let all = stage.instances().await;
    assert_eq!(all.len(), 2);
    for instance in &all {
        assert_eq!((instance.status, &instance.account_id), (Status::Ok, &None));
        assert!(stage.holds_the_current_refresh_token(instance).await);
    }
}

#[tokio::test]
async fn a_refresh_that_brings_a_second_set_renews_the_second_instance() {
    let stage = stage(&[]).await;
    let (bot, person) = two(&stage).await;
    let both = r#"{"access_token":"bots","refresh_token":"bots-next","token_type":"Bearer",
        "authed_user":{"access_token":"persons","refresh_token":"persons-next","token_type":"Bearer"}}"#;
    stage
        .sandbox
        .script(Endpoint::Token, script::json(200, both));
    told(&stage, &[PERSON]);
    stage.engine.instance(bot.id).refresh().await.unwrap();
    // Nobody who waits for the one set waits for the other.
    eventually("the second set is kept", async || {
        stage.load(&person).await.generation == 2
    })
    .await;
    for (instance, access_token, refresh_token) in [
        (&bot, "bots", "bots-next"),
        (&person, "persons", "persons-next"),
    ] {
        let (access, refresh) = stage.tokens(instance).await;
        assert_eq!(
            (&*access, refresh.as_deref()),
            (access_token, Some(refresh_token))
        );
        assert_eq!(stage.load(instance).await.generation, 2);
    }
    assert_eq!(stage.instances().await.len(), 2);
}

#[tokio::test]
async fn a_token_that_does_not_end_is_not_given_up_when_the_persons_does() {
    let stage = stage(&[]).await;
    let answer = r#"{"access_token":"bots","token_type":"Bearer","authed_user":
        {"access_token":"persons","token_type":"Bearer","expires_in":3600}}"#;
    stage
        .sandbox
        .script(Endpoint::Token, script::json(200, answer));
    let (bot, person) = two(&stage).await;
    stage.clock.advance(Duration::from_secs(3600));
    let served = stage.engine.instance(bot.id).access_token().await.unwrap();
    assert_eq!(served.token.expose(), "bots");
    let ended = stage.engine.instance(person.id).access_token().await;
    assert_eq!(ended.unwrap_err().kind(), Kind::Reconnect);
    assert_eq!(stage.load(&bot).await.status, Status::Ok);
}

#[tokio::test]
async fn an_instance_whose_account_was_never_told_gets_the_set_that_no_other_has() {
    let stage = stage(&[]).await;
    stage.sandbox.script(Endpoint::Api, script::json(500, "{}"));
    told(&stage, &[BOT]);
    let bot = stage.connect().await;
    let mut all = stage.instances().await;
    all.retain(|instance| instance.id != bot.id);
    let person = all.remove(0);
    assert_eq!(person.account_id, None);

    let (arrival, callback) = stage.consented(again(&person)).await;
    told(&stage, &[BOT, PERSON]);
    let back = stage.engine.call_back(&arrival, &callback).await.unwrap();
    assert_eq!(
        (back.id, back.account_id.as_deref()),
        (person.id, Some("north/u-1001"))
    );
    assert_eq!(stage.instances().await.len(), 2);
    for instance in [&bot, &person] {
        assert_eq!(stage.load(instance).await.generation, 2);
        assert!(stage.holds_the_current_refresh_token(instance).await);
    }
}
