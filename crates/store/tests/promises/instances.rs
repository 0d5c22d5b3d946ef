//! Instances, their account, their listing, what is shown of them, and what happened to them.

use std::collections::BTreeMap;

use tieline_core::{AppId, Secret, Timestamp};
use tieline_store::{
    Cause, InstanceQuery, NewQuarantine, Purpose, QuarantineKind, Relabel, Status, StoreError,
};

use crate::home::{Home, TENANT, again, app, at, instance, new_instance};

#[tokio::test]
async fn an_instance_comes_back_as_it_was_stored() {
    let home = Home::new().await;
    let store = home.open().await;
    let main = app(&store, TENANT, "main").await;
    let mut new = new_instance(TENANT, main.id, "a");
    new.parameters = [("acme.shop".to_owned(), "acme".to_owned())].into();
    new.tokens.captures = [("host".to_owned(), "eu1".to_owned())].into();
    let made = store.insert_instance(&new).await.unwrap();
    assert_eq!(
        (made.generation, made.status, made.has_refresh_token),
        (1, Status::Ok, true)
    );
    store.close().await;

    let store = home.open().await;
    let found = again(&store, &made).await;
    assert_eq!(
        serde_json::to_value(&found).unwrap(),
        serde_json::to_value(&made).unwrap()
    );
    assert_eq!(found.expires_at, Some(at(1_800_003_600)));
    assert_eq!(
        store.access_token(&found, Purpose::Call).await.unwrap(),
        Secret::new("access-a")
    );
    assert_eq!(
        store.refresh_token(&found, Purpose::Revoke).await.unwrap(),
        Some(Secret::new("refresh-a"))
    );
    assert_eq!(found.parameters, new.parameters);
    let counted: BTreeMap<_, _> = store
        .openings()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(counted, [(Purpose::Call, 1), (Purpose::Revoke, 1)].into());
    store.close().await;
}

#[tokio::test]
async fn a_provider_s_absurd_lifetime_can_be_stored() {
    let home = Home::new().await;
    let store = home.open().await;
    let main = app(&store, TENANT, "main").await;
    for instant in [Timestamp::MAX, Timestamp::MIN] {
        let mut new = new_instance(TENANT, main.id, "a");
        new.tokens.expires_at = Some(instant);
        let made = store.insert_instance(&new).await.unwrap();
        let found = again(&store, &made).await.expires_at.unwrap();
        assert_eq!(found.as_second(), instant.as_second());
    }
    store.close().await;
}

#[tokio::test]
async fn what_is_shown_of_an_instance_holds_no_blob() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let json = serde_json::to_value(&made).unwrap();
    let shown: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(!shown.contains(&"tokens"), "{shown:?}");
    assert_eq!(json["status"], "ok");
    assert_eq!(json["created_at"], "2027-01-15T08:00:00Z");
    let debug = format!("{made:?}");
    assert!(
        debug.contains("Blob(") && !debug.contains("access-a"),
        "{debug}"
    );
    store.close().await;
}

#[tokio::test]
async fn an_instance_needs_an_app_of_its_own_tenant() {
    let home = Home::new().await;
    let store = home.open().await;
    let main = app(&store, TENANT, "main").await;
    for (tenant, id) in [("other", main.id), (TENANT, AppId(1))] {
        let error = store
            .insert_instance(&new_instance(tenant, id, "a"))
            .await
            .unwrap_err();
        assert!(
            matches!(error, StoreError::NotFound { what: "app", .. }),
            "{error}"
        );
    }
    store.close().await;
}

#[tokio::test]
async fn a_listing_is_paged_filtered_and_of_one_tenant() {
    let home = Home::new().await;
    let store = home.open().await;
    let (main, other) = (
        app(&store, TENANT, "main").await,
        app(&store, "other", "main").await,
    );
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(instance(&store, &main, &n.to_string()).await.id);
    }
    ids.sort();
    instance(&store, &other, "foreign").await;
    store
        .require_reconnect(ids[3], 1, None, Cause::Expired)
        .await
        .unwrap();

    let list = async |query: InstanceQuery| -> Vec<_> {
        store
            .instances(query)
            .await
            .unwrap()
            .into_iter()
            .map(|instance| instance.id)
            .collect()
    };
    assert_eq!(list(InstanceQuery::of(TENANT)).await, ids);
    assert_eq!(
        list(InstanceQuery {
            limit: 2,
            ..InstanceQuery::of(TENANT)
        })
        .await,
        ids[..2]
    );
    assert_eq!(
        list(InstanceQuery {
            limit: 2,
            after: Some(ids[1]),
            ..InstanceQuery::of(TENANT)
        })
        .await,
        ids[2..4]
    );
    let broken = InstanceQuery {
        status: Some(Status::ReconnectRequired),
        ..InstanceQuery::of(TENANT)
    };
    assert_eq!(list(broken).await, ids[3..4]);
    assert!(
        list(InstanceQuery {
            provider: Some("other".to_owned()),
            ..InstanceQuery::of(TENANT)
        })
        .await
        .is_empty()
    );
    assert_eq!(list(InstanceQuery::of("other")).await.len(), 1);
    store.close().await;
}

#[tokio::test]
async fn account_and_name_change_without_touching_the_tokens() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let captures = [("host".to_owned(), "eu1".to_owned())];
    let named = store
        .set_account(
            made.id,
            Some("7".to_owned()),
            Some("Acme".to_owned()),
            captures.into(),
        )
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (named.account_id.as_deref(), named.account_label.as_deref()),
        (Some("7"), Some("Acme"))
    );
    // A provider that says less the next time takes nothing away.
    for (id, label, expected) in [
        (None, None, (Some("7"), Some("Acme"))),
        (Some("8"), None, (Some("8"), Some("Acme"))),
        (None, Some("Acme Inc."), (Some("8"), Some("Acme Inc."))),
    ] {
        let (id, label) = (id.map(str::to_owned), label.map(str::to_owned));
        let named = store
            .set_account(made.id, id, label, BTreeMap::new())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (named.account_id.as_deref(), named.account_label.as_deref()),
            expected
        );
    }
    let renamed = store
        .relabel(
            TENANT,
            made.id,
            &Relabel {
                name: Some(None),
                tags: None,
            },
        )
        .await
        .unwrap()
        .unwrap();
    assert_eq!((renamed.name, renamed.generation), (None, 1));
    assert_eq!(renamed.captures["host"], "eu1");
    assert_eq!(
        store
            .access_token(&again(&store, &made).await, Purpose::Call)
            .await
            .unwrap(),
        Secret::new("access-a")
    );
    store.close().await;
}

#[tokio::test]
async fn quarantine_keeps_the_first_answers_of_a_generation() {
    let home = Home::new().await;
    let store = home.open().await;
    let main = app(&store, TENANT, "main").await;
    let (a, b) = (
        instance(&store, &main, "a").await.id,
        instance(&store, &main, "b").await.id,
    );
    let answer = async |instance, generation, kind, second: i64| {
        let record = NewQuarantine {
            instance,
            tenant: TENANT.to_owned(),
            app: AppId(1),
            generation,
            kind,
            blob: Secret::new(format!("answer {second}")),
            now: at(second),
        };
        store.quarantine(record).await.unwrap()
    };
    let mut kept = Vec::new();
    for second in 0..3 {
        kept.push(answer(a, 1, QuarantineKind::Undecodable, second).await);
    }
    for second in 3..6 {
        let id = answer(a, 1, QuarantineKind::Undecodable, second).await;
        assert_eq!(id, kept[2], "the newest that is kept");
    }
    // Rubbish keeps out nothing but its like.
    kept.push(answer(a, 1, QuarantineKind::Conflict, 6).await);
    kept.push(answer(a, 2, QuarantineKind::Undecodable, 7).await);
    kept.push(answer(b, 1, QuarantineKind::Undecodable, 8).await);

    let records = store.quarantined(TENANT).await.unwrap();
    let found: Vec<_> = records.iter().map(|record| record.id).collect();
    assert_eq!(found, kept);
    for (record, second) in records.iter().zip([0, 1, 2, 6, 7, 8]) {
        let answer = store
            .quarantined_answer(record, Purpose::Reveal)
            .await
            .unwrap();
        assert_eq!(answer, Secret::new(format!("answer {second}")));
    }
    store.close().await;
}
