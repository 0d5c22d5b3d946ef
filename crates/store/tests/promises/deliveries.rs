//! Deliveries: what waits for a webhook waits until it is taken, and nobody is given it twice at once.

use std::collections::BTreeSet;
use std::time::Duration;

use tieline_core::WebhookId;
use tieline_store::{Delivery, FailedDelivery, Webhook, WebhookChanges};

use crate::home::{Home, TENANT, at};
use crate::webhooks::{claimed, found, happens, waiting, webhook};

const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn failed(
    webhook: &Webhook,
    delivery: &Delivery,
    pause: Option<Duration>,
) -> FailedDelivery {
    FailedDelivery {
        webhook: webhook.id,
        event: delivery.event.id,
        why: "answered 500".to_owned(),
        pause,
        patience: 5 * DAY,
    }
}

#[tokio::test]
async fn what_is_claimed_is_nobody_elses_until_the_claim_is_over() {
    let home = Home::new().await;
    let store = home.open().await;
    let one = webhook(&store, TENANT, &[]).await;
    for kind in ["instance.connected", "instance.refreshed", "app.refused"] {
        happens(&store, TENANT, kind).await;
    }
    let first = store.claim_deliveries(one.id, 2, MINUTE).await.unwrap();
    let kinds: Vec<_> = first.iter().map(|it| it.event.kind.as_str()).collect();
    assert_eq!(kinds, ["instance.connected", "instance.refreshed"]);
    assert_eq!(claimed(&store, &one).await[0].event.kind, "app.refused");
    assert!(claimed(&store, &one).await.is_empty());
    assert!(store.due_webhooks().await.unwrap().is_empty());
    store.delivered(one.id, first[0].event.id).await.unwrap();
    // Whoever claimed the others is gone.
    home.pass(&store, MINUTE, &[]).await;
    assert_eq!(store.due_webhooks().await.unwrap(), [one.id]);
    let again = claimed(&store, &one).await;
    assert_eq!(again.len(), 2);
    assert_eq!(again[0].attempts, 0);
    for delivery in again {
        store.delivered(one.id, delivery.event.id).await.unwrap();
    }
    assert_eq!(waiting(&store, &one).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_takers_one_gets_each() {
    let home = Home::new().await;
    let store = home.open().await;
    let one = webhook(&store, TENANT, &[]).await;
    for _ in 0..60 {
        happens(&store, TENANT, "instance.refreshed").await;
    }
    let takers: Vec<_> = (0..8)
        .map(|_| {
            let (store, id) = (store.clone(), one.id);
            tokio::spawn(async move {
                let mut taken = Vec::new();
                loop {
                    let some = store.claim_deliveries(id, 4, MINUTE).await.unwrap();
                    if some.is_empty() {
                        return taken;
                    }
                    assert!(some.len() <= 4);
                    taken.extend(some.into_iter().map(|delivery| delivery.event.id));
                    assert!(taken.len() <= 60, "the same again and again");
                }
            })
        })
        .collect();
    let mut taken = Vec::new();
    for taker in takers {
        taken.extend(taker.await.unwrap());
    }
    let each: BTreeSet<_> = taken.iter().copied().collect();
    assert_eq!((taken.len(), each.len()), (60, 60));
}

#[tokio::test]
async fn what_failed_waits_for_its_pause_and_says_what_came_of_it() {
    let home = Home::new().await;
    let store = home.open().await;
    let one = webhook(&store, TENANT, &[]).await;
    happens(&store, TENANT, "instance.connected").await;
    let delivery = claimed(&store, &one).await.remove(0);
    let pause = Some(Duration::from_secs(5));
    let over = store.delivery_failed(&failed(&one, &delivery, pause)).await;
    assert!(!over.unwrap());
    assert_eq!(
        found(&store, &one).await.failing_since,
        Some(at(1_800_000_000))
    );
    let waits = store.waiting_deliveries(TENANT, one.id, 10).await.unwrap();
    assert_eq!(
        (waits[0].attempts, waits[0].next_at),
        (1, at(1_800_000_005))
    );
    assert_eq!(waits[0].last.as_deref(), Some("answered 500"));
    home.pass(&store, Duration::from_millis(4_999), &[]).await;
    assert!(claimed(&store, &one).await.is_empty());
    home.pass(&store, Duration::from_millis(1), &[]).await;
    let again = claimed(&store, &one).await.remove(0);
    assert_eq!((again.event.id, again.attempts), (delivery.event.id, 1));
    // A second failure doesn't begin anew, a success does.
    store
        .delivery_failed(&failed(&one, &again, pause))
        .await
        .unwrap();
    assert_eq!(
        found(&store, &one).await.failing_since,
        Some(at(1_800_000_000))
    );
    store.delivered(one.id, again.event.id).await.unwrap();
    assert_eq!(found(&store, &one).await.failing_since, None);
    // The last attempt of all.
    happens(&store, TENANT, "instance.connected").await;
    let last = claimed(&store, &one).await.remove(0);
    store
        .delivery_failed(&failed(&one, &last, None))
        .await
        .unwrap();
    assert_eq!(waiting(&store, &one).await, 0);
    assert_eq!(found(&store, &one).await.disabled_at, None);
}

#[tokio::test]
async fn after_five_days_of_failing_it_is_disabled_and_that_is_told() {
    let home = Home::new().await;
    let store = home.open().await;
    let (one, other) = (
        webhook(&store, TENANT, &[]).await,
        webhook(&store, TENANT, &["webhook.disabled"]).await,
    );
    for _ in 0..3 {
        happens(&store, TENANT, "instance.refreshed").await;
    }
    let fail = async || {
        let delivery = claimed(&store, &one).await.remove(0);
        let failed = failed(&one, &delivery, Some(MINUTE));
        store.delivery_failed(&failed).await.unwrap()
    };
    assert!(!fail().await);
    home.pass(&store, 5 * DAY - Duration::from_millis(1), &[])
        .await;
    assert!(!fail().await);
    home.pass(&store, 2 * MINUTE, &[]).await;
    assert!(fail().await);
    let given_up = found(&store, &one).await;
    assert_eq!(given_up.disabled_why.as_deref(), Some("answered 500"));
    assert!(given_up.disabled_at.is_some());
    // Nothing waits for it any more, and nothing will.
    happens(&store, TENANT, "instance.refreshed").await;
    assert_eq!(waiting(&store, &one).await, 0);
    let told = claimed(&store, &other).await.remove(0);
    assert_eq!(told.event.detail["webhook"], one.id.0);
    // Once, however often it is said.
    store.disable_webhook(one.id, "again").await.unwrap();
    assert!(claimed(&store, &other).await.is_empty());
    // A straggler changes nothing.
    assert!(
        !store
            .delivery_failed(&failed(&one, &told, None))
            .await
            .unwrap()
    );
    let changes = WebhookChanges {
        enabled: Some(true),
        ..WebhookChanges::default()
    };
    let enabled = store.change_webhook(TENANT, one.id, &changes).await;
    let enabled = enabled.unwrap().unwrap();
    assert_eq!(
        (
            enabled.disabled_at,
            enabled.disabled_why,
            enabled.failing_since
        ),
        (None, None, None)
    );
    happens(&store, TENANT, "instance.refreshed").await;
    assert_eq!(waiting(&store, &one).await, 1);
}

#[tokio::test]
async fn what_waits_for_a_deleted_one_goes_with_it() {
    let home = Home::new().await;
    let store = home.open().await;
    let one = webhook(&store, TENANT, &[]).await;
    happens(&store, TENANT, "app.refused").await;
    let delivery = claimed(&store, &one).await.remove(0);
    assert!(store.delete_webhook(TENANT, one.id).await.unwrap());
    assert!(!store.delete_webhook(TENANT, one.id).await.unwrap());
    store.delivered(one.id, delivery.event.id).await.unwrap();
    home.pass(&store, 2 * MINUTE, &[]).await;
    assert!(store.due_webhooks().await.unwrap().is_empty());
    assert!(claimed(&store, &one).await.is_empty());
    happens(&store, TENANT, "app.recovered").await;
}

#[tokio::test]
async fn a_clock_that_was_wrong_by_years_delays_nothing_for_long() {
    let home = Home::new().await;
    let store = home.open().await;
    let one = webhook(&store, TENANT, &[]).await;
    home.pass(&store, 1_000 * DAY, &[]).await;
    happens(&store, TENANT, "app.refused").await;
    claimed(&store, &one).await;
    home.clock.set(at(1_800_000_000));
    home.pass(&store, Duration::ZERO, &[]).await;
    assert_eq!(claimed(&store, &one).await.len(), 1);
    assert!(claimed(&store, &one).await.is_empty());
}

#[tokio::test]
async fn those_that_were_given_up_are_found_and_those_that_were_put_aside_are_not() {
    let home = Home::new().await;
    let store = home.open().await;
    let (one, two) = (
        webhook(&store, TENANT, &[]).await,
        webhook(&store, "other", &[]).await,
    );
    let put_aside = webhook(&store, TENANT, &[]).await;
    let changes = WebhookChanges {
        enabled: Some(false),
        ..WebhookChanges::default()
    };
    let changed = store.change_webhook(TENANT, put_aside.id, &changes).await;
    assert!(changed.unwrap().unwrap().disabled_at.is_some());
    for given_up in [&one, &two] {
        let disabled = store.disable_webhook(given_up.id, "answered 410");
        disabled.await.unwrap();
    }
    let mut ids = [one.id, two.id];
    ids.sort();
    let first = store.given_up_webhooks(WebhookId(0), 1).await.unwrap();
    assert_eq!((first.len(), first[0].id), (1, ids[0]));
    let rest = store.given_up_webhooks(first[0].id, 10).await.unwrap();
    assert_eq!((rest.len(), rest[0].id), (1, ids[1]));
    assert_eq!(rest[0].disabled_why.as_deref(), Some("answered 410"));
    store.close().await;
}
