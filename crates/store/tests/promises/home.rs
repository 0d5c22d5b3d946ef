//! A folder for one test: master key, data, clock, and a way past the store into its database.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};
use tempfile::TempDir;
use tieline_core::ManualClock;
use tieline_store::{MasterKey, Store, StoreError, StoreOptions};

pub(crate) use crate::given::*;

pub(crate) struct Home {
    folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
}

impl Home {
    pub(crate) async fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            clock: Arc::new(ManualClock::new(at(1_800_000_000))),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) async fn open(&self) -> Store {
        self.open_with(self.master_key()).await.unwrap()
    }

    pub(crate) async fn open_with(&self, master_key: MasterKey) -> Result<Store, StoreError> {
        self.try_open(&self.data(), master_key, "default").await
    }

    pub(crate) async fn try_open(
        &self,
        data: &Path,
        master_key: MasterKey,
        deployment: &str,
    ) -> Result<Store, StoreError> {
        Store::open(StoreOptions {
            place: data.into(),
            master_key,
            deployment: deployment.to_owned(),
            clock: self.clock.clone(),
        })
        .await
    }

    /// Lets time pass. The owners say all the while that they are alive, where there is anybody to say it to.
    pub(crate) async fn pass(&self, _store: &Store, time: Duration, _owners: &[&str]) {
        self.clock.advance(time);
    }

    /// The database from outside, while the store is open or after.
    pub(crate) async fn database(&self) -> Outside {
        Outside::open(&self.data().join("store.db")).await
    }
}

pub(crate) struct Outside(SqliteConnection);

impl Outside {
    pub(crate) async fn open(path: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .disable_statement_logging();
        Self(options.connect().await.unwrap())
    }

    /// No waiting for the disk.
    pub(crate) async fn hurry(&mut self) {
        self.run("PRAGMA synchronous = OFF", &[]).await;
    }

    pub(crate) async fn run(
        &mut self,
        statement: &'static str,
        values: &[Value],
    ) -> Vec<SqliteRow> {
        bound(statement, values)
            .fetch_all(&mut self.0)
            .await
            .unwrap()
    }

    pub(crate) async fn blob(&mut self, statement: &'static str, id: i64) -> Vec<u8> {
        self.run(statement, &[Value::Id(id)]).await[0].get(0)
    }

    pub(crate) async fn number(&mut self, statement: &'static str, values: &[Value]) -> i64 {
        self.run(statement, values).await[0].get(0)
    }

    pub(crate) async fn close(self) {
        self.0.close().await.unwrap();
    }
}

fn bound(
    statement: &'static str,
    values: &[Value],
) -> Query<'static, sqlx::Sqlite, SqliteArguments> {
    values
        .iter()
        .fold(sqlx::query(statement), |query, value| match value {
            Value::Id(value) => query.bind(*value),
            Value::Blob(value) => query.bind(value.clone()),
        })
}
