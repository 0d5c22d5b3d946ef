//! A database for one test: master key, clocks, and a way past the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};
use tempfile::TempDir;
use tieline_core::{Clock as _, ManualClock, Secret};
use tieline_store::{MasterKey, Store, StoreError, StoreOptions, StorePlace};

pub(crate) use crate::given::*;
use crate::postgres::shared;

pub(crate) struct Home {
    folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: PgConnectOptions,
    address: Secret,
}

impl Home {
    pub(crate) async fn new() -> Self {
        let address = shared().await.create_database().await.unwrap();
        let database: PgConnectOptions = address.parse().unwrap();
        Self {
            folder: TempDir::new().unwrap(),
            clock: Arc::new(ManualClock::new(at(1_800_000_000))),
            database: database.disable_statement_logging(),
            address: Secret::new(address),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn address(&self) -> Secret {
        self.address.duplicate()
    }

    /// The one that the server wants.
    pub(crate) fn password(&self) -> String {
        let address: url::Url = self.address.expose().parse().unwrap();
        address.password().unwrap().to_owned()
    }

    pub(crate) fn address_with(&self, password: &str) -> Secret {
        let (port, database) = (self.database.get_port(), self.database.get_database());
        Secret::new(format!(
            "postgres://postgres:{password}@127.0.0.1:{port}/{}",
            database.unwrap()
        ))
    }

    /// With the database's clock standing still, at what the store's says.
    pub(crate) async fn open(&self) -> Store {
        let store = self.open_with(self.master_key()).await.unwrap();
        self.set_clock().await;
        store
    }

    pub(crate) async fn open_with(&self, master_key: MasterKey) -> Result<Store, StoreError> {
        self.open_as("default", master_key).await
    }

    pub(crate) async fn open_as(
        &self,
        deployment: &str,
        master_key: MasterKey,
    ) -> Result<Store, StoreError> {
        Store::open(StoreOptions {
            place: StorePlace::Postgres(self.address()),
            master_key,
            deployment: deployment.to_owned(),
            clock: self.clock.clone(),
        })
        .await
    }

    /// Puts a clock into the database that shows what the store's clock shows now.
    pub(crate) async fn set_clock(&self) {
        let mut database = self.database().await;
        for statement in [
            "CREATE TABLE IF NOT EXISTS clock_of_tests (now BIGINT)",
            "DELETE FROM clock_of_tests",
        ] {
            database.run(statement, &[]).await;
        }
        database
            .run(
                "INSERT INTO clock_of_tests VALUES ($1)",
                &[Value::Id(self.clock.now().as_microsecond())],
            )
            .await;
        database
            .run(
                "CREATE OR REPLACE FUNCTION tieline_now() RETURNS BIGINT LANGUAGE sql VOLATILE \
                 AS 'SELECT now FROM clock_of_tests'",
                &[],
            )
            .await;
        database.close().await;
    }

    /// Lets time pass. The owners say all the while that they are alive.
    pub(crate) async fn pass(&self, store: &Store, time: Duration, owners: &[&str]) {
        self.clock.advance(time);
        self.set_clock().await;
        for owner in owners {
            store.beat(owner).await.unwrap();
        }
    }

    /// The database from outside, while the store is open or after.
    pub(crate) async fn database(&self) -> Outside {
        let mut connection = self.database.connect().await.unwrap();
        // Whoever damages a row from outside doesn't ask the schema.
        sqlx::raw_sql("SET search_path = tieline; SET session_replication_role = replica")
            .execute(&mut connection)
            .await
            .unwrap();
        Outside(connection)
    }
}

pub(crate) struct Outside(PgConnection);

impl Outside {
    /// No waiting for the disk.
    pub(crate) async fn hurry(&mut self) {
        self.run("SET synchronous_commit = off", &[]).await;
    }

    pub(crate) async fn run(&mut self, statement: &'static str, values: &[Value]) -> Vec<PgRow> {
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

fn bound(statement: &'static str, values: &[Value]) -> Query<'static, sqlx::Postgres, PgArguments> {
    values
        .iter()
        .fold(sqlx::query(statement), |query, value| match value {
            Value::Id(value) => query.bind(*value),
            Value::Blob(value) => query.bind(value.clone()),
        })
}
