//! Opening a folder: what is made there, what is refused, and that a refusal writes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tieline_store::{MasterKey, Purpose, Store, StoreError};

use crate::home::{Home, Outside, TENANT, again, app, instance};

/// Every file below a folder, with its content.
pub(crate) fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(
                content(&entry.path())
                    .into_iter()
                    .map(|(below, bytes)| (format!("{name}/{below}"), bytes)),
            );
            found.insert(format!("{name}/"), Vec::new());
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// As a crash leaves it: a copy of the files while the store is open.
pub(crate) fn crashed_copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for (name, bytes) in content(from) {
        fs::write(to.join(name), bytes).unwrap();
    }
}

pub(crate) fn assert_unchanged(before: &BTreeMap<String, Vec<u8>>, folder: &Path) {
    let after = content(folder);
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in before {
        assert!(after[name] == *bytes, "{name} has changed");
    }
}

#[tokio::test]
async fn folder_and_files_are_private() {
    let home = Home::new().await;
    assert!(!Store::exists(&home.data()));
    let store = home.open().await;
    instance(&store, &app(&store, TENANT, "main").await, "a").await;
    assert!(Store::exists(&home.data()));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.data()), 0o700);
    for name in ["store.db", "store.db-wal", "store.db-shm", "lock"] {
        assert_eq!(mode(&home.data().join(name)), 0o600, "{name}");
    }
    store.close().await;
    assert_eq!(
        content(&home.data()).into_keys().collect::<Vec<_>>(),
        ["lock", "store.db"]
    );
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_folder() {
    let home = Home::new().await;
    let store = home.open().await;
    let error = home.open_with(home.master_key()).await.unwrap_err();
    match &error {
        StoreError::Locked { folder, pid } => {
            assert_eq!((folder, *pid), (&home.data(), Some(std::process::id())));
        }
        other => panic!("{other:?}"),
    }
    let text = error.to_string();
    assert!(
        text.contains(&std::process::id().to_string()) && text.contains("data"),
        "{text}"
    );

    let clone = store.clone();
    store.close().await;
    assert!(matches!(clone.apps(TENANT).await, Err(StoreError::Closed)));
    home.open().await.close().await;
}

#[tokio::test]
async fn a_wrong_master_key_changes_nothing() {
    let home = Home::new().await;
    let wrong = || {
        MasterKey::load_or_create(&home.path("wrong.key"))
            .unwrap()
            .0
    };
    let store = home.open().await;
    let made = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    let crashed = home.path("crashed");
    crashed_copy(&home.data(), &crashed);
    let without_index = home.path("without-index");
    crashed_copy(&home.data(), &without_index);
    fs::remove_file(without_index.join("store.db-shm")).unwrap();
    store.close().await;

    for folder in [home.data(), crashed.clone()] {
        let before = content(&folder);
        let error = home
            .try_open(&folder, wrong(), "default")
            .await
            .unwrap_err();
        assert!(
            matches!(error, StoreError::WrongMasterKey { key_id: 1, .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains("data key 1")
                && error.to_string().contains(&wrong().fingerprint()),
            "{error}"
        );
        assert_unchanged(&before, &folder);
    }
    // Without the index of its log, an empty one is made; nothing else.
    let mut before = content(&without_index);
    before.insert("store.db-shm".to_owned(), Vec::new());
    assert!(
        home.try_open(&without_index, wrong(), "default")
            .await
            .is_err()
    );
    assert_unchanged(&before, &without_index);

    // With the right key all three open, and what the logs hold is there.
    for folder in [home.data(), crashed, without_index] {
        let store = home
            .try_open(&folder, home.master_key(), "default")
            .await
            .unwrap();
        let found = again(&store, &made).await;
        assert!(store.access_token(&found, Purpose::Check).await.is_ok());
        store.close().await;
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_nothing_changes() {
    let home = Home::new().await;
    home.open().await.close().await;
    let mut database = home.database().await;
    database.run("INSERT INTO _sqlx_migrations SELECT 999, 'x', installed_on, 1, checksum, 0 FROM _sqlx_migrations LIMIT 1", &[]).await;
    database.close().await;
    let before = content(&home.data());
    let error = home.open_with(home.master_key()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 999, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("store.db"), "{error}");
    assert_unchanged(&before, &home.data());
}

#[tokio::test]
async fn what_is_not_a_data_folder_is_named_with_a_cure() {
    let home = Home::new().await;
    let file = home.path("file");
    fs::write(&file, "a file").unwrap();
    for folder in [file.clone(), file.join("below"), file.join("far/below")] {
        let error = home
            .try_open(&folder, home.master_key(), "default")
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::NotAFolder { .. }), "{error:?}");
        assert!(
            error.to_string().contains("file") && error.to_string().contains("give another"),
            "{error}"
        );
    }
    assert_eq!(fs::read(&file).unwrap(), b"a file");

    // A file system that nobody can write to.
    let error = home
        .try_open(Path::new("/proc/tieline"), home.master_key(), "default")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("/proc/tieline"), "{error}");
}

#[tokio::test]
async fn what_is_not_our_database_is_left_alone() {
    let home = Home::new().await;
    for (name, why) in [
        ("garbage", "no SQLite file"),
        ("foreign", "another program"),
        ("folder", "is a folder"),
    ] {
        let data = home.path(name);
        fs::create_dir(&data).unwrap();
        let database = data.join("store.db");
        match name {
            "garbage" => fs::write(&database, "this is no database".repeat(100)).unwrap(),
            "foreign" => {
                fs::write(&database, "").unwrap();
                let mut foreign = Outside::open(&database).await;
                foreign.run("CREATE TABLE t (x)", &[]).await;
                foreign.close().await;
            }
            _ => fs::create_dir(&database).unwrap(),
        }
        fs::write(data.join("lock"), "").unwrap();
        let before = content(&data);
        let error = home
            .try_open(&data, home.master_key(), "default")
            .await
            .unwrap_err();
        assert!(
            matches!(error, StoreError::NotADatabase { .. }),
            "{error:?}"
        );
        assert!(
            error.to_string().contains(why) && error.to_string().contains("store.db"),
            "{error}"
        );
        assert_unchanged(&before, &data);
    }
}
