//! Webhooks: every event waits for every webhook that wants it, and for nobody else.

use std::time::Duration;

use tieline_core::{Secret, WebhookId};
use tieline_store::{
    Committed, Delivery, EVENT_KINDS, NewEvent, NewWebhook, Purpose, Store, StoreError, Webhook,
    WebhookChanges,
};

use crate::deliveries::{DAY, failed};
use crate::home::{Home, TENANT, at, begin, commit, opened, taken};

const MINUTE: Duration = Duration::from_secs(60);

pub(crate) async fn webhook(store: &Store, tenant: &str, kinds: &[&str]) -> Webhook {
    let new = NewWebhook {
        tenant: tenant.to_owned(),
        url: format!("https://{tenant}.example/told"),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        secret: Secret::new(format!("secret of {tenant}")),
    };
    store.create_webhook(new).await.unwrap()
}

pub(crate) async fn happens(store: &Store, tenant: &str, kind: &'static str) {
    let event = NewEvent {
        tenant: tenant.to_owned(),
        instance: None,
        app: None,
        kind,
        detail: serde_json::json!({ "more": "of it" }),
        actor: None,
    };
    store.record_event(event).await.unwrap();
}

pub(crate) async fn claimed(store: &Store, webhook: &Webhook) -> Vec<Delivery> {
    store
        .claim_deliveries(webhook.id, 100, MINUTE)
        .await
        .unwrap()
}

pub(crate) async fn found(store: &Store, webhook: &Webhook) -> Webhook {
    store.webhook_by_id(webhook.id).await.unwrap().unwrap()
}

pub(crate) async fn waiting(store: &Store, webhook: &Webhook) -> usize {
    let waiting = store.waiting_deliveries(&webhook.tenant, webhook.id, 1_000);
    waiting.await.unwrap().len()
}

#[tokio::test]
async fn a_secret_opens_for_its_tenant_and_stands_nowhere_in_the_clear() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = webhook(&store, TENANT, &["instance.connected"]).await;
    let all = store.webhooks(TENANT).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].id, &all[0].url, &all[0].kinds),
        (made.id, &made.url, &made.kinds)
    );
    let secret = store.webhook_secret(&all[0], Purpose::Sign).await.unwrap();
    assert_eq!(secret, Secret::new("secret of default"));
    assert_eq!(store.openings()[&Purpose::Sign], 1);
    let shown = format!("{made:?} {}", serde_json::to_string(&made).unwrap());
    assert!(!shown.contains("secret of"), "{shown}");
    let mut moved = made.clone();
    moved.tenant = "other".to_owned();
    let error = store
        .webhook_secret(&moved, Purpose::Sign)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn nothing_crosses_tenants() {
    let home = Home::new().await;
    let store = home.open().await;
    let (mine, theirs) = (
        webhook(&store, TENANT, &[]).await,
        webhook(&store, "other", &[]).await,
    );
    happens(&store, "other", "instance.connected").await;
    assert_eq!(store.due_webhooks().await.unwrap(), [theirs.id]);
    assert_eq!(waiting(&store, &mine).await, 0);
    assert!(store.webhook(TENANT, theirs.id).await.unwrap().is_none());
    let changes = WebhookChanges {
        enabled: Some(false),
        ..WebhookChanges::default()
    };
    let changed = store.change_webhook(TENANT, theirs.id, &changes).await;
    assert!(changed.unwrap().is_none());
    assert!(!store.delete_webhook(TENANT, theirs.id).await.unwrap());
    let seen = store.waiting_deliveries(TENANT, theirs.id, 10).await;
    assert_eq!(seen.unwrap(), []);
    assert_eq!(waiting(&store, &theirs).await, 1);
    let delivery = claimed(&store, &theirs).await.remove(0);
    assert_eq!(delivery.event.tenant, "other");
}

#[tokio::test]
async fn of_the_kinds_it_wants_and_of_nothing_before_it() {
    let home = Home::new().await;
    let (store, instance) = opened(&home).await;
    happens(&store, TENANT, "instance.connected").await;
    let all = webhook(&store, TENANT, &[]).await;
    let some = webhook(
        &store,
        TENANT,
        &["instance.refreshed", "instance.reconnected"],
    )
    .await;
    taken(store.begin_refresh(begin(instance.id, 1, 7)).await.unwrap());
    let committed = store
        .commit_refresh(&commit(instance.id, 1, 7, "b"))
        .await
        .unwrap();
    assert!(matches!(committed, Committed::Done(_)));
    happens(&store, TENANT, "app.refused").await;
    // The refresh was committed by a clock that is ahead.
    home.pass(&store, 2 * MINUTE, &[]).await;
    let told = async |webhook| {
        let deliveries = claimed(&store, webhook).await;
        let kinds = deliveries
            .into_iter()
            .map(|delivery| delivery.event.kind)
            .collect::<Vec<_>>();
        kinds.join(" ")
    };
    assert_eq!(told(&all).await, "instance.refreshed app.refused");
    assert_eq!(told(&some).await, "instance.refreshed");
    // The provider is told by the app.
    home.pass(&store, 2 * MINUTE, &[]).await;
    let again = claimed(&store, &some).await;
    assert_eq!(again[0].provider.as_deref(), Some("acme"));
    assert_eq!(again[0].event.instance, Some(instance.id));
}

#[tokio::test]
async fn changes_change_what_they_name() {
    let home = Home::new().await;
    let store = home.open().await;
    let one = webhook(&store, TENANT, &["app.refused"]).await;
    happens(&store, TENANT, "app.refused").await;
    let delivery = claimed(&store, &one).await.remove(0);
    let failed = failed(&one, &delivery, Some(DAY / 2));
    store.delivery_failed(&failed).await.unwrap();
    let kinds = WebhookChanges {
        kinds: Some(Vec::new()),
        ..WebhookChanges::default()
    };
    let changed = store.change_webhook(TENANT, one.id, &kinds).await.unwrap();
    let changed = changed.unwrap();
    assert_eq!((&changed.url, changed.kinds.len()), (&one.url, 0));
    assert!(changed.failing_since.is_some());
    assert!(claimed(&store, &one).await.is_empty());
    // At another place everything is tried at once, and begins anew.
    let elsewhere = WebhookChanges {
        url: Some("https://elsewhere.example/".to_owned()),
        ..WebhookChanges::default()
    };
    let changed = store.change_webhook(TENANT, one.id, &elsewhere).await;
    let changed = changed.unwrap().unwrap();
    assert_eq!(
        (changed.url.as_str(), changed.failing_since),
        ("https://elsewhere.example/", None)
    );
    assert_eq!(claimed(&store, &one).await.len(), 1);
    let secret = store.webhook_secret(&changed, Purpose::Check).await;
    assert_eq!(secret.unwrap(), Secret::new("secret of default"));
    let off = WebhookChanges {
        enabled: Some(false),
        ..WebhookChanges::default()
    };
    let changed = store.change_webhook(TENANT, one.id, &off).await.unwrap();
    assert_eq!(changed.unwrap().disabled_at, Some(at(1_800_000_000)));
    assert_eq!(waiting(&store, &one).await, 0);
}

#[tokio::test]
async fn a_rotated_key_still_opens_its_secret() {
    let home = Home::new().await;
    let store = home.open().await;
    let one = webhook(&store, TENANT, &[]).await;
    let report = store.rotate_data_key(&mut |_| ()).await.unwrap();
    assert_eq!((report.resealed, report.removed_keys), (1, vec![1]));
    store.close().await;
    let store = home.open().await;
    let one = found(&store, &one).await;
    let secret = store.webhook_secret(&one, Purpose::Sign).await.unwrap();
    assert_eq!(secret, Secret::new("secret of default"));
}

#[tokio::test]
async fn there_are_so_many_and_no_more() {
    let home = Home::new().await;
    let store = home.open().await;
    for _ in 0..50 {
        webhook(&store, TENANT, &[]).await;
    }
    webhook(&store, "other", &[]).await;
    let new = NewWebhook {
        tenant: TENANT.to_owned(),
        url: "https://one.too.many.example/".to_owned(),
        kinds: Vec::new(),
        secret: Secret::new("secret"),
    };
    let error = store.create_webhook(new).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)), "{error}");
    assert!(error.to_string().contains("50 webhooks"), "{error}");
    assert!(store.webhook_by_id(WebhookId(1)).await.unwrap().is_none());
}

#[test]
fn the_kinds_are_sorted_and_each_stands_there_once() {
    assert!(EVENT_KINDS.windows(2).all(|two| two[0].name < two[1].name));
}
