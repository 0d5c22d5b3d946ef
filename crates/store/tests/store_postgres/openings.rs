//! Opening a database: what is made there, by several processes at once too, what is refused, and that a refusal writes nothing.

use futures_util::future::join_all;
use tieline_store::{AdoptionReason, MasterKey, Purpose, Relabel, StoreError};

use crate::home::{Home, TENANT, Value, again, app, instance};

const TABLES: &str = "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('tieline') AND relkind = 'r'";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_first_starts_at_once_each_opens_the_same_store() {
    let home = Home::new().await;
    home.master_key();
    let stores: Vec<_> = join_all((0..8).map(|_| home.open_with(home.master_key())))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let main = app(&stores[0], TENANT, "main").await;
    for (n, store) in stores.iter().enumerate() {
        assert!(store.is_shared());
        assert_eq!(store.adoption_required(), None);
        let made = instance(store, &main, &n.to_string()).await;
        for other in &stores {
            let found = again(other, &made).await;
            assert!(other.access_token(&found, Purpose::Check).await.is_ok());
        }
    }
    let mut database = home.database().await;
    assert_eq!(
        database.number("SELECT count(*) FROM keyring", &[]).await,
        1
    );
    assert_eq!(
        database
            .number("SELECT max(version) FROM schema_versions", &[])
            .await,
        4
    );
    for store in stores {
        store.close().await;
        assert!(matches!(store.apps(TENANT).await, Err(StoreError::Closed)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_first_starts_with_different_master_keys_one_is_refused() {
    let home = Home::new().await;
    let other = || {
        MasterKey::load_or_create(&home.path("other.key"))
            .unwrap()
            .0
    };
    let (one, two) = tokio::join!(home.open_with(home.master_key()), home.open_with(other()));
    let refused = match (one, two) {
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
        both => panic!("{both:?}"),
    };
    assert!(
        matches!(refused, StoreError::WrongMasterKey { key_id: 1, .. }),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_first_starts_as_different_deployments_one_must_adopt() {
    let home = Home::new().await;
    let (one, two) = tokio::join!(
        home.open_as("one", home.master_key()),
        home.open_as("two", home.master_key())
    );
    let reasons = [one.unwrap(), two.unwrap()].map(|store| store.adoption_required());
    assert!(
        matches!(
            &reasons,
            [None, Some(AdoptionReason::OtherDeployment { .. })]
                | [Some(AdoptionReason::OtherDeployment { .. }), None]
        ),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn a_wrong_master_key_is_refused_and_nothing_is_written() {
    let home = Home::new().await;
    let store = home.open().await;
    instance(&store, &app(&store, TENANT, "main").await, "a").await;
    store.close().await;
    let mut database = home.database().await;
    // Every version of a row has the number of the transaction that wrote it.
    let versions = "SELECT (SELECT sum(xmin::text::bigint) FROM keyring)::bigint + (SELECT sum(xmin::text::bigint) FROM marks)::bigint \
        + (SELECT sum(xmin::text::bigint) FROM instances)::bigint + (SELECT sum(xmin::text::bigint) FROM pg_class)::bigint";
    let before = database.number(versions, &[]).await;
    let wrong = MasterKey::load_or_create(&home.path("wrong.key"))
        .unwrap()
        .0;
    let error = home.open_with(wrong).await.unwrap_err();
    assert!(
        matches!(error, StoreError::WrongMasterKey { key_id: 1, .. }),
        "{error:?}"
    );
    assert_eq!(database.number(versions, &[]).await, before);
    home.open().await.close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let home = Home::new().await;
    home.open().await.close().await;
    let mut database = home.database().await;
    database
        .run(
            "INSERT INTO schema_versions (version) VALUES ($1)",
            &[Value::Id(999)],
        )
        .await;
    let error = home.open_with(home.master_key()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 999, .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("postgres://127.0.0.1"),
        "{error}"
    );
}

#[tokio::test]
async fn a_host_keeps_its_own_tables_in_the_same_database() {
    let home = Home::new().await;
    let mut database = home.database().await;
    for statement in [
        "CREATE TABLE public.instances (theirs INTEGER)",
        "CREATE TABLE public.schema_versions (theirs INTEGER)",
    ] {
        database.run(statement, &[]).await;
    }
    assert_eq!(database.number(TABLES, &[]).await, 0);
    let store = home.open().await;
    instance(&store, &app(&store, TENANT, "main").await, "a").await;
    store.close().await;
    for theirs in [
        "SELECT count(*) FROM public.instances",
        "SELECT count(*) FROM public.schema_versions",
    ] {
        assert_eq!(database.number(theirs, &[]).await, 0);
    }
}

#[tokio::test]
async fn a_backup_is_for_postgres_itself_and_what_comes_of_it_must_be_adopted() {
    let home = Home::new().await;
    let store = home.open().await;
    let error = store.backup(&home.path("backup")).await.unwrap_err();
    assert!(
        error.to_string().contains("pg_dump") && error.to_string().contains("tieline adopt"),
        "{error}"
    );
    assert!(!error.is_transient());
    store.close().await;

    // As in a database that a dump was restored into.
    let mut database = home.database().await;
    database
        .run(
            "UPDATE marks SET value = value || '1' WHERE name = 'database'",
            &[],
        )
        .await;
    let store = home.open().await;
    assert_eq!(store.adoption_required(), Some(AdoptionReason::Restored));
    store.adopt().await.unwrap();
    assert_eq!(store.adoption_required(), None);
    store.close().await;
    let store = home.open().await;
    assert_eq!(store.adoption_required(), None);
    store.close().await;
}

#[tokio::test]
async fn text_that_postgres_cannot_keep_is_refused_and_tokens_are_not() {
    let home = Home::new().await;
    let store = home.open().await;
    let main = app(&store, TENANT, "main").await;
    let made = instance(&store, &main, "a").await;
    let named = store
        .relabel(
            &made.tenant,
            made.id,
            &Relabel {
                name: Some(Some("a\0b".to_owned())),
                tags: None,
            },
        )
        .await;
    assert!(matches!(named, Err(StoreError::Conflict(_))), "{named:?}");

    // What comes with tokens is kept whatever it is.
    let mut commit = crate::home::commit(made.id, 1, 7, "a2");
    commit.tokens.scopes = vec!["a\0b".to_owned()];
    commit.tokens.captures = [("host".to_owned(), "\u{0}\u{1}\\u0000".to_owned())].into();
    for generation in [2, 3] {
        commit.generation = generation - 1;
        commit.attempt = generation;
        let done = crate::home::done(store.commit_refresh(&commit).await.unwrap());
        assert_eq!(done.captures["host"], "\u{fffd}\u{1}\\u0000");
        assert_eq!(done.scopes, commit.tokens.scopes);
    }
    store.close().await;
}
