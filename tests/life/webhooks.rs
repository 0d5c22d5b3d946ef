//! Hosts are told what happened: each event, signed, and nobody else's.

use std::time::Duration;

use tieline_core::{Clock as _, Secret};
use tieline_engine::{Engine, EngineError, NewWebhook};
use tieline_store::{EVENT_KINDS, Webhook, WebhookChanges};
use tieline_tests::stage::{Stage, eventually};

use crate::receiver::{Act, Receiver};

const SECRET: &str = "whsec_dGhlIGNhbmFyeSBzaW5ncyBpbiB0aGUgbWluZSwgbG91ZGx5";

/// A webhook of this secret at the receiver; without kinds, for all that happens to accounts.
pub(crate) async fn webhook(engine: &Engine, receiver: &Receiver, kinds: &[&str]) -> Webhook {
    let of_accounts = EVENT_KINDS.iter().map(|kind| kind.name);
    let of_accounts = of_accounts.filter(|name| name.starts_with("instance."));
    let kinds = match kinds {
        [] => of_accounts.map(str::to_owned).collect(),
        kinds => kinds.iter().map(|kind| (*kind).to_owned()).collect(),
    };
    of_kinds(engine, receiver, kinds).await
}

async fn of_kinds(engine: &Engine, receiver: &Receiver, kinds: Vec<String>) -> Webhook {
    let new = NewWebhook {
        url: receiver.url.clone(),
        kinds,
        secret: Some(Secret::from(SECRET)),
    };
    engine.create_webhook(new).await.unwrap().0
}

#[tokio::test]
async fn one_that_asks_for_no_kinds_is_told_everything() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    of_kinds(&stage.engine, &receiver, Vec::new()).await;
    stage.connect().await;
    stage.engine.look_after().await.unwrap();
    let mut kinds = receiver.kinds();
    kinds.sort();
    assert_eq!(kinds, ["app.created", "instance.connected"]);
}

#[tokio::test]
async fn each_event_is_told_once_signed_and_without_a_secret() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    webhook(&stage.engine, &receiver, &[]).await;
    let instance = stage.connect().await;
    let connected_at = stage.clock.now();
    let mut secrets = vec![
        stage.sandbox.client().1.to_owned(),
        SECRET["whsec_".len()..].to_owned(),
    ];
    let mut keep = async || {
        let (access, refresh) = stage.tokens(&instance).await;
        secrets.extend([access, refresh.unwrap()]);
    };
    keep().await;
    stage.engine.instance(instance.id).refresh().await.unwrap();
    keep().await;
    stage.clock.advance(Duration::from_secs(90));
    let round = stage.engine.look_after().await.unwrap();
    assert_eq!((round.told, round.failed), (2, 0));
    let handle = stage.engine.instance(instance.id);
    handle.disconnect(false).await.unwrap();
    stage.engine.look_after().await.unwrap();
    stage.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(stage.engine.look_after().await.unwrap().told, 0);

    let kinds = receiver.kinds();
    let expected = [
        "instance.connected",
        "instance.refreshed",
        "instance.deleted",
    ];
    assert_eq!(kinds, expected);
    let told = receiver.told();
    for told in &told {
        assert!(told.is_signed_with(SECRET), "{told:?}");
        assert_eq!(told.line, "POST /told?by=tieline HTTP/1.1");
        assert_eq!(told.header("content-type"), "application/json");
        assert_eq!(told.sent_at(), connected_at.as_second() + 90);
        for secret in &secrets {
            let shown = format!("{told:?}");
            assert!(!shown.contains(secret.as_str()), "{shown}");
        }
    }
    let connected = told.iter().find(|told| told.kind() == "instance.connected");
    let body = connected.unwrap().body();
    let events = stage.engine.events(10).await.unwrap();
    let event = events
        .iter()
        .find(|event| event.kind == "instance.connected");
    let event = event.unwrap();
    assert_eq!(body["timestamp"], connected_at.to_string());
    let data = serde_json::json!({
        "event": event.id,
        "instance": instance.id,
        "app": instance.app,
        "provider": "acme",
        "detail": event.detail,
    });
    assert_eq!(body["data"], data);
    let mut ids: Vec<_> = told.iter().map(|told| told.id()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| !id.contains('.')), "{ids:?}");
}

#[tokio::test]
async fn a_secret_of_its_own_is_made_and_shown_once() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    let new = || NewWebhook {
        url: receiver.url.clone(),
        ..NewWebhook::default()
    };
    let (made, secret) = stage.engine.create_webhook(new()).await.unwrap();
    let (_, another) = stage.engine.create_webhook(new()).await.unwrap();
    assert_ne!(secret, another);
    stage.engine.delete_webhook(made.id).await.unwrap();
    stage.connect().await;
    stage.engine.look_after().await.unwrap();
    assert!(receiver.told()[0].is_signed_with(another.expose()));
    assert!(!receiver.told()[0].is_signed_with(secret.expose()));
    for unfit in ["", "whsec_", "whsec_c2hvcnQ=", "secret"] {
        let secret = Some(Secret::from(unfit));
        let refused = stage.engine.create_webhook(NewWebhook { secret, ..new() });
        let error = refused.await.unwrap_err();
        assert!(matches!(error, EngineError::UnfitSecret), "{error}");
    }
}

#[tokio::test]
async fn of_the_kinds_that_it_asks_for() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    let some = webhook(&stage.engine, &receiver, &["instance.refreshed"]).await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    handle.refresh().await.unwrap();
    stage.engine.look_after().await.unwrap();
    assert_eq!(receiver.kinds(), ["instance.refreshed"]);
    let changes = WebhookChanges {
        kinds: Some(vec!["instance.refreshd".to_owned()]),
        ..WebhookChanges::default()
    };
    let error = stage.engine.change_webhook(some.id, changes).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.ends_with("did you mean instance.refreshed?"),
        "{error}"
    );
}

#[tokio::test]
async fn tenants_are_told_of_their_own_alone() {
    let stage = Stage::acme().await;
    let (mine, theirs) = (Receiver::start().await, Receiver::start().await);
    let others = stage.engine.for_tenant("other");
    let webhook_of_mine = webhook(&stage.engine, &mine, &[]).await;
    let webhook_of_theirs = webhook(&others, &theirs, &[]).await;
    stage.connect().await;
    assert_eq!(stage.engine.look_after().await.unwrap().told, 1);
    assert_eq!((mine.told().len(), theirs.connections()), (1, 0));
    let (id, nothing) = (webhook_of_mine.id, WebhookChanges::default());
    for refused in [
        others.webhook(id).await.map(drop),
        others.change_webhook(id, nothing).await.map(drop),
        others.waiting_deliveries(id, 1).await.map(drop),
        others.test_webhook(id).await.map(drop),
        others.delete_webhook(id).await,
    ] {
        let error = refused.unwrap_err();
        let expected = matches!(error, EngineError::NoSuchWebhook(named) if named == id);
        assert!(expected, "{error}");
    }
    let seen: Vec<_> = others.webhooks().await.unwrap();
    assert_eq!((seen.len(), seen[0].id), (1, webhook_of_theirs.id));
    assert_eq!(mine.told().len(), 1);
}

#[tokio::test]
async fn one_that_is_deleted_or_disabled_is_told_nothing() {
    let stage = Stage::acme().await;
    let (deleted, disabled) = (Receiver::start().await, Receiver::start().await);
    let gone = webhook(&stage.engine, &deleted, &[]).await;
    let off = webhook(&stage.engine, &disabled, &[]).await;
    let enabled = |enabled| WebhookChanges {
        enabled: Some(enabled),
        ..WebhookChanges::default()
    };
    stage.connect().await;
    stage.engine.delete_webhook(gone.id).await.unwrap();
    let change = stage.engine.change_webhook(off.id, enabled(false));
    assert!(change.await.unwrap().disabled_at.is_some());
    stage.connect().await;
    assert_eq!(stage.engine.look_after().await.unwrap().told, 0);
    // What happened meanwhile is not made up for.
    let change = stage.engine.change_webhook(off.id, enabled(true));
    assert_eq!(change.await.unwrap().disabled_at, None);
    assert_eq!(stage.engine.look_after().await.unwrap().told, 0);
    stage.connect().await;
    assert_eq!(stage.engine.look_after().await.unwrap().told, 1);
    assert_eq!((deleted.connections(), disabled.connections()), (0, 1));
}

#[tokio::test]
async fn what_happened_before_a_restart_is_told_after_it_and_by_itself() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    webhook(&stage.engine, &receiver, &[]).await;
    stage.connect().await;
    assert_eq!(receiver.connections(), 0);
    let stage = stage.reopened().await;
    stage.engine.start_upkeep();
    eventually("the event is told", async || receiver.told().len() == 1).await;
    assert!(receiver.told()[0].is_signed_with(SECRET));
    stage.engine.shutdown().await;
    let stage = stage.reopened().await;
    assert_eq!(stage.engine.look_after().await.unwrap().told, 0);
}

#[tokio::test]
async fn of_several_engines_one_tells_each_event() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    webhook(&stage.engine, &receiver, &[]).await;
    for _ in 0..12 {
        stage.connect().await;
    }
    let others = crate::webhooks_elsewhere::beside(&stage, &["127.0.0.0/8"]);
    let (one, two) = tokio::join!(stage.engine.look_after(), others.look_after());
    assert_eq!(one.unwrap().told + two.unwrap().told, 12);
    let mut ids: Vec<_> = receiver.told().iter().map(|told| told.id()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), receiver.told().len()), (12, 12));
}

#[tokio::test]
async fn a_copy_that_was_not_adopted_tells_nobody() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    webhook(&stage.engine, &receiver, &[]).await;
    stage.connect().await;
    let stage = stage.restored().await;
    assert_eq!(stage.engine.look_after().await.unwrap().told, 0);
    assert_eq!(receiver.connections(), 0);
    stage.engine.store().adopt().await.unwrap();
    assert_eq!(stage.engine.look_after().await.unwrap().told, 1);
}

#[tokio::test]
async fn a_test_is_sent_at_once_and_says_what_came_of_it() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    let one = webhook(&stage.engine, &receiver, &["app.refused"]).await;
    let redirect = Act::Redirect(receiver.url.clone());
    receiver.script([Act::Answer(202), Act::Answer(500), redirect, Act::Reset]);
    let mut results = Vec::new();
    for _ in 0..4 {
        let tested = stage.engine.test_webhook(one.id).await.unwrap();
        results.push((tested.taken, tested.status, tested.result));
    }
    let answered = |taken, status, result: &str| (taken, status, result.to_owned());
    let expected = [
        answered(true, Some(202), "answered 202"),
        answered(false, Some(500), "answered 500"),
        answered(
            false,
            Some(307),
            "answered 307, and redirects are not followed",
        ),
        answered(false, None, "the connection broke before an answer came"),
    ];
    assert_eq!(results, expected);
    let told = receiver.told();
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|told| told.is_signed_with(SECRET)));
    assert_eq!(told[0].body()["type"], "webhook.test");
    assert_eq!(told[0].body()["data"]["webhook"], one.id.0);
    assert_ne!(told[0].id(), told[1].id());
    // It is no event, and leaves nothing behind.
    assert!(stage.engine.events(10).await.unwrap().is_empty());
    let found = stage.engine.webhook(one.id).await.unwrap();
    assert_eq!(found.failing_since, None);
}
