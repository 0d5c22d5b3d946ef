//! Webhooks of several processes at one database: one of them tells each event, and an event fails over none of them.

use std::collections::BTreeSet;
use std::time::Duration;

use tieline_core::Secret;
use tieline_store::{NewEvent, NewWebhook, Store, Webhook};

use crate::home::{Home, TENANT, Value};
use crate::shared_leases::waiting_for_a_lock;

const MINUTE: Duration = Duration::from_secs(60);

async fn webhook(store: &Store) -> Webhook {
    let new = NewWebhook {
        tenant: TENANT.to_owned(),
        url: "https://host.example/told".to_owned(),
        kinds: Vec::new(),
        secret: Secret::new("secret"),
    };
    store.create_webhook(new).await.unwrap()
}

async fn happens(store: &Store) {
    let event = NewEvent {
        tenant: TENANT.to_owned(),
        instance: None,
        app: None,
        kind: "app.refused",
        detail: serde_json::Value::Null,
        actor: None,
    };
    store.record_event(event).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_processes_one_takes_each_delivery() {
    let home = Home::new().await;
    let stores = [home.open().await, home.open().await, home.open().await];
    let one = webhook(&stores[0]).await;
    for _ in 0..90 {
        happens(&stores[1]).await;
    }
    let takers: Vec<_> = (0..9)
        .map(|n| {
            let (store, id) = (stores[n % stores.len()].clone(), one.id);
            tokio::spawn(async move {
                let mut taken = Vec::new();
                // What others are just taking is passed over, so there may be nothing for a moment.
                while !store.due_webhooks().await.unwrap().is_empty() {
                    let some = store.claim_deliveries(id, 4, MINUTE).await.unwrap();
                    assert!(some.len() <= 4, "{} at once", some.len());
                    taken.extend(some.into_iter().map(|delivery| delivery.event.id));
                    assert!(taken.len() <= 90, "the same again and again");
                }
                taken
            })
        })
        .collect();
    let mut taken = Vec::new();
    for taker in takers {
        taken.extend(taker.await.unwrap());
    }
    let each: BTreeSet<_> = taken.iter().copied().collect();
    assert_eq!((taken.len(), each.len()), (90, 90));
}

#[tokio::test]
async fn what_one_takes_just_now_keeps_nobody_waiting() {
    let home = Home::new().await;
    let store = home.open().await;
    let one = webhook(&store).await;
    happens(&store).await;
    happens(&store).await;
    let mut other = home.database().await;
    other.run("BEGIN", &[]).await;
    let first = "SELECT event FROM deliveries ORDER BY event LIMIT 1 FOR UPDATE";
    let locked = other.number(first, &[]).await;
    let taken = store.claim_deliveries(one.id, 4, MINUTE).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_ne!(taken[0].event.id, locked);
    other.run("ROLLBACK", &[]).await;
    other.close().await;
}

#[tokio::test]
async fn an_event_does_not_fail_over_a_webhook_that_is_just_deleted() {
    let home = Home::new().await;
    let store = home.open().await;
    let one = webhook(&store).await;
    let stays = webhook(&store).await;
    let mut other = home.database().await;
    other.run("BEGIN", &[]).await;
    let delete = "DELETE FROM webhooks WHERE id = $1";
    other.run(delete, &[Value::Id(one.id.0)]).await;
    let telling = {
        let store = store.clone();
        tokio::spawn(async move { happens(&store).await })
    };
    waiting_for_a_lock(&home).await;
    other.run("COMMIT", &[]).await;
    other.close().await;
    telling.await.unwrap();
    assert_eq!(store.events(TENANT, None, 10).await.unwrap().len(), 1);
    assert_eq!(store.due_webhooks().await.unwrap(), [stays.id]);
}
