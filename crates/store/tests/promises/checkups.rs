//! What a store can say of its own health, over all tenants.

use std::time::Duration;

use tieline_core::{AppId, InstanceId};
use tieline_store::{NewEvent, NewQuarantine, QuarantineKind, Store};

use crate::home::{Home, TENANT, Value, app, at, begin, instance, opened, taken};

async fn quarantined(store: &Store, tenant: &str, instance: InstanceId, second: i64) {
    let answer = NewQuarantine {
        instance,
        tenant: tenant.to_owned(),
        app: AppId(1),
        generation: 1,
        kind: QuarantineKind::Conflict,
        blob: tieline_core::Secret::new("an answer"),
        now: at(second),
    };
    store.quarantine(answer).await.unwrap();
}

#[tokio::test]
async fn it_can_be_written_and_nothing_is_left_of_the_probe() {
    let home = Home::new().await;
    let store = home.open().await;
    store.probe_write().await.unwrap();
    let mut database = home.database().await;
    let count = "SELECT count(*) FROM marks WHERE name = 'probe'";
    assert_eq!(database.number(count, &[]).await, 0);
    database.close().await;
    // Whether the database has such a check or not: it finds nothing.
    store.quick_check().await.unwrap();
    store.close().await;
    assert!(store.probe_write().await.is_err());
}

#[tokio::test]
async fn apps_and_rejected_instances_of_all_tenants_come_in_pages() {
    let home = Home::new().await;
    let store = home.open().await;
    let mut apps = Vec::new();
    for tenant in [TENANT, "other"] {
        let app = app(&store, tenant, "main").await;
        instance(&store, &app, "well").await;
        let rejected = instance(&store, &app, "rejected").await;
        taken(store.begin_refresh(begin(rejected.id, 1, 7)).await.unwrap());
        store.count_rejection(rejected.id, 7).await.unwrap();
        apps.push(app.id);
    }
    apps.sort();
    let mut found = Vec::new();
    while let Some(app) = store
        .all_apps(found.last().copied().unwrap_or(AppId(0)), 1)
        .await
        .unwrap()
        .pop()
    {
        found.push(app.id);
    }
    assert_eq!(found, apps);
    let first = store.rejected(InstanceId(0), 1).await.unwrap();
    let second = store.rejected(first[0].id, 5).await.unwrap();
    let names = [&first[0], &second[0]].map(|instance| instance.name.as_deref());
    assert_eq!((names, second.len()), ([Some("rejected"); 2], 1));
    store.close().await;
}

#[tokio::test]
async fn quarantine_is_counted_by_instance_the_latest_first() {
    let home = Home::new().await;
    let (store, made) = opened(&home).await;
    assert_eq!(store.quarantine_groups(5).await.unwrap(), (Vec::new(), 0));
    quarantined(&store, TENANT, made.id, 100).await;
    quarantined(&store, TENANT, made.id, 101).await;
    quarantined(&store, "other", InstanceId(4711), 200).await;
    let (groups, all) = store.quarantine_groups(1).await.unwrap();
    assert_eq!((groups.len(), all), (1, 2));
    assert_eq!((&*groups[0].tenant, groups[0].answers), ("other", 1));
    let (groups, _) = store.quarantine_groups(5).await.unwrap();
    assert_eq!((groups[1].answers, groups[1].last), (2, at(101)));
    store.close().await;
}

#[tokio::test]
async fn the_newest_event_and_the_keys_are_told() {
    let home = Home::new().await;
    let store = home.open().await;
    assert_eq!(store.newest_event().await.unwrap(), None);
    store.close().await;
    let (store, made) = opened(&home).await;
    home.pass(&store, Duration::from_secs(1), &[]).await;
    let event = NewEvent {
        tenant: TENANT.to_owned(),
        instance: Some(made.id),
        app: None,
        kind: "instance.refreshed",
        detail: serde_json::json!({}),
        actor: None,
    };
    store.record_event(event).await.unwrap();
    assert_eq!(store.newest_event().await.unwrap(), Some(at(1_800_000_001)));
    if let Some(shown) = store.database_clock().await.unwrap() {
        assert_eq!(shown, at(1_800_000_001));
    }
    let keys = store.keys_in_use().await.unwrap();
    assert_eq!(
        (keys.active, &*keys.retired, keys.to_reseal),
        (1, &[][..], 0)
    );
    let mut database = home.database().await;
    let damage = "UPDATE instances SET access_token = $2 WHERE id = $1";
    let blob = vec![1; 80];
    let values = [Value::Id(made.id.0), Value::Blob(blob)];
    database.run(damage, &values).await;
    database.close().await;
    // A row that doesn't open keeps the old key.
    store.rotate_data_key(&mut |_| ()).await.unwrap();
    let keys = store.keys_in_use().await.unwrap();
    assert_eq!((keys.active, keys.to_reseal), (2, 1));
    let place = store.place();
    assert!(!place.is_empty() && !place.contains('@'), "{place}");
    store.close().await;
}
