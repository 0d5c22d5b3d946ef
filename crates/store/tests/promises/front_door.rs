//! What was called back is parked for one confirmation, a link starts one authorization, and an instance is found by its tags.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tieline_core::{AppId, AuthorizationId, Secret};
use tieline_store::{
    App, Binding, Instance, InstanceQuery, NewAuthorization, NewLink, NewParked, Relabel, Store,
    StoreError, TakenAuthorization,
};

use crate::given::new_instance;
use crate::home::{Home, TENANT, app, at};

async fn called_back(store: &Store, app: AppId) -> TakenAuthorization {
    let new = NewAuthorization {
        tenant: TENANT.to_owned(),
        app,
        state_hash: [1; 32],
        verifier: Some(Secret::new("verifier")),
        redirect_uri: "https://example.com/callback/1".to_owned(),
        scopes: vec!["full".to_owned()],
        binding: Binding::Confirm,
        user: Some("ada".to_owned()),
        browser_hash: None,
        instance: None,
        instance_name: Some("books".to_owned()),
        tags: vec!["blue".to_owned()],
        parameters: BTreeMap::from([("site".to_owned(), "hl214".to_owned())]),
        return_to: Some("/settings".to_owned()),
        expires_at: at(1_800_000_600),
    };
    store.start_authorization(new).await.unwrap();
    store.take_authorization(&[1; 32]).await.unwrap().unwrap()
}

async fn parked(store: &Store, app: AppId) -> AuthorizationId {
    let taken = called_back(store, app).await;
    let new = NewParked {
        taken: &taken,
        callback: &Secret::new("code=c&state=s"),
        ticket_hash: [2; 32],
        expires_at: at(1_800_000_060),
    };
    store.park_authorization(&new).await.unwrap();
    taken.id
}

fn link(app: AppId) -> NewLink {
    NewLink {
        tenant: TENANT.to_owned(),
        app,
        token_hash: [3; 32],
        user: "ada".to_owned(),
        scopes: Some(vec!["full".to_owned()]),
        instance: None,
        instance_name: None,
        tags: vec!["blue".to_owned()],
        return_to: None,
        expires_at: at(1_800_000_600),
    }
}

#[tokio::test]
async fn what_is_parked_comes_back_whole_and_once() {
    let home = Home::new().await;
    let store = home.open().await;
    let id = parked(&store, app(&store, TENANT, "main").await.id).await;
    store.close().await;

    let store = home.open().await;
    let takers = (0..8).map(|_| store.take_parked(TENANT, id, &[2; 32]));
    let mut taken: Vec<_> = join_all(takers)
        .await
        .into_iter()
        .filter_map(Result::unwrap)
        .collect();
    assert_eq!(taken.len(), 1);
    let unparked = taken.remove(0);
    assert_eq!(unparked.callback.expose(), "code=c&state=s");
    let taken = unparked.taken;
    assert_eq!(taken.id, id);
    assert_eq!(taken.verifier.unwrap().expose(), "verifier");
    assert_eq!(taken.user.as_deref(), Some("ada"));
    assert_eq!(taken.tags, ["blue"]);
    assert_eq!(taken.return_to.as_deref(), Some("/settings"));
    assert_eq!(taken.parameters["site"], "hl214");
    assert_eq!(taken.expires_at, at(1_800_000_060));
    store.close().await;
}

#[tokio::test]
async fn a_wrong_ticket_or_tenant_takes_nothing() {
    let home = Home::new().await;
    let store = home.open().await;
    let id = parked(&store, app(&store, TENANT, "main").await.id).await;
    for (tenant, ticket) in [(TENANT, [9; 32]), ("other", [2; 32])] {
        assert!(
            store
                .take_parked(tenant, id, &ticket)
                .await
                .unwrap()
                .is_none()
        );
    }
    assert!(
        store
            .take_parked(TENANT, id, &[2; 32])
            .await
            .unwrap()
            .is_some()
    );
    store.close().await;
}

#[tokio::test]
async fn a_link_is_looked_at_often_and_taken_once() {
    let home = Home::new().await;
    let store = home.open().await;
    let app = app(&store, TENANT, "main").await;
    let made = store.create_link(link(app.id)).await.unwrap();
    for _ in 0..2 {
        let seen = store.link(&[3; 32]).await.unwrap().unwrap();
        assert_eq!(seen.id, made.id);
        assert_eq!(seen.made_of.scopes, Some(vec!["full".to_owned()]));
        assert_eq!(seen.made_of.tags, ["blue"]);
    }
    let takers = (0..8).map(|_| store.take_link(&[3; 32]));
    let taken = join_all(takers).await;
    assert_eq!(
        taken
            .into_iter()
            .filter_map(Result::unwrap)
            .map(|link| link.id)
            .collect::<Vec<_>>(),
        [made.id]
    );
    assert!(store.link(&[3; 32]).await.unwrap().is_none());
    let nowhere = NewLink {
        app: AppId(7),
        ..link(app.id)
    };
    let error = store.create_link(nowhere).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    store.close().await;
}

#[tokio::test]
async fn what_expired_is_cleared_away() {
    let home = Home::new().await;
    let store = home.open().await;
    let app = app(&store, TENANT, "main").await;
    parked(&store, app.id).await;
    store.create_link(link(app.id)).await.unwrap();
    assert_eq!(store.purge_front_door(at(1_800_000_060)).await.unwrap(), 0);
    assert_eq!(store.purge_front_door(at(1_800_000_061)).await.unwrap(), 1);
    assert_eq!(store.purge_front_door(at(1_800_000_601)).await.unwrap(), 1);
    store.close().await;
}

async fn labelled(store: &Store, app: &App, user: &str, tags: &[&str]) -> Instance {
    let mut new = new_instance(TENANT, app.id, user);
    new.user = Some(user.to_owned());
    new.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    store.insert_instance(&new).await.unwrap()
}

#[tokio::test]
async fn instances_are_found_by_user_and_tag() {
    let home = Home::new().await;
    let store = home.open().await;
    let app = app(&store, TENANT, "main").await;
    let ada = labelled(&store, &app, "ada", &["blue", "x \"y\" 'z'"]).await;
    let bob = labelled(&store, &app, "bob", &["blue"]).await;
    let found = async |user: Option<&str>, tag: Option<&str>| {
        let query = InstanceQuery {
            user: user.map(str::to_owned),
            tag: tag.map(str::to_owned),
            ..InstanceQuery::of(TENANT)
        };
        let mut ids: Vec<_> = store.instances(query).await.unwrap();
        ids.sort_by_key(|instance| instance.created_at);
        ids.iter().map(|found| found.id).collect::<Vec<_>>()
    };
    let mut both = vec![ada.id, bob.id];
    both.sort();
    let mut blue = found(None, Some("blue")).await;
    blue.sort();
    assert_eq!(blue, both);
    assert_eq!(found(Some("ada"), None).await, [ada.id]);
    assert_eq!(found(Some("bob"), Some("blue")).await, [bob.id]);
    assert_eq!(found(None, Some("x \"y\" 'z'")).await, [ada.id]);

    let red = Relabel {
        name: None,
        tags: Some(vec!["red".to_owned()]),
    };
    let relabelled = store.relabel(TENANT, ada.id, &red).await.unwrap().unwrap();
    assert_eq!(
        (relabelled.name, relabelled.tags),
        (ada.name, vec!["red".to_owned()])
    );
    assert_eq!(found(None, Some("blue")).await, [bob.id]);
    assert_eq!(found(None, Some("red")).await, [ada.id]);
    assert!(
        store
            .relabel("other", ada.id, &red)
            .await
            .unwrap()
            .is_none()
    );

    store.begin_delete(TENANT, ada.id).await.unwrap().unwrap();
    assert!(store.delete_instance(ada.id, "revoked").await.unwrap());
    assert_eq!(found(None, Some("red")).await, []);
    store.close().await;
}

#[tokio::test]
async fn an_instance_is_taken_out_of_use_once() {
    let home = Home::new().await;
    let store = home.open().await;
    let app = app(&store, TENANT, "main").await;
    let made = labelled(&store, &app, "ada", &[]).await;
    for _ in 0..2 {
        let disabled = store.set_disabled(TENANT, made.id, true).await.unwrap();
        assert!(disabled.unwrap().disabled_at.is_some());
    }
    let enabled = store.set_disabled(TENANT, made.id, false).await.unwrap();
    assert_eq!(enabled.unwrap().disabled_at, None);
    let other = store.set_disabled("other", made.id, true).await.unwrap();
    assert!(other.is_none());
    let events = store.events(TENANT, Some(made.id), 10).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    let told = [
        "instance.enabled",
        "instance.disabled",
        "instance.connected",
    ];
    assert_eq!(kinds, told);
    store.close().await;
}
