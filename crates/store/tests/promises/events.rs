//! What happens is told in the transaction in which it happens, and kept.

use std::collections::BTreeMap;

use tieline_core::{AppId, InstanceId, Secret};
use tieline_store::{
    Event, NewEvent, NewQuarantine, Purpose, QuarantineKind, ReplaceTokens, Store, StoreError,
};

use crate::home::{Home, TENANT, app, at, done, instance, new_instance, tokens};

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| &*event.kind).collect()
}

async fn told_of(store: &Store, id: InstanceId) -> Vec<Event> {
    let mut events = store.events(TENANT, Some(id), 10).await.unwrap();
    events.reverse();
    events
}

#[tokio::test]
async fn what_happens_to_an_instance_is_told_with_it() {
    let home = Home::new().await;
    let store = home.open().await;
    let main = app(&store, TENANT, "main").await;
    let acting = store.acting_as(Some("owner"));
    let one = new_instance(TENANT, main.id, "one");
    let one = acting.insert_instance(&one).await.unwrap();
    let two = tieline_store::NewInstance {
        beside: Some(one.id),
        ..new_instance(TENANT, main.id, "two")
    };
    let two = store.insert_instance(&two).await.unwrap();
    let replace = ReplaceTokens {
        id: one.id,
        generation: 1,
        tokens: tokens("again"),
        keep_alive_at: None,
        parameters: BTreeMap::new(),
        account_id: None,
        account_label: None,
    };
    let _ = done(acting.replace_tokens(&replace).await.unwrap());
    // It has moved on: nothing happens, and nothing is told.
    let _ = store.replace_tokens(&replace).await.unwrap();
    let answer = NewQuarantine {
        instance: one.id,
        tenant: TENANT.to_owned(),
        app: main.id,
        generation: 1,
        kind: QuarantineKind::Conflict,
        blob: Secret::new("{}"),
        now: at(1_800_000_000),
    };
    store.quarantine(answer).await.unwrap();
    assert!(!acting.delete_instance(one.id, "revoked").await.unwrap());
    store.begin_delete(TENANT, one.id).await.unwrap();
    assert!(acting.delete_instance(one.id, "revoked").await.unwrap());
    assert!(!acting.delete_instance(one.id, "revoked").await.unwrap());

    let told: Vec<_> = (told_of(&store, one.id).await.into_iter())
        .map(|event| (event.kind, event.detail.to_string(), event.actor, event.app))
        .collect();
    let owner = || Some("owner".to_owned());
    let happened = [
        ("instance.connected", r#"{"generation":1}"#, owner()),
        ("instance.reconnected", r#"{"generation":2}"#, owner()),
        ("instance.conflict", r#"{"generation":1}"#, None),
        ("instance.deleted", r#"{"revocation":"revoked"}"#, owner()),
    ];
    let happened = happened
        .map(|(kind, detail, actor)| (kind.to_owned(), detail.to_owned(), actor, Some(main.id)));
    assert_eq!(told, happened);
    let told = told_of(&store, two.id).await;
    assert_eq!(kinds(&told), ["instance.connected"]);
    assert_eq!(told[0].detail["beside"], one.id.0);
    store.close().await;
}

#[tokio::test]
async fn what_does_not_happen_is_not_told() {
    let home = Home::new().await;
    let store = home.open().await;
    let orphan = new_instance(TENANT, AppId(7), "orphan");
    let refused = store.insert_instance(&orphan).await;
    let what = "app";
    assert!(
        matches!(&refused, Err(StoreError::NotFound { what: found, .. }) if *found == what),
        "{refused:?}"
    );
    assert!(store.events(TENANT, None, 10).await.unwrap().is_empty());
    store.close().await;
}

#[tokio::test]
async fn events_come_newest_first_and_quarantine_outlives_its_instance() {
    let home = Home::new().await;
    let store = home.open().await;
    let main = app(&store, TENANT, "main").await;
    let made = instance(&store, &main, "a").await;
    let refreshed = NewEvent {
        tenant: TENANT.to_owned(),
        instance: Some(made.id),
        app: Some(main.id),
        kind: "instance.refreshed",
        detail: serde_json::json!({ "generation": 1 }),
        actor: None,
    };
    store.record_event(refreshed).await.unwrap();
    let answer = NewQuarantine {
        instance: made.id,
        tenant: TENANT.to_owned(),
        app: main.id,
        generation: 1,
        kind: QuarantineKind::Undecodable,
        blob: Secret::new("<html>"),
        now: at(1_800_000_000),
    };
    let id = store.quarantine(answer).await.unwrap();
    store.begin_delete(TENANT, made.id).await.unwrap();
    store.delete_instance(made.id, "revoked").await.unwrap();

    let all = [
        "instance.deleted",
        "instance.refreshed",
        "instance.connected",
        "app.created",
    ];
    assert_eq!(kinds(&store.events(TENANT, None, 10).await.unwrap()), all);
    let newest = store.events(TENANT, Some(made.id), 1).await.unwrap();
    assert_eq!(kinds(&newest), ["instance.deleted"]);
    assert!(store.events("other", None, 10).await.unwrap().is_empty());
    let mut before = None;
    for kind in all {
        let page = store.events_before(TENANT, None, before, 1).await.unwrap();
        before = page.last().map(|event| event.id);
        assert_eq!(kinds(&page), [kind]);
    }
    let rest = store.events_before(TENANT, None, before, 1).await.unwrap();
    assert!(rest.is_empty());
    let newest = newest.first().map(|event| event.id);
    let earlier = store.events_before(TENANT, Some(made.id), newest, 10);
    assert_eq!(kinds(&earlier.await.unwrap()), all[1..3]);

    let records = store.quarantined(TENANT).await.unwrap();
    assert_eq!(
        (records.len(), records[0].id, records[0].kind),
        (1, id, QuarantineKind::Undecodable)
    );
    let answer = store.quarantined_answer(&records[0], Purpose::Reveal);
    assert_eq!(answer.await.unwrap(), Secret::new("<html>"));
    assert!(store.quarantined("other").await.unwrap().is_empty());
    store.close().await;
}
