//! Tenants and their API keys; and that whoever does something is named in the event that is written with it.

use tieline_core::{ApiKeyId, Timestamp};
use tieline_store::{
    ApiKey, DEFAULT_TENANT, Event, NewApiKey, Permission, Permissions, Store, StoreError, Tenant,
};

use crate::home::{Home, TENANT, Value, app, at, instance};

fn new_key(tenant: &str, hash: u8) -> NewApiKey {
    NewApiKey {
        tenant: tenant.to_owned(),
        name: Some(format!("key {hash}")),
        permissions: [Permission::Read, Permission::Token].into_iter().collect(),
        key_hash: [hash; 32],
        hint: format!("{hash:04}"),
    }
}

async fn key(store: &Store, tenant: &str, hash: u8) -> ApiKey {
    store.create_api_key(new_key(tenant, hash)).await.unwrap()
}

fn ids(tenants: &[Tenant]) -> Vec<&str> {
    tenants.iter().map(|tenant| &*tenant.id).collect()
}

/// Kind and actor of a tenant's events, the oldest first.
async fn told(store: &Store, tenant: &str) -> Vec<(String, Option<String>)> {
    let events = store.events(tenant, None, 100).await.unwrap();
    let told = events.into_iter().rev();
    told.map(|event| (event.kind, event.actor)).collect()
}

#[tokio::test]
async fn tenants_come_back_as_they_were_made_and_default_is_always_there() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = store.create_tenant("acme", Some("Acme")).await.unwrap();
    assert_eq!(made.created_at, at(1_800_000_000));
    for id in ["b.c", "a-0", "0_a"] {
        store.create_tenant(id, None).await.unwrap();
    }
    store.close().await;

    let store = home.open().await;
    assert_eq!(store.tenant("acme").await.unwrap(), Some(made.clone()));
    let all = store.tenants(None, 10).await.unwrap();
    assert_eq!(ids(&all), ["0_a", "a-0", "acme", "b.c", DEFAULT_TENANT]);
    let page = store.tenants(Some("a-0"), 2).await.unwrap();
    assert_eq!(ids(&page), ["acme", "b.c"]);

    let renamed = store.rename_tenant("acme", Some("Acme & Co")).await;
    let renamed = renamed.unwrap().unwrap();
    assert_eq!(renamed.name.as_deref(), Some("Acme & Co"));
    assert_eq!(renamed.created_at, made.created_at);
    let nameless = store.rename_tenant("acme", None).await.unwrap().unwrap();
    assert_eq!(nameless.name, None);
    assert_eq!(store.rename_tenant("nobody", None).await.unwrap(), None);

    let again = store.create_tenant("acme", None).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    for wrong in ["", "A", "a/b", "a\0"] {
        let refused = store.create_tenant(wrong, None).await;
        assert!(
            matches!(refused, Err(StoreError::Invalid(_))),
            "{refused:?}"
        );
    }
    // Nor are they looked for.
    for nobody in ["", "A", "a/b", "a\0"] {
        assert_eq!(store.tenant(nobody).await.unwrap(), None);
        assert_eq!(store.rename_tenant(nobody, None).await.unwrap(), None);
        assert!(!store.delete_tenant(nobody).await.unwrap());
        let keys = store.api_keys(Some(nobody), None, 1).await.unwrap();
        assert!(keys.is_empty(), "{keys:?}");
        let key = store.create_api_key(new_key(nobody, 1)).await;
        assert!(matches!(key, Err(StoreError::NotFound { .. })), "{key:?}");
        let page = store.tenants(Some(nobody), 1).await;
        assert!(matches!(page, Err(StoreError::Invalid(_))), "{page:?}");
    }
    let refused = store.rename_tenant("acme", Some("a\0b")).await;
    assert!(
        matches!(refused, Err(StoreError::Invalid(_))),
        "{refused:?}"
    );
    let refused = store.delete_tenant(DEFAULT_TENANT).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    assert!(store.tenant(DEFAULT_TENANT).await.unwrap().is_some());
    store.close().await;
}

#[tokio::test]
async fn a_tenant_goes_when_nothing_of_it_is_left_and_takes_its_keys_with_it() {
    let home = Home::new().await;
    let store = home.open().await;
    for id in ["acme", "other"] {
        store.create_tenant(id, None).await.unwrap();
    }
    key(&store, "acme", 1).await;
    key(&store, "other", 2).await;
    let main = app(&store, "acme", "main").await;
    let made = [
        instance(&store, &main, "a").await.id,
        instance(&store, &main, "b").await.id,
    ];
    let refused = store.delete_tenant("acme").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the tenant \"acme\" still has 1 app and 2 instances: disconnect the instances, then delete the apps"
    );
    for id in made {
        store.begin_delete("acme", id).await.unwrap();
        store.delete_instance(id, "revoked").await.unwrap();
    }
    let refused = store.delete_tenant("acme").await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    // Nothing was changed by that.
    assert!(store.api_key_by_hash(&[1; 32]).await.unwrap().is_some());
    store.delete_app("acme", main.id).await.unwrap();

    assert!(store.delete_tenant("acme").await.unwrap());
    assert!(!store.delete_tenant("acme").await.unwrap());
    assert_eq!(store.tenant("acme").await.unwrap(), None);
    assert!(store.api_key_by_hash(&[1; 32]).await.unwrap().is_none());
    assert!(store.api_key_by_hash(&[2; 32]).await.unwrap().is_some());
    let told = told(&store, DEFAULT_TENANT).await;
    let kinds: Vec<_> = told.iter().map(|(kind, _)| &**kind).collect();
    assert_eq!(
        kinds,
        ["tenant.created", "tenant.created", "tenant.deleted"]
    );
    store.close().await;
}

#[tokio::test]
async fn webhooks_do_not_outlive_their_tenant() {
    let home = Home::new().await;
    let store = home.open().await;
    store.create_tenant("acme", None).await.unwrap();
    let mut database = home.database().await;
    for (id, tenant) in [
        (
            1,
            "INSERT INTO webhooks (id, tenant, url, kinds, secret, created_at) VALUES ($1, 'acme', '', '[]', $2, 0)",
        ),
        (
            2,
            "INSERT INTO webhooks (id, tenant, url, kinds, secret, created_at) VALUES ($1, 'other', '', '[]', $2, 0)",
        ),
    ] {
        database
            .run(tenant, &[Value::Id(id), Value::Blob(vec![1])])
            .await;
    }
    store.delete_tenant("acme").await.unwrap();
    let left = "SELECT id FROM webhooks WHERE id <> $1";
    assert_eq!(database.number(left, &[Value::Id(0)]).await, 2);
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn an_api_key_is_found_by_its_hash_and_listed_without_it() {
    let home = Home::new().await;
    let store = home.open().await;
    store.create_tenant("acme", None).await.unwrap();
    let mine = key(&store, TENANT, 1).await;
    let theirs = [key(&store, "acme", 2).await, key(&store, "acme", 3).await];
    store.close().await;

    let store = home.open().await;
    let found = store.api_key_by_hash(&[1; 32]).await.unwrap().unwrap();
    let json = |key: &ApiKey| serde_json::to_value(key).unwrap();
    assert_eq!(json(&found), json(&mine));
    assert_eq!(found.permissions.to_string(), "read, token");
    assert!(store.api_key_by_hash(&[4; 32]).await.unwrap().is_none());

    let mut expected = theirs.map(|key| key.id);
    expected.sort();
    let list = async |tenant, after, limit| {
        let keys = store.api_keys(tenant, after, limit).await.unwrap();
        keys.iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert_eq!(list(Some("acme"), None, 10).await, expected);
    assert_eq!(list(Some("acme"), None, 1).await, expected[..1]);
    let after = Some(expected[0]);
    assert_eq!(list(Some("acme"), after, 10).await, expected[1..]);
    assert_eq!(list(Some(TENANT), None, 10).await, [mine.id]);
    assert_eq!(list(Some("nobody"), None, 10).await, []);
    assert_eq!(list(None, None, 10).await.len(), 3);

    let refused = store.create_api_key(new_key("nobody", 5)).await;
    let Err(StoreError::NotFound { what, name }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((what, &*name), ("tenant", "nobody"));
    let useless = NewApiKey {
        permissions: Permissions::NONE,
        ..new_key(TENANT, 5)
    };
    let refused = store.create_api_key(useless).await;
    assert!(
        matches!(refused, Err(StoreError::Invalid(_))),
        "{refused:?}"
    );
    // Nothing of these is there, nor told.
    assert!(store.api_key_by_hash(&[5; 32]).await.unwrap().is_none());
    assert_eq!(store.events("nobody", None, 10).await.unwrap().len(), 0);
    assert!(store.create_api_key(new_key(TENANT, 1)).await.is_err());
    store.close().await;
}

#[tokio::test]
async fn a_key_is_revoked_once_and_by_its_own_tenant() {
    let home = Home::new().await;
    let store = home.open().await;
    store.create_tenant("acme", None).await.unwrap();
    let made = key(&store, "acme", 1).await;
    let other = store.revoke_api_key(Some(TENANT), made.id).await.unwrap();
    assert!(other.is_none(), "{other:?}");
    let found = store.api_key_by_hash(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(found.revoked_at, None);

    let owner = store.acting_as(Some("owner"));
    let revoked = owner.revoke_api_key(Some("acme"), made.id).await;
    assert_eq!(
        revoked.unwrap().unwrap().revoked_at,
        Some(at(1_800_000_000))
    );
    home.pass(&store, std::time::Duration::from_secs(60), &[])
        .await;
    let again = store.revoke_api_key(None, made.id).await.unwrap().unwrap();
    assert_eq!(again.revoked_at, Some(at(1_800_000_000)), "since when");
    let found = store.api_key_by_hash(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(at(1_800_000_000)));
    let nobodys = store.revoke_api_key(None, ApiKeyId(4711)).await.unwrap();
    assert!(nobodys.is_none(), "{nobodys:?}");
    let owner = Some("owner".to_owned());
    assert_eq!(
        told(&store, "acme").await,
        [
            ("api_key.created".to_owned(), None),
            ("api_key.revoked".to_owned(), owner)
        ]
    );
    store.close().await;
}

#[tokio::test]
async fn a_use_is_noted_once_an_hour() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = key(&store, TENANT, 1).await;
    for (minutes, noted) in [(0, 0), (59, 0), (60, 60), (61, 60), (119, 60), (180, 180)] {
        let now = at(1_800_000_000 + minutes * 60);
        home.clock.set(now);
        let key = async || store.api_key_by_hash(&[1; 32]).await.unwrap().unwrap();
        let is_worth_it = key().await.is_worth_noting(now);
        assert_eq!(is_worth_it, noted == minutes, "{minutes} minutes");
        store.note_api_key_used(made.id).await.unwrap();
        let noted = at(1_800_000_000 + noted * 60);
        assert_eq!(key().await.last_used_at, Some(noted), "{minutes} minutes");
    }
    // Before there was a clock.
    home.clock.set(Timestamp::MIN);
    store.note_api_key_used(made.id).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn what_is_done_to_apps_is_told_with_who_did_it() {
    let home = Home::new().await;
    let store = home.open().await;
    let acting = store.acting_as(Some("api-key:7"));
    let made = app(&acting, TENANT, "main").await;
    let changed = store.set_app_parameters(&made, [].into(), None).await;
    let changed = changed.unwrap();
    // Somebody who comes late changes nothing, and nothing is told.
    let late = acting.set_app_parameters(&made, [].into(), None).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    instance(&store, &changed, "a").await;
    let refused = acting.delete_app(TENANT, made.id).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    let other = app(&store, TENANT, "other").await;
    assert!(acting.delete_app(TENANT, other.id).await.unwrap());
    assert!(!acting.delete_app(TENANT, other.id).await.unwrap());
    let twice = store.create_app(tieline_store::NewApp {
        tenant: TENANT.to_owned(),
        provider: "acme".to_owned(),
        name: "main".to_owned(),
        redirect_uri: None,
        endpoints: [].into(),
        context: tieline_core::random::context().unwrap(),
        confirm_url: None,
        return_origins: Vec::new(),
        parameters: [].into(),
    });
    assert!(twice.await.is_err());

    let events: Vec<Event> = store.events(TENANT, None, 100).await.unwrap();
    let told: Vec<_> = events
        .iter()
        .rev()
        .map(|event| (&*event.kind, event.app, event.actor.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("app.created", Some(made.id), Some("api-key:7")),
            ("app.changed", Some(made.id), None),
            ("instance.connected", Some(made.id), None),
            ("app.created", Some(other.id), None),
            ("app.deleted", Some(other.id), Some("api-key:7")),
        ]
    );
    let detail = serde_json::json!({ "provider": "acme", "name": "main", "version": 2 });
    assert_eq!(events[3].detail, detail);
    assert_eq!(
        serde_json::to_value(&events[0]).unwrap()["actor"],
        "api-key:7"
    );
    store.close().await;
}
