//! Rotating data keys and the master key, with interruptions and with others at work.

use std::collections::BTreeMap;

use std::sync::Arc;

use tieline_core::{AppId, Secret};
use tieline_store::{
    Begun, Binding, Committed, Instance, MasterKey, NewAuthorization, NewQuarantine, Progress,
    Purpose, QuarantineKind, Status, Store, StoreError,
};

use crate::home::{Home, TENANT, Value, again, app, at, begin, commit, instance};

/// More than two batches.
const MANY: usize = 250;

const OLD_ROWS: &str = "SELECT (SELECT count(*) FROM instances WHERE substr(access_token, 3, 4) = $1 \
    OR substr(refresh_token, 3, 4) = $1) + (SELECT count(*) FROM apps WHERE substr(parameters, 3, 4) = $1) \
    + (SELECT count(*) FROM authorizations WHERE substr(verifier, 3, 4) = $1) \
    + (SELECT count(*) FROM quarantine WHERE substr(answer, 3, 4) = $1)";

/// The number of the first key, as it stands in the header of a blob.
fn old() -> [Value; 1] {
    [Value::Blob(1_u32.to_be_bytes().to_vec())]
}

async fn filled(store: &Store, count: usize) -> Vec<Instance> {
    let main = app(store, TENANT, "main").await;
    let mut made = Vec::new();
    for n in 0..count {
        made.push(instance(store, &main, &n.to_string()).await);
    }
    let authorization = NewAuthorization {
        tenant: TENANT.to_owned(),
        app: main.id,
        state_hash: [1; 32],
        verifier: Some(Secret::new("verifier")),
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
    store.start_authorization(authorization).await.unwrap();
    let answer = NewQuarantine {
        instance: made[0].id,
        tenant: TENANT.to_owned(),
        app: AppId(1),
        generation: 1,
        kind: QuarantineKind::Conflict,
        blob: Secret::new("answer"),
        now: at(1_800_000_000),
    };
    store.quarantine(answer).await.unwrap();
    made
}

async fn assert_all_open(store: &Store, made: &[Instance]) {
    for (n, made) in made.iter().enumerate() {
        let found = again(store, made).await;
        assert_eq!(found.generation, made.generation);
        assert_eq!(
            store.access_token(&found, Purpose::Check).await.unwrap(),
            Secret::new(format!("access-{n}"))
        );
        let refresh = store.refresh_token(&found, Purpose::Check).await.unwrap();
        assert_eq!(refresh, Some(Secret::new(format!("refresh-{n}"))));
    }
    let app = store
        .app_by_name(TENANT, "acme", "main")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store.app_parameters(&app).await.unwrap()["oauth.api.key"],
        Secret::new("key-main")
    );
    let record = &store.quarantined(TENANT).await.unwrap()[0];
    assert_eq!(
        store
            .quarantined_answer(record, Purpose::Check)
            .await
            .unwrap(),
        Secret::new("answer")
    );
}

#[tokio::test]
async fn every_row_moves_to_the_new_key_and_the_old_one_goes() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = filled(&store, MANY).await;
    let mut seen: Vec<Progress> = Vec::new();
    let report = store
        .rotate_data_key(&mut |progress| seen.push(progress))
        .await
        .unwrap();
    assert_eq!(
        (report.active_key, report.continued, report.unreadable),
        (2, false, 0)
    );
    assert_eq!(report.resealed, MANY as u64 + 3);
    assert_eq!(report.removed_keys, [1]);
    assert_eq!(
        seen.last().unwrap(),
        &Progress {
            done: MANY as u64 + 3,
            total: MANY as u64 + 3
        }
    );
    assert!(
        seen.windows(2).all(|pair| pair[0].done < pair[1].done),
        "{seen:?}"
    );

    let mut database = home.database().await;
    assert_eq!(database.number(OLD_ROWS, &old()).await, 0);
    assert_eq!(
        database.number("SELECT count(*) FROM keyring", &[]).await,
        1
    );
    database.close().await;
    assert_all_open(&store, &made).await;
    // What was read before the rotation still opens.
    assert_eq!(
        store.access_token(&made[3], Purpose::Check).await.unwrap(),
        Secret::new("access-3")
    );
    store.close().await;

    let store = home.open().await;
    assert_all_open(&store, &made).await;
    assert_eq!(
        store
            .take_authorization(&[1; 32])
            .await
            .unwrap()
            .unwrap()
            .verifier,
        Some(Secret::new("verifier"))
    );
    assert_eq!(
        store.rotate_data_key(&mut |_| ()).await.unwrap().active_key,
        3
    );
    store.close().await;
}

#[tokio::test]
async fn an_interrupted_rotation_is_continued_by_the_next() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = filled(&store, MANY).await;
    let stop = Arc::new(tokio::sync::Notify::new());
    let mut batches = 0;
    let mut progress = |_: Progress| {
        batches += 1;
        if batches == 2 {
            stop.notify_one();
        }
    };
    // Dropped at its first pause after the second batch, as when the process is told to stop.
    tokio::select! {
        biased;
        () = stop.notified() => {}
        finished = store.rotate_data_key(&mut progress) => panic!("not interrupted: {finished:?}"),
    }
    let mut database = home.database().await;
    let left = database.number(OLD_ROWS, &old()).await;
    assert!(0 < left && left < MANY as i64 + 3, "{left} rows left");
    assert_eq!(
        database.number("SELECT count(*) FROM keyring", &[]).await,
        2
    );
    assert_all_open(&store, &made).await;
    store.close().await;

    let store = home.open().await;
    assert_all_open(&store, &made).await;
    let report = store.rotate_data_key(&mut |_| ()).await.unwrap();
    assert_eq!((report.active_key, report.continued), (2, true));
    assert_eq!(report.resealed as i64, left);
    assert_eq!(report.removed_keys, [1]);
    assert_eq!(database.number(OLD_ROWS, &old()).await, 0);
    assert_eq!(
        database.number("SELECT count(*) FROM keyring", &[]).await,
        1
    );
    database.close().await;
    assert_all_open(&store, &made).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refreshes_during_a_rotation_lose_nothing() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = filled(&store, 120).await;
    let busy = {
        let (store, made) = (store.clone(), made.clone());
        tokio::spawn(async move {
            for instance in made {
                assert!(matches!(
                    store.begin_refresh(begin(instance.id, 1, 7)).await.unwrap(),
                    Begun::Taken(_)
                ));
                let committed = store
                    .commit_refresh(&commit(instance.id, 1, 7, "fresh"))
                    .await
                    .unwrap();
                assert!(matches!(committed, Committed::Done(_)), "{committed:?}");
            }
        })
    };
    let mut rotations = 0;
    while rotations < 2 || !busy.is_finished() {
        let report = store.rotate_data_key(&mut |_| ()).await.unwrap();
        assert_eq!(report.unreadable, 0);
        rotations += 1;
    }
    busy.await.unwrap();
    for instance in &made {
        let found = again(&store, instance).await;
        assert_eq!((found.generation, found.status), (2, Status::Ok));
        assert_eq!(
            store.access_token(&found, Purpose::Check).await.unwrap(),
            Secret::new("access-fresh")
        );
    }
    store.close().await;
    home.open().await.close().await;
}

#[tokio::test]
async fn a_row_that_does_not_open_keeps_its_key_and_stops_no_rotation() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = filled(&store, 3).await;
    let mut database = home.database().await;
    let mut blob = database
        .blob(
            "SELECT refresh_token FROM instances WHERE id = $1",
            made[1].id.0,
        )
        .await;
    *blob.last_mut().unwrap() ^= 1;
    database
        .run(
            "UPDATE instances SET refresh_token = $2 WHERE id = $1",
            &[Value::Id(made[1].id.0), Value::Blob(blob.clone())],
        )
        .await;

    for active_key in [2, 3] {
        let report = store.rotate_data_key(&mut |_| ()).await.unwrap();
        assert_eq!((report.active_key, report.unreadable), (active_key, 1));
        assert!(
            !report.removed_keys.contains(&1),
            "key 1 is still named by a row"
        );
        assert_eq!(
            database
                .blob(
                    "SELECT refresh_token FROM instances WHERE id = $1",
                    made[1].id.0
                )
                .await,
            blob
        );
    }
    database.close().await;
    assert_eq!(again(&store, &made[1]).await.status, Status::Unreadable);
    // The other half of the row was not touched, and still opens with the key that was kept.
    store.close().await;
    let store = home.open().await;
    assert_eq!(
        store
            .access_token(&again(&store, &made[1]).await, Purpose::Check)
            .await
            .unwrap(),
        Secret::new("access-1")
    );
    store.close().await;
}

#[tokio::test]
async fn after_a_master_rotation_only_the_new_master_key_opens() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = filled(&store, 3).await;
    let new_path = home.path("new.key");
    let new = MasterKey::create(&new_path).unwrap();
    let report = store.rotate_master_key(&new).await.unwrap();
    assert_eq!(
        (report.rewrapped, &report.fingerprint),
        (1, &new.fingerprint())
    );
    assert_all_open(&store, &made).await;
    // A data key made now is wrapped with the new master key too.
    store.rotate_data_key(&mut |_| ()).await.unwrap();
    store.close().await;

    let error = home.open_with(home.master_key()).await.unwrap_err();
    match &error {
        StoreError::WrongMasterKey {
            key_id: 2,
            wrapped_with,
            given,
        } => {
            assert_eq!(
                (wrapped_with, given),
                (&new.fingerprint(), &home.master_key().fingerprint())
            );
        }
        other => panic!("{other:?}"),
    }
    let store = home
        .open_with(MasterKey::load(&new_path).unwrap())
        .await
        .unwrap();
    assert_all_open(&store, &made).await;
    store.close().await;
}

#[tokio::test]
async fn a_data_key_that_is_not_the_one_that_sealed_shows_at_start() {
    let home = Home::new().await;
    let store = home.open().await;
    filled(&store, 1).await;
    store.rotate_data_key(&mut |_| ()).await.unwrap();
    store.close().await;
    let mut database = home.database().await;
    database
        .run("UPDATE keyring SET check_value = wrapped", &[])
        .await;
    database.close().await;
    let error = home.open_with(home.master_key()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::DamagedKey { key_id: 2 }),
        "{error}"
    );

    let mut database = home.database().await;
    database.run("DELETE FROM keyring", &[]).await;
    database.close().await;
    let error = home.open_with(home.master_key()).await.unwrap_err();
    assert!(matches!(error, StoreError::NoDataKey { .. }), "{error}");
}
