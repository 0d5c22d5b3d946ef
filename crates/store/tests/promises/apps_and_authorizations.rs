//! Apps keep to their tenant, and an authorization is taken exactly once.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tieline_core::{AppId, InstanceId, Secret};
use tieline_store::{Binding, NewApp, NewAuthorization, Purpose, StoreError};

use crate::home::{Home, TENANT, app, at, instance};

fn authorization(app: AppId, hash: u8) -> NewAuthorization {
    NewAuthorization {
        tenant: TENANT.to_owned(),
        app,
        state_hash: [hash; 32],
        verifier: Some(Secret::new("verifier")),
        redirect_uri: "http://127.0.0.1:8917/callback".to_owned(),
        scopes: vec!["full".to_owned(), "more".to_owned()],
        binding: Binding::Confirm,
        user: Some("ada".to_owned()),
        browser_hash: None,
        instance: None,
        instance_name: Some("books".to_owned()),
        tags: Vec::new(),
        return_to: None,
        parameters: BTreeMap::new(),
        expires_at: at(1_800_000_600),
    }
}

fn parameters(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Secret::new(*value)))
        .collect()
}

#[tokio::test]
async fn an_app_comes_back_as_it_was_made() {
    let home = Home::new().await;
    let store = home.open().await;
    let secrets = [
        ("oauth.api.key", "007"),
        ("oauth.api.secret", "[x] true\n\"ü\""),
        ("oauth.scope", ""),
    ];
    let made = store
        .create_app(NewApp {
            tenant: TENANT.to_owned(),
            provider: "acme".to_owned(),
            name: "main".to_owned(),
            redirect_uri: Some("https://example.com/callback/1".to_owned()),
            endpoints: [(
                "token_endpoint".to_owned(),
                "http://127.0.0.1:9/token".to_owned(),
            )]
            .into(),
            context: "c".repeat(22),
            confirm_url: Some("https://host.example/connected".to_owned()),
            return_origins: vec!["https://host.example".to_owned()],
            parameters: parameters(&secrets),
        })
        .await
        .unwrap();
    store.close().await;

    let store = home.open().await;
    let found = store.app(TENANT, made.id).await.unwrap().unwrap();
    assert_eq!(
        serde_json::to_value(&found).unwrap(),
        serde_json::to_value(&made).unwrap()
    );
    assert_eq!(
        store.app_parameters(&found).await.unwrap(),
        parameters(&secrets)
    );
    assert_eq!(store.openings()[&Purpose::Parameters], 1);
    assert_eq!(
        store
            .app_by_context(&made.context)
            .await
            .unwrap()
            .unwrap()
            .id,
        made.id
    );
    assert_eq!(
        store
            .app_by_name(TENANT, "acme", "main")
            .await
            .unwrap()
            .unwrap()
            .id,
        made.id
    );

    assert!(store.app("other", made.id).await.unwrap().is_none());
    assert!(
        store
            .app_by_name("other", "acme", "main")
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.apps("other").await.unwrap().is_empty());
    store.close().await;
}

#[tokio::test]
async fn parameters_are_replaced_by_whoever_read_them_last() {
    let home = Home::new().await;
    let store = home.open().await;
    let first = app(&store, TENANT, "main").await;
    let second = store
        .set_app_parameters(
            &first,
            parameters(&[("a", "2")]),
            Some("https://x/".to_owned()),
        )
        .await
        .unwrap();
    assert_eq!(
        (second.version, second.redirect_uri.as_deref()),
        (2, Some("https://x/"))
    );
    let error = store
        .set_app_parameters(&first, parameters(&[("a", "late")]), None)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)), "{error}");

    let found = store.app(TENANT, first.id).await.unwrap().unwrap();
    assert_eq!(
        store.app_parameters(&found).await.unwrap(),
        parameters(&[("a", "2")])
    );
    assert_eq!(found.context, first.context);
    store.close().await;
}

#[tokio::test]
async fn an_app_with_instances_stays() {
    let home = Home::new().await;
    let store = home.open().await;
    let main = app(&store, TENANT, "main").await;
    let kept = instance(&store, &main, "a").await;
    store
        .start_authorization(authorization(main.id, 1))
        .await
        .unwrap();
    assert!(!store.delete_app("other", main.id).await.unwrap());
    let error = store.delete_app(TENANT, main.id).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Conflict(why) if why.contains("instances")),
        "{error}"
    );

    store.begin_delete(TENANT, kept.id).await.unwrap();
    store.delete_instance(kept.id, "revoked").await.unwrap();
    assert!(store.delete_app(TENANT, main.id).await.unwrap());
    assert!(
        store.take_authorization(&[1; 32]).await.unwrap().is_none(),
        "unfinished authorizations go with their app"
    );
    let late = store
        .set_app_parameters(&main, BTreeMap::new(), None)
        .await
        .unwrap_err();
    assert!(
        matches!(late, StoreError::NotFound { what: "app", .. }),
        "{late}"
    );
    store.close().await;
}

#[tokio::test]
async fn names_are_unique_for_a_tenant_and_provider() {
    let home = Home::new().await;
    let store = home.open().await;
    app(&store, TENANT, "main").await;
    app(&store, "other", "main").await;
    let again = NewApp {
        tenant: TENANT.to_owned(),
        provider: "acme".to_owned(),
        name: "main".to_owned(),
        redirect_uri: None,
        endpoints: BTreeMap::new(),
        context: tieline_core::random::context().unwrap(),
        confirm_url: None,
        return_origins: Vec::new(),
        parameters: BTreeMap::new(),
    };
    let error = store.create_app(again).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Conflict(why) if why.contains("main")),
        "{error}"
    );
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_takers_exactly_one_gets_the_authorization() {
    let home = Home::new().await;
    let store = home.open().await;
    let main = app(&store, TENANT, "main").await;
    let id = store
        .start_authorization(authorization(main.id, 1))
        .await
        .unwrap();
    store.close().await;

    // It survives a restart.
    let store = home.open().await;
    for _ in 0..2 {
        let seen = store.authorization(&[1; 32]).await.unwrap().unwrap();
        assert_eq!(
            (&*seen.tenant, seen.app),
            (TENANT, main.id),
            "looking takes nothing"
        );
        assert!(store.authorization(&[2; 32]).await.unwrap().is_none());
    }
    let takers = (0..100).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.take_authorization(&[1; 32]).await.unwrap() })
    });
    let taken: Vec<_> = join_all(takers)
        .await
        .into_iter()
        .filter_map(Result::unwrap)
        .collect();
    assert_eq!(taken.len(), 1);
    let taken = &taken[0];
    assert_eq!(
        (taken.id, taken.app, taken.tenant.as_str()),
        (id, main.id, TENANT)
    );
    assert_eq!(taken.verifier, Some(Secret::new("verifier")));
    assert_eq!(taken.scopes, ["full", "more"]);
    assert_eq!(
        (taken.binding, taken.user.as_deref()),
        (Binding::Confirm, Some("ada"))
    );
    assert_eq!(
        (taken.instance, taken.instance_name.as_deref()),
        (None, Some("books"))
    );
    assert_eq!(
        (taken.created_at, taken.expires_at),
        (at(1_800_000_000), at(1_800_000_600))
    );
    assert_eq!(store.openings()[&Purpose::Exchange], 1);
    store.close().await;
}

#[tokio::test]
async fn authorizations_are_purged_once_expired_and_never_cross_tenants() {
    let home = Home::new().await;
    let store = home.open().await;
    let main = app(&store, TENANT, "main").await;
    for hash in 1..=3 {
        let expires_at = at(1_800_000_000 + i64::from(hash));
        store
            .start_authorization(NewAuthorization {
                expires_at,
                ..authorization(main.id, hash)
            })
            .await
            .unwrap();
    }
    assert_eq!(
        store.purge_authorizations(at(1_800_000_003)).await.unwrap(),
        2
    );
    assert!(store.take_authorization(&[2; 32]).await.unwrap().is_none());

    let twice = store
        .start_authorization(authorization(main.id, 3))
        .await
        .unwrap_err();
    assert!(matches!(twice, StoreError::Conflict(_)), "{twice}");
    assert!(store.take_authorization(&[3; 32]).await.unwrap().is_some());

    let foreign = NewAuthorization {
        tenant: "other".to_owned(),
        ..authorization(main.id, 4)
    };
    let error = store.start_authorization(foreign).await.unwrap_err();
    assert!(
        matches!(error, StoreError::NotFound { what: "app", .. }),
        "{error}"
    );
    let nowhere = NewAuthorization {
        instance: Some(InstanceId(1)),
        ..authorization(main.id, 5)
    };
    let error = store.start_authorization(nowhere).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    store.close().await;
}
