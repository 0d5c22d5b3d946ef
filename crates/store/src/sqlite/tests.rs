//! What only shows from the inside: settings, migrations, and commits that fail.

use std::fs;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tieline_core::Timestamp;

use super::failed::failed;
use super::migrations::MIGRATIONS;
use super::{Sqlite, inspect};
use crate::StoreError;
use crate::backend::{MarkRows as _, Upkeep as _};
use crate::folder::Folder;
use crate::sql::{Database as _, Statement};

impl Sqlite {
    /// Makes the writing connection believe that the disk is full from that page on.
    pub(crate) async fn limit_pages_to(&self, pages: u32) {
        let statement = format!("PRAGMA max_page_count = {pages}");
        self.write(Statement::built(statement)).await.unwrap();
    }
}

async fn open(folder: &Folder) -> Sqlite {
    let found = inspect(&folder.database()).await.unwrap();
    Sqlite::open(folder, &found, Timestamp::UNIX_EPOCH)
        .await
        .unwrap()
}

fn prepare(home: &Path) -> Folder {
    Folder::prepare(&home.join("data")).unwrap()
}

#[tokio::test]
async fn it_runs_durably() {
    let home = tempfile::tempdir().unwrap();
    let sqlite = open(&prepare(home.path())).await;
    for (statement, wanted) in [
        (
            "SELECT journal_mode AS value FROM pragma_journal_mode",
            "wal",
        ),
        (
            "SELECT CAST(synchronous AS TEXT) AS value FROM pragma_synchronous",
            "2",
        ),
        (
            "SELECT CAST(foreign_keys AS TEXT) AS value FROM pragma_foreign_keys",
            "1",
        ),
        (
            "SELECT CAST(timeout AS TEXT) AS value FROM pragma_busy_timeout",
            "10000",
        ),
    ] {
        let row = sqlite
            .write(Statement::of(statement))
            .await
            .unwrap()
            .pop()
            .unwrap();
        assert_eq!(row.get::<String>("value").unwrap(), wanted, "{statement}");
    }
    sqlite.close().await;
}

#[tokio::test]
async fn a_commit_that_fails_after_the_rows_were_returned_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let sqlite = open(&prepare(home.path())).await;
    sqlite
        .change(Statement::of(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        ))
        .await
        .unwrap();
    sqlite
        .change(Statement::of(
            "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
        ))
        .await
        .unwrap();
    // The constraint is looked at by the commit, after the row has been returned.
    let written = sqlite
        .write(Statement::of(
            "INSERT INTO child (id, parent) VALUES (1, 99) RETURNING id",
        ))
        .await;
    assert!(
        written.is_err(),
        "a write that was not committed was reported as done"
    );
    let row = sqlite
        .read(Statement::of("SELECT count(*) AS n FROM child"))
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert_eq!(row.get::<i64>("n").unwrap(), 0);
    sqlite.close().await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_never_happened() {
    let home = tempfile::tempdir().unwrap();
    let sqlite = open(&prepare(home.path())).await;
    let mut transaction = sqlite.begin().await.unwrap();
    transaction
        .execute(Statement::of(
            "INSERT INTO marks (name, value) VALUES ('half', 'done')",
        ))
        .await
        .unwrap();
    drop(transaction);
    sqlite.set_marks(&[("whole", Some("done"))]).await.unwrap();
    assert_eq!(sqlite.mark("half").await.unwrap(), None);
    assert_eq!(sqlite.mark("whole").await.unwrap().as_deref(), Some("done"));
    sqlite.close().await;
}

#[tokio::test]
async fn an_older_schema_is_backed_up_and_migrated() {
    let home = tempfile::tempdir().unwrap();
    let folder = prepare(home.path());
    let sqlite = open(&folder).await;
    sqlite.set_marks(&[("before", Some("kept"))]).await.unwrap();
    sqlite.close().await;
    assert!(!folder.backups().exists(), "a new database needs no backup");

    let mut migrations = MIGRATIONS.to_vec();
    let schema = MIGRATIONS.len() as i64;
    migrations.push((
        schema + 1,
        "next",
        "CREATE TABLE next (id INTEGER PRIMARY KEY) STRICT",
    ));
    let found = inspect(&folder.database()).await.unwrap();
    assert_eq!(found.schema, schema);
    let sqlite = Sqlite::open_with(&folder, &found, Timestamp::UNIX_EPOCH, &migrations)
        .await
        .unwrap();
    assert_eq!(
        sqlite.mark("before").await.unwrap().as_deref(),
        Some("kept")
    );
    sqlite
        .change(Statement::of("INSERT INTO next (id) VALUES (1)"))
        .await
        .unwrap();
    sqlite.close().await;

    let backups: Vec<_> = fs::read_dir(folder.backups())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(backups.len(), 1, "{backups:?}");
    assert_eq!(
        backups[0].file_name().unwrap(),
        &*format!("schema-{schema}-19700101T000000000000Z.db")
    );
    assert_eq!(inspect(&backups[0]).await.unwrap().schema, schema);

    // The release that knows only the schema before refuses what the next one wrote.
    let error = inspect(&folder.database()).await.unwrap_err();
    let StoreError::NewerSchema { found, known, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((found, known), (schema + 1, schema));
}

#[tokio::test]
async fn a_migration_that_fails_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let folder = prepare(home.path());
    open(&folder).await.close().await;
    let mut migrations = MIGRATIONS.to_vec();
    migrations.push((
        2,
        "broken",
        "CREATE TABLE second (id INTEGER PRIMARY KEY) STRICT; SELECT no_such_function();",
    ));
    let found = inspect(&folder.database()).await.unwrap();
    assert!(
        Sqlite::open_with(&folder, &found, Timestamp::UNIX_EPOCH, &migrations)
            .await
            .is_err()
    );

    let sqlite = open(&folder).await;
    let row = sqlite
        .read(Statement::of(
            "SELECT count(*) AS n FROM sqlite_schema WHERE name = 'second'",
        ))
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert_eq!(row.get::<i64>("n").unwrap(), 0);
    sqlite.close().await;
}

#[tokio::test]
async fn a_first_start_that_ended_early_starts_again() {
    let home = tempfile::tempdir().unwrap();
    let folder = prepare(home.path());
    // All that there is before the first migration: a header that says "write-ahead log".
    let options = SqliteConnectOptions::new()
        .filename(folder.database())
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::query("PRAGMA journal_mode = wal")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    assert!(fs::metadata(folder.database()).unwrap().len() > 0);

    let sqlite = open(&folder).await;
    assert_eq!(sqlite.mark("any").await.unwrap(), None);
    sqlite.close().await;
}

#[tokio::test]
async fn a_database_that_may_not_be_written_says_so() {
    let home = tempfile::tempdir().unwrap();
    let folder = prepare(home.path());
    open(&folder).await.close().await;
    let path = folder.database();
    let mut connection = SqliteConnectOptions::new()
        .filename(&path)
        .read_only(true)
        .connect()
        .await
        .unwrap();
    let refused = sqlx::query("DELETE FROM marks")
        .execute(&mut connection)
        .await
        .unwrap_err();
    let error = failed(&path, refused);
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
    assert!(!error.is_transient());
    assert!(
        error.to_string().contains("store.db") && error.to_string().contains("permissions"),
        "{error}"
    );
    connection.close().await.unwrap();
}
