//! A blob opens where it was sealed and nowhere else, and no damage leads to an overwrite.

use std::collections::BTreeMap;

use tieline_core::{AppId, Secret};
use tieline_store::{
    Binding, Instance, NewAuthorization, NewQuarantine, Purpose, QuarantineKind, ReplaceTokens,
    Status, Store, StoreError,
};

use crate::home::{Home, TENANT, Value, again, app, at, commit, done, instance, tokens};

const ACCESS: &str = "SELECT access_token FROM instances WHERE id = $1";
const SET_ACCESS: &str = "UPDATE instances SET access_token = $2 WHERE id = $1";

/// Reading fails, the instance says so, and its blob is what it was.
async fn assert_unreadable(home: &Home, store: &Store, damaged: &Instance) {
    let mut database = home.database().await;
    let before = database.blob(ACCESS, damaged.id.0).await;
    let error = store
        .access_token(damaged, Purpose::Call)
        .await
        .unwrap_err();
    let expected = matches!(error, StoreError::Unreadable { table: "instances", column: "access_token", row, .. } if row == damaged.id.0);
    assert!(expected, "{error}");
    assert!(!error.is_transient());
    assert_eq!(again(store, damaged).await.status, Status::Unreadable);
    assert_eq!(database.blob(ACCESS, damaged.id.0).await, before);
    database.close().await;
}

#[tokio::test]
async fn a_blob_of_another_row_does_not_open_and_the_rest_go_on() {
    let home = Home::new().await;
    let store = home.open().await;
    let app = app(&store, TENANT, "main").await;
    let (a, b) = (
        instance(&store, &app, "a").await,
        instance(&store, &app, "b").await,
    );
    let mut database = home.database().await;
    let foreign = database.blob(ACCESS, b.id.0).await;
    database
        .run(SET_ACCESS, &[Value::Id(a.id.0), Value::Blob(foreign)])
        .await;
    database.close().await;

    assert_unreadable(&home, &store, &again(&store, &a).await).await;
    assert_eq!(
        store
            .access_token(&again(&store, &b).await, Purpose::Call)
            .await
            .unwrap(),
        Secret::new("access-b")
    );
    store.close().await;
}

#[tokio::test]
async fn a_blob_of_another_column_does_not_open() {
    let home = Home::new().await;
    let store = home.open().await;
    let a = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let mut database = home.database().await;
    database
        .run("UPDATE instances SET access_token = refresh_token", &[])
        .await;
    database.close().await;
    assert_unreadable(&home, &store, &again(&store, &a).await).await;
    store.close().await;
}

#[tokio::test]
async fn a_row_moved_to_another_tenant_does_not_open() {
    let home = Home::new().await;
    let store = home.open().await;
    let a = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let other = app(&store, "other", "main").await;
    let mut database = home.database().await;
    database
        .run(
            "UPDATE instances SET tenant = 'other', app = $1",
            &[Value::Id(other.id.0)],
        )
        .await;
    database.close().await;

    assert!(store.instance(TENANT, a.id).await.unwrap().is_none());
    let moved = store.instance("other", a.id).await.unwrap().unwrap();
    assert_unreadable(&home, &store, &moved).await;
    store.close().await;
}

#[tokio::test]
async fn a_blob_of_an_earlier_generation_does_not_open() {
    let home = Home::new().await;
    let store = home.open().await;
    let a = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let mut database = home.database().await;
    let old = database.blob(ACCESS, a.id.0).await;
    done(
        store
            .commit_refresh(&commit(a.id, 1, 7, "a2"))
            .await
            .unwrap(),
    );
    assert_eq!(
        store
            .access_token(&again(&store, &a).await, Purpose::Call)
            .await
            .unwrap(),
        Secret::new("access-a2")
    );

    database
        .run(SET_ACCESS, &[Value::Id(a.id.0), Value::Blob(old)])
        .await;
    database.close().await;
    assert_unreadable(&home, &store, &again(&store, &a).await).await;
    store.close().await;
}

#[tokio::test]
async fn every_bit_of_a_stored_blob_counts_and_so_does_its_length() {
    let home = Home::new().await;
    let store = home.open().await;
    let a = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let mut database = home.database().await;
    database.hurry().await;
    let whole = database.blob(ACCESS, a.id.0).await;
    let flipped = (0..whole.len() * 8).map(|bit| {
        let mut blob = whole.clone();
        blob[bit / 8] ^= 1 << (bit % 8);
        (format!("bit {bit}"), blob)
    });
    let cut = (0..whole.len()).map(|length| (format!("{length} bytes"), whole[..length].to_vec()));
    for (what, blob) in flipped.chain(cut) {
        database
            .run(SET_ACCESS, &[Value::Id(a.id.0), Value::Blob(blob.clone())])
            .await;
        let opened = store
            .access_token(&again(&store, &a).await, Purpose::Call)
            .await;
        assert!(
            matches!(opened, Err(StoreError::Unreadable { .. })),
            "{what}: {opened:?}"
        );
        assert_eq!(
            database.blob(ACCESS, a.id.0).await,
            blob,
            "{what}: overwritten"
        );
    }
    assert_eq!(
        store.openings()[&Purpose::Call],
        0,
        "what does not open is not counted as opened"
    );

    // The same bytes again, and it opens: nothing else was lost.
    database
        .run(SET_ACCESS, &[Value::Id(a.id.0), Value::Blob(whole)])
        .await;
    database.close().await;
    assert_eq!(
        store
            .access_token(&again(&store, &a).await, Purpose::Call)
            .await
            .unwrap(),
        Secret::new("access-a")
    );
    assert_eq!(store.openings()[&Purpose::Call], 1);
    store.close().await;
}

#[tokio::test]
async fn authorizing_again_cures_an_unreadable_instance() {
    let home = Home::new().await;
    let store = home.open().await;
    let a = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let mut database = home.database().await;
    database
        .run(
            SET_ACCESS,
            &[Value::Id(a.id.0), Value::Blob(b"no blob at all".to_vec())],
        )
        .await;
    database.close().await;
    assert_unreadable(&home, &store, &again(&store, &a).await).await;

    let replace = ReplaceTokens {
        id: a.id,
        generation: 1,
        tokens: tokens("new"),
        keep_alive_at: None,
        parameters: BTreeMap::new(),
        account_id: None,
        account_label: None,
    };
    done(store.replace_tokens(&replace).await.unwrap());
    let cured = again(&store, &a).await;
    assert_eq!((cured.status, cured.generation), (Status::Ok, 2));
    assert_eq!(
        store.access_token(&cured, Purpose::Call).await.unwrap(),
        Secret::new("access-new")
    );
    store.close().await;
}

#[tokio::test]
async fn an_old_reading_does_not_mark_a_newer_generation() {
    let home = Home::new().await;
    let store = home.open().await;
    let a = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let mut database = home.database().await;
    database
        .run(
            SET_ACCESS,
            &[Value::Id(a.id.0), Value::Blob(b"broken".to_vec())],
        )
        .await;
    database.close().await;
    let broken = again(&store, &a).await;
    done(
        store
            .commit_refresh(&commit(a.id, 1, 7, "a2"))
            .await
            .unwrap(),
    );
    assert!(store.access_token(&broken, Purpose::Call).await.is_err());
    assert_eq!(again(&store, &a).await.status, Status::Ok);
    store.close().await;
}

#[tokio::test]
async fn parameters_verifiers_and_answers_are_bound_to_their_rows_too() {
    let home = Home::new().await;
    let store = home.open().await;
    let (a, b) = (
        app(&store, TENANT, "a").await,
        app(&store, TENANT, "b").await,
    );
    for (hash, verifier) in [(1, "verifier-1"), (2, "verifier-2")] {
        let new = NewAuthorization {
            tenant: TENANT.to_owned(),
            app: a.id,
            state_hash: [hash; 32],
            verifier: Some(Secret::new(verifier)),
            redirect_uri: "http://127.0.0.1:8917/callback".to_owned(),
            scopes: Vec::new(),
            binding: Binding::Local,
            user: None,
            browser_hash: None,
            instance: None,
            instance_name: None,
            tags: Vec::new(),
            return_to: None,
            parameters: BTreeMap::new(),
            expires_at: at(1_800_000_600),
        };
        store.start_authorization(new).await.unwrap();
    }
    let kept = instance(&store, &a, "a").await;
    for answer in ["answer-1", "answer-2"] {
        let record = NewQuarantine {
            instance: kept.id,
            tenant: TENANT.to_owned(),
            app: AppId(1),
            generation: 1,
            kind: QuarantineKind::Conflict,
            blob: Secret::new(answer),
            now: at(1_800_000_000),
        };
        store.quarantine(record).await.unwrap();
    }

    let mut database = home.database().await;
    for swap in [
        "CREATE TEMP TABLE a AS SELECT id, parameters AS blob FROM apps",
        "UPDATE apps SET parameters = (SELECT blob FROM a WHERE a.id <> apps.id)",
        "CREATE TEMP TABLE v AS SELECT id, verifier AS blob FROM authorizations",
        "UPDATE authorizations SET verifier = (SELECT blob FROM v WHERE v.id <> authorizations.id)",
        "CREATE TEMP TABLE q AS SELECT id, answer AS blob FROM quarantine",
        "UPDATE quarantine SET answer = (SELECT blob FROM q WHERE q.id <> quarantine.id)",
    ] {
        database.run(swap, &[]).await;
    }
    database.close().await;

    for id in [a.id, b.id] {
        let app = store.app(TENANT, id).await.unwrap().unwrap();
        let error = store.app_parameters(&app).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Unreadable { table: "apps", .. }),
            "{error}"
        );
    }
    let error = store.take_authorization(&[1; 32]).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Unreadable {
                table: "authorizations",
                ..
            }
        ),
        "{error}"
    );
    let records = store.quarantined(TENANT).await.unwrap();
    assert_eq!(records.len(), 2);
    for record in &records {
        let error = store
            .quarantined_answer(record, Purpose::Reveal)
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                StoreError::Unreadable {
                    table: "quarantine",
                    ..
                }
            ),
            "{error}"
        );
    }
    store.close().await;
}
