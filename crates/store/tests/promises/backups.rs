//! Backups of a running store, and what restoring one accepts.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

use tieline_core::Secret;
use tieline_store::{AdoptionReason, Begun, MasterKey, Purpose, Store, StoreError};

use crate::home::{Home, Outside, TENANT, again, app, begin, commit, done, instance, taken};

#[tokio::test]
async fn a_backup_of_a_running_store_is_restored_and_must_be_adopted() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    taken(store.begin_refresh(begin(made.id, 1, 7)).await.unwrap());
    let file = home.path("elsewhere/backup.db");
    let report = store.backup(&file).await.unwrap();
    assert_eq!(report.bytes, fs::metadata(&file).unwrap().len());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // What happens after it is not in it.
    done(
        store
            .commit_refresh(&commit(made.id, 1, 7, "later"))
            .await
            .unwrap(),
    );
    let beside: Vec<_> = fs::read_dir(home.path("elsewhere"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(beside, ["backup.db"]);

    let other = home.path("other");
    let restored = Store::restore(&file, &other, false).await.unwrap();
    assert_eq!(restored.moved_aside, None);
    assert_eq!(
        fs::metadata(other.join("store.db"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    // The first store is still open and working: that is why adopting is required.
    let copy = home
        .try_open(&other, home.master_key(), "default")
        .await
        .unwrap();
    assert_eq!(copy.adoption_required(), Some(AdoptionReason::Restored));
    let found = again(&copy, &made).await;
    assert_eq!(
        (found.generation, found.intent.clone().unwrap().uncertain),
        (1, false)
    );
    assert_eq!(
        copy.access_token(&found, Purpose::Check).await.unwrap(),
        Secret::new("access-a")
    );
    let refused = copy.begin_refresh(begin(made.id, 1, 8)).await.unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::AdoptionRequired(AdoptionReason::Restored)
        ),
        "{refused}"
    );
    assert_eq!(
        again(&copy, &made).await.intent.unwrap().attempt,
        7,
        "nothing was written"
    );
    copy.close().await;

    let copy = home
        .try_open(&other, home.master_key(), "default")
        .await
        .unwrap();
    assert!(
        copy.adoption_required().is_some(),
        "opening it is not adopting it"
    );
    copy.adopt().await.unwrap();
    assert_eq!(copy.adoption_required(), None);
    assert!(matches!(
        copy.begin_refresh(begin(made.id, 1, 8)).await.unwrap(),
        Begun::Taken(_)
    ));
    copy.close().await;
    let copy = home
        .try_open(&other, home.master_key(), "default")
        .await
        .unwrap();
    assert_eq!(copy.adoption_required(), None);
    copy.close().await;
    store.close().await;
}

#[tokio::test]
async fn a_store_of_another_deployment_must_be_adopted() {
    let home = Home::new().await;
    let store = home.open().await;
    assert_eq!(
        (store.deployment(), store.adoption_required()),
        ("default", None)
    );
    let made = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    store.close().await;

    let staging = home
        .try_open(&home.data(), home.master_key(), "staging")
        .await
        .unwrap();
    let reason = staging.adoption_required().unwrap();
    let expected = AdoptionReason::OtherDeployment {
        stored: "default".to_owned(),
        given: "staging".to_owned(),
    };
    assert_eq!(reason, expected);
    let refused = staging
        .begin_refresh(begin(made.id, 1, 7))
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("default") && refused.to_string().contains("staging"),
        "{refused}"
    );
    staging.adopt().await.unwrap();
    assert!(matches!(
        staging.begin_refresh(begin(made.id, 1, 7)).await.unwrap(),
        Begun::Taken(_)
    ));
    staging.close().await;

    let back = home.open().await;
    assert!(
        back.adoption_required().is_some(),
        "it belongs to staging now"
    );
    back.close().await;
}

#[tokio::test]
async fn a_backup_overwrites_nothing() {
    let home = Home::new().await;
    let store = home.open().await;
    let file = home.path("precious");
    fs::write(&file, "precious").unwrap();
    let error = store.backup(&file).await.unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    let error = store.backup(&file.join("below")).await.unwrap_err();
    assert!(error.to_string().contains("precious"), "{error}");
    store.close().await;
}

#[tokio::test]
async fn a_folder_with_a_store_is_restored_into_only_by_force() {
    let home = Home::new().await;
    let store = home.open().await;
    let made = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let file = home.path("backup.db");
    store.backup(&file).await.unwrap();
    done(
        store
            .commit_refresh(&commit(made.id, 1, 7, "newer"))
            .await
            .unwrap(),
    );

    let error = Store::restore(&file, &home.data(), true).await.unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    store.close().await;
    let error = Store::restore(&file, &home.data(), false)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::NotEmpty { .. }), "{error}");

    let report = Store::restore(&file, &home.data(), true).await.unwrap();
    let aside = report.moved_aside.unwrap();
    assert_eq!(aside, home.data().join("backups/replaced-1"));
    let store = home.open().await;
    assert_eq!(again(&store, &made).await.generation, 1);
    store.close().await;
    let mut old = Outside::open(&aside.join("store.db")).await;
    assert_eq!(
        old.number("SELECT generation FROM instances", &[]).await,
        2,
        "the newer store is still there"
    );
    old.close().await;
}

#[tokio::test]
async fn a_path_that_cannot_be_used_is_not_tried_again() {
    let home = Home::new().await;
    let store = home.open().await;
    instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let not_text = home
        .path("x")
        .with_file_name(OsStr::from_bytes(b"b\xff.db"));
    let backup = store.backup(&not_text).await.unwrap_err();
    assert!(!not_text.exists(), "half a backup is left");
    store.backup(&home.path("good.db")).await.unwrap();
    store.close().await;
    fs::rename(home.path("good.db"), &not_text).unwrap();
    fs::create_dir(home.path("folder.key")).unwrap();

    let target = home.path("target");
    let missing = Store::restore(&home.path("missing"), &target, false).await;
    let restore = Store::restore(&not_text, &target, false).await;
    let data = home.path("x").with_file_name(OsStr::from_bytes(b"d\xff"));
    let open = home.try_open(&data, home.master_key(), "default").await;
    for (error, name) in [
        (backup, "b"),
        (missing.unwrap_err(), "missing"),
        (restore.unwrap_err(), "b"),
        (open.unwrap_err(), "d"),
        (
            MasterKey::load(&home.path("folder.key")).unwrap_err(),
            "folder.key",
        ),
    ] {
        assert!(matches!(error, StoreError::BadPath { .. }), "{error:?}");
        assert!(!error.is_transient(), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(name) && text.contains("check the path"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn what_is_no_backup_is_not_restored() {
    let home = Home::new().await;
    let store = home.open().await;
    instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let good = home.path("good.db");
    store.backup(&good).await.unwrap();
    let bytes = fs::read(&good).unwrap();
    store.close().await;

    fs::write(home.path("empty"), "").unwrap();
    fs::write(home.path("garbage"), "this is no database".repeat(100)).unwrap();
    fs::write(home.path("cut"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(home.path("with-log"), &bytes).unwrap();
    fs::write(home.path("with-log-wal"), "log").unwrap();
    fs::write(home.path("newer"), &bytes).unwrap();
    let mut newer = Outside::open(&home.path("newer")).await;
    newer
        .run(
            "UPDATE _sqlx_migrations SET version = 999 WHERE version = 1",
            &[],
        )
        .await;
    newer.close().await;
    fs::write(home.path("foreign"), "").unwrap();
    let mut foreign = Outside::open(&home.path("foreign")).await;
    foreign.run("CREATE TABLE t (x)", &[]).await;
    foreign.close().await;

    let target = home.path("target");
    for (name, cure) in [
        ("missing", "missing"),
        ("empty", "empty"),
        ("garbage", "no SQLite file"),
        ("cut", "damaged"),
        ("with-log", "write-ahead log"),
        ("newer", "999"),
        ("foreign", "another program"),
    ] {
        let error = Store::restore(&home.path(name), &target, false)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(cure) && error.contains(name),
            "{name}: {error}"
        );
        assert!(!Store::exists(&target), "{name}");
    }
    Store::restore(&good, &target, false).await.unwrap();
    assert!(Store::exists(&target));
}
