//! Heartbeats, and the end.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tieline_core::Timestamp;

use super::Postgres;
use crate::StoreError;
use crate::backend::Upkeep;
use crate::sql::{Database as _, Statement};

#[async_trait]
impl Upkeep for Postgres {
    fn place(&self) -> PathBuf {
        self.place.clone()
    }

    /// Cluster and database: a promoted standby has the same, and a restored dump others.
    async fn identity(&self) -> Result<Option<String>, StoreError> {
        let oid = "SELECT oid::bigint AS oid, has_function_privilege('pg_control_system()', 'execute')::int::bigint AS may \
                   FROM pg_database WHERE datname = current_database()";
        let Some(row) = self.read(Statement::of(oid)).await?.pop() else {
            return Ok(None);
        };
        let database: i64 = row.get("oid")?;
        if row.get::<i64>("may")? == 0 {
            return Ok(Some(format!("{database}")));
        }
        let cluster = "SELECT system_identifier FROM pg_control_system()";
        let row = self.read(Statement::of(cluster)).await?.pop();
        let cluster: Option<i64> = row.map(|row| row.get("system_identifier")).transpose()?;
        Ok(cluster.map(|cluster| format!("{cluster}/{database}")))
    }

    fn is_shared(&self) -> bool {
        true
    }

    /// Nothing proves a holder dead but its silence.
    async fn release_leases(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn beat(&self, owner: &str) -> Result<Option<u32>, StoreError> {
        let statement = Statement::of(
            // Of several who tidy up, none waits for another.
            "WITH gone AS (DELETE FROM owners WHERE owner IN (SELECT owner FROM owners \
             WHERE beat < tieline_now() - 86400000000 AND owner <> $1 FOR UPDATE SKIP LOCKED)), \
             heard AS (INSERT INTO owners (owner, beat) VALUES ($1, tieline_now()) \
             ON CONFLICT (owner) DO UPDATE SET beat = tieline_now()) \
             SELECT key_id FROM keyring WHERE state = 'active'",
        )
        .bind(owner);
        self.write(statement)
            .await?
            .pop()
            .map(|row| row.unsigned("key_id"))
            .transpose()
    }

    /// Its own tools check it, offline or with rights that this process needs not have.
    async fn quick_check(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        let rows = self
            .read(Statement::of("SELECT tieline_now() AS now"))
            .await?;
        rows.first().map(|row| row.time("now")).transpose()
    }

    async fn backup(&self, _file: &Path) -> Result<(), StoreError> {
        Err(StoreError::BackupElsewhere)
    }

    async fn close(&self) {
        self.lookups.close();
        self.pool.close().await;
    }
}
