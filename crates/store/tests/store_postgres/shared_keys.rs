//! Several processes share the keyring: one rotates, the others go on, and nothing is ever sealed with a key that is gone.

use std::collections::BTreeSet;

use tieline_core::Secret;
use tieline_store::{Committed, MasterKey, Purpose, Status, StoreError};

use crate::home::{
    Home, TENANT, Value, access, again, app, begin, commit, done, instance, opened, taken,
};

const KEY_OF: &str = "SELECT access_token_key FROM instances WHERE id = $1";

#[tokio::test]
async fn a_blob_of_another_processes_key_opens() {
    let home = Home::new().await;
    let (one, a) = opened(&home).await;
    let two = home.open().await;
    assert_eq!(
        two.rotate_data_key(&mut |_| ()).await.unwrap().removed_keys,
        [1]
    );
    let found = again(&one, &a).await;
    assert_eq!(access(&one, &found).await, Secret::new("access-a"));
    // What was read before two rotations needs a key that this process never saw, or that is gone: it is read anew.
    let three = home.open().await;
    let seen_by_three = again(&three, &a).await;
    two.rotate_data_key(&mut |_| ()).await.unwrap();
    two.rotate_data_key(&mut |_| ()).await.unwrap();
    let four = home.open().await;
    assert_eq!(access(&four, &seen_by_three).await, Secret::new("access-a"));
    let refresh = four.refresh_token(&seen_by_three, Purpose::Check).await;
    assert_eq!(refresh.unwrap(), Some(Secret::new("refresh-a")));
    assert_eq!(again(&four, &a).await.status, Status::Ok);
}

#[tokio::test]
async fn a_write_with_a_key_that_is_gone_is_sealed_again() {
    let home = Home::new().await;
    let (one, a) = opened(&home).await;
    let two = home.open().await;
    let mut database = home.database().await;
    for generation in 1..=3 {
        // The other process still seals with the key before.
        let report = two.rotate_data_key(&mut |_| ()).await.unwrap();
        assert_eq!(report.removed_keys.len(), 1);
        let attempt = generation;
        taken(
            one.begin_refresh(begin(a.id, generation, attempt))
                .await
                .unwrap(),
        );
        let next = commit(a.id, generation, attempt, "next");
        done(one.commit_refresh(&next).await.unwrap());
        let key = database.number(KEY_OF, &[Value::Id(a.id.0)]).await;
        assert_eq!(key, i64::from(report.active_key));
    }
    two.rotate_data_key(&mut |_| ()).await.unwrap();
    let other = app(&one, TENANT, "other").await;
    let made = instance(&one, &other, "b").await;
    assert_eq!(access(&two, &made).await, Secret::new("access-b"));
    assert!(two.app_parameters(&other).await.is_ok());
}

#[tokio::test]
async fn a_heartbeat_brings_the_new_key() {
    let home = Home::new().await;
    let (one, a) = opened(&home).await;
    let two = home.open().await;
    let mut database = home.database().await;
    let mut blob = database
        .blob("SELECT refresh_token FROM instances WHERE id = $1", a.id.0)
        .await;
    *blob.last_mut().unwrap() ^= 1;
    database
        .run(
            "UPDATE instances SET refresh_token = $2 WHERE id = $1",
            &[Value::Id(a.id.0), Value::Blob(blob)],
        )
        .await;
    // The old key stays, for the sake of a row that doesn't open: nothing would make the other process leave it.
    let report = two.rotate_data_key(&mut |_| ()).await.unwrap();
    assert!(report.removed_keys.is_empty());
    let main = app(&one, TENANT, "other").await;
    let before = instance(&one, &main, "before").await;
    assert_eq!(database.number(KEY_OF, &[Value::Id(before.id.0)]).await, 1);
    one.beat("one").await.unwrap();
    let after = instance(&one, &main, "after").await;
    assert_eq!(database.number(KEY_OF, &[Value::Id(after.id.0)]).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotations_while_another_process_writes_lose_nothing() {
    let home = Home::new().await;
    let (one, _) = opened(&home).await;
    let two = home.open().await;
    let main = app(&one, TENANT, "many").await;
    let mut made = Vec::new();
    for n in 0..60 {
        made.push(instance(&one, &main, &n.to_string()).await);
    }
    let busy = {
        let (one, made) = (one.clone(), made.clone());
        tokio::spawn(async move {
            for generation in 1..=3 {
                for instance in &made {
                    taken(
                        one.begin_refresh(begin(instance.id, generation, generation))
                            .await
                            .unwrap(),
                    );
                    let commit = commit(instance.id, generation, generation, "fresh");
                    // The key may go again between sealing anew and writing: as the engine does, try again.
                    let committed = loop {
                        match one.commit_refresh(&commit).await {
                            Err(StoreError::KeyRemoved) => {}
                            committed => break committed.unwrap(),
                        }
                    };
                    assert!(matches!(committed, Committed::Done(_)), "{committed:?}");
                }
            }
        })
    };
    let mut rotations = 0;
    while rotations < 2 || !busy.is_finished() {
        let report = two.rotate_data_key(&mut |_| ()).await.unwrap();
        assert_eq!(report.unreadable, 0);
        rotations += 1;
    }
    busy.await.unwrap();
    for store in [&one, &two, &home.open().await] {
        for instance in &made {
            let found = again(store, instance).await;
            assert_eq!((found.generation, found.status), (4, Status::Ok));
            assert_eq!(access(store, &found).await, Secret::new("access-fresh"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotations_at_once_never_use_a_number_twice() {
    let home = Home::new().await;
    let (one, a) = opened(&home).await;
    let stores = [one, home.open().await, home.open().await];
    let mut numbers = BTreeSet::new();
    for _ in 0..5 {
        let rotations = stores.iter().map(|store| {
            let store = store.clone();
            tokio::spawn(async move {
                loop {
                    match store.rotate_data_key(&mut |_| ()).await {
                        // Its key was removed by the one that was faster; as its caller would, again.
                        Err(StoreError::KeyRemoved) => {}
                        report => return report.unwrap(),
                    }
                }
            })
        });
        for report in futures_util::future::join_all(rotations).await {
            let report = report.unwrap();
            assert_eq!(report.unreadable, 0);
            if !report.continued {
                numbers.insert(report.active_key);
            }
        }
        for store in &stores {
            assert_eq!(
                access(store, &again(store, &a).await).await,
                Secret::new("access-a")
            );
        }
    }
    assert!(numbers.len() >= 5, "{numbers:?}");
}

#[tokio::test]
async fn after_another_process_changed_the_master_key_old_keys_go_on_and_new_ones_are_refused() {
    let home = Home::new().await;
    let (one, a) = opened(&home).await;
    let two = home.open().await;
    let new = MasterKey::create(&home.path("new.key")).unwrap();
    two.rotate_master_key(&new).await.unwrap();
    // One has the old master key: what it knows it can use, and it makes no key that the new one doesn't open.
    assert_eq!(access(&one, &a).await, Secret::new("access-a"));
    let refused = one.rotate_data_key(&mut |_| ()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict(_)), "{refused:?}");
    two.rotate_data_key(&mut |_| ()).await.unwrap();
    let refused = one
        .access_token(&again(&one, &a).await, Purpose::Check)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::WrongMasterKey { .. }),
        "{refused:?}"
    );
    assert_eq!(again(&one, &a).await.status, Status::Ok);
    assert!(home.open_with(home.master_key()).await.is_err());
    home.open_with(new).await.unwrap();
}
