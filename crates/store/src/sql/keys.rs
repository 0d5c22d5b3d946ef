//! The keyring's rows, and rows that move from one key to another.

use async_trait::async_trait;

use super::row::micros;
use super::violations::{is_dangling, is_duplicate};
use super::{Database, Row, Statement, only};
use crate::StoreError;
use crate::backend::{KeyRow, KeyRows, SealedRow, SealedTable};

pub(crate) const SELECT: &str =
    "SELECT key_id, wrapped, check_value, master, state, created_at FROM keyring ORDER BY key_id";

pub(crate) fn from_row(row: &Row) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        key_id: row.unsigned("key_id")?,
        wrapped: row.blob("wrapped")?,
        check_value: row.blob("check_value")?,
        master: row.get("master")?,
        active: row.get::<&str>("state")? == "active",
        created_at: row.time("created_at")?,
    })
}

/// Bytes 3 to 6 of a blob name the key that sealed it.
struct Statements {
    /// $1 the active key, $2 after this id, $3 at most so many.
    select: &'static str,
    /// $1 the active key.
    count: &'static str,
    /// $1 the key.
    in_use: &'static str,
    /// $1 id, $2 version, then the blobs.
    update: &'static str,
}

const fn statements(table: SealedTable) -> Statements {
    match table {
        SealedTable::Apps => Statements {
            select: "SELECT id, tenant, version, parameters FROM apps \
                     WHERE id > $2 AND substr(parameters, 3, 4) <> $1 ORDER BY id LIMIT $3",
            count: "SELECT count(*) AS n FROM apps WHERE substr(parameters, 3, 4) <> $1",
            in_use: "SELECT count(*) AS n FROM apps WHERE substr(parameters, 3, 4) = $1",
            update: "UPDATE apps SET parameters = $3 WHERE id = $1 AND version = $2",
        },
        SealedTable::Instances => Statements {
            select: "SELECT id, tenant, generation AS version, access_token, refresh_token FROM instances \
                     WHERE id > $2 AND (substr(access_token, 3, 4) <> $1 OR substr(refresh_token, 3, 4) <> $1) \
                     ORDER BY id LIMIT $3",
            count: "SELECT count(*) AS n FROM instances \
                    WHERE substr(access_token, 3, 4) <> $1 OR substr(refresh_token, 3, 4) <> $1",
            in_use: "SELECT count(*) AS n FROM instances \
                     WHERE substr(access_token, 3, 4) = $1 OR substr(refresh_token, 3, 4) = $1",
            update: "UPDATE instances SET access_token = $3, refresh_token = $4 \
                     WHERE id = $1 AND generation = $2",
        },
        SealedTable::Authorizations => Statements {
            select: "SELECT id, tenant, CAST(1 AS BIGINT) AS version, verifier FROM authorizations \
                     WHERE id > $2 AND substr(verifier, 3, 4) <> $1 ORDER BY id LIMIT $3",
            count: "SELECT count(*) AS n FROM authorizations WHERE substr(verifier, 3, 4) <> $1",
            in_use: "SELECT count(*) AS n FROM authorizations WHERE substr(verifier, 3, 4) = $1",
            update: "UPDATE authorizations SET verifier = $3 WHERE id = $1 AND 1 = $2",
        },
        SealedTable::Parked => Statements {
            select: "SELECT id, tenant, CAST(1 AS BIGINT) AS version, verifier, callback FROM parked \
                     WHERE id > $2 AND (substr(verifier, 3, 4) <> $1 OR substr(callback, 3, 4) <> $1) \
                     ORDER BY id LIMIT $3",
            count: "SELECT count(*) AS n FROM parked \
                    WHERE substr(verifier, 3, 4) <> $1 OR substr(callback, 3, 4) <> $1",
            in_use: "SELECT count(*) AS n FROM parked \
                     WHERE substr(verifier, 3, 4) = $1 OR substr(callback, 3, 4) = $1",
            update: "UPDATE parked SET verifier = $3, callback = $4 WHERE id = $1 AND 1 = $2",
        },
        SealedTable::Idempotency => Statements {
            select: "SELECT id, tenant, CAST(1 AS BIGINT) AS version, answer FROM idempotency \
                     WHERE id > $2 AND substr(answer, 3, 4) <> $1 ORDER BY id LIMIT $3",
            count: "SELECT count(*) AS n FROM idempotency WHERE substr(answer, 3, 4) <> $1",
            in_use: "SELECT count(*) AS n FROM idempotency WHERE substr(answer, 3, 4) = $1",
            update: "UPDATE idempotency SET answer = $3 WHERE id = $1 AND 1 = $2",
        },
        SealedTable::Webhooks => Statements {
            select: "SELECT id, tenant, CAST(1 AS BIGINT) AS version, secret FROM webhooks \
                     WHERE id > $2 AND substr(secret, 3, 4) <> $1 ORDER BY id LIMIT $3",
            count: "SELECT count(*) AS n FROM webhooks WHERE substr(secret, 3, 4) <> $1",
            in_use: "SELECT count(*) AS n FROM webhooks WHERE substr(secret, 3, 4) = $1",
            update: "UPDATE webhooks SET secret = $3 WHERE id = $1 AND 1 = $2",
        },
        SealedTable::Quarantine => Statements {
            select: "SELECT id, tenant, CAST(1 AS BIGINT) AS version, answer FROM quarantine \
                     WHERE id > $2 AND substr(answer, 3, 4) <> $1 ORDER BY id LIMIT $3",
            count: "SELECT count(*) AS n FROM quarantine WHERE substr(answer, 3, 4) <> $1",
            in_use: "SELECT count(*) AS n FROM quarantine WHERE substr(answer, 3, 4) = $1",
            update: "UPDATE quarantine SET answer = $3 WHERE id = $1 AND 1 = $2",
        },
    }
}

fn header(key_id: u32) -> Vec<u8> {
    key_id.to_be_bytes().to_vec()
}

#[async_trait]
impl<D: Database> KeyRows for D {
    async fn keyring(&self) -> Result<Vec<KeyRow>, StoreError> {
        self.read(Statement::of(SELECT))
            .await?
            .iter()
            .map(from_row)
            .collect()
    }

    async fn activate_key(&self, row: KeyRow) -> Result<(), StoreError> {
        // The key before, under the same master key, must be the active one; else the new row stands in the way of another.
        let retire = Statement::of(
            "UPDATE keyring SET state = 'retired' WHERE state = 'active' AND key_id = $1 AND master = $2",
        )
        .bind(row.key_id.saturating_sub(1))
        .bind(&row.master);
        let insert = Statement::of(
            "INSERT INTO keyring (key_id, wrapped, check_value, master, state, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(row.key_id)
        .bind(row.wrapped)
        .bind(row.check_value)
        .bind(row.master)
        .bind(if row.active { "active" } else { "retired" })
        .bind(micros(row.created_at));
        let mut transaction = self.begin().await?;
        transaction.execute(retire).await?;
        match transaction.execute(insert).await {
            Err(error) if is_duplicate(&error) => Err(other_keys()),
            Err(error) => Err(error),
            Ok(_) => transaction.commit().await,
        }
    }

    async fn rewrap_keys(&self, rows: Vec<KeyRow>) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let mut expected = 0;
        for row in rows {
            let statement =
                Statement::of("UPDATE keyring SET wrapped = $2, master = $3 WHERE key_id = $1")
                    .bind(row.key_id)
                    .bind(row.wrapped)
                    .bind(row.master);
            expected += transaction.execute(statement).await?;
        }
        let count = Statement::of("SELECT count(*) AS n FROM keyring");
        let found = only(transaction.fetch(count).await?)
            .map(|row| row.unsigned("n"))
            .transpose()?;
        if found != Some(expected) {
            return Err(other_keys());
        }
        transaction.commit().await
    }

    async fn remove_unused_key(&self, key_id: u32) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        for table in SealedTable::ALL {
            let count = Statement::of(statements(table).in_use).bind(header(key_id).as_slice());
            let used: u64 = only(transaction.fetch(count).await?)
                .map(|row| row.unsigned("n"))
                .transpose()?
                .unwrap_or_default();
            if used > 0 {
                return Ok(false);
            }
        }
        let delete = Statement::of("DELETE FROM keyring WHERE key_id = $1 AND state = 'retired'")
            .bind(key_id);
        match transaction.execute(delete).await {
            // Written since it was counted, by another process.
            Err(StoreError::KeyRemoved) => Ok(false),
            Err(error) if is_dangling(&error) => Ok(false),
            Err(error) => Err(error),
            Ok(removed) => {
                transaction.commit().await?;
                Ok(removed > 0)
            }
        }
    }

    async fn rows_to_reseal(
        &self,
        table: SealedTable,
        active: u32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let statement = Statement::of(statements(table).select)
            .bind(header(active).as_slice())
            .bind(after)
            .bind(limit);
        self.read(statement)
            .await?
            .iter()
            .map(|row| {
                Ok(SealedRow {
                    id: row.get("id")?,
                    tenant: row.get("tenant")?,
                    version: row.get("version")?,
                    blobs: table
                        .columns()
                        .iter()
                        .map(|column| row.optional_blob(column))
                        .collect::<Result<_, _>>()?,
                })
            })
            .collect()
    }

    async fn count_to_reseal(&self, table: SealedTable, active: u32) -> Result<u64, StoreError> {
        let count = Statement::of(statements(table).count).bind(header(active).as_slice());
        Ok(only(self.read(count).await?)
            .map(|row| row.unsigned("n"))
            .transpose()?
            .unwrap_or_default())
    }

    async fn reseal(&self, table: SealedTable, rows: Vec<SealedRow>) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let mut resealed = 0;
        for row in rows {
            let statement = Statement::of(statements(table).update)
                .bind(row.id)
                .bind(row.version)
                .bind_all(row.blobs.into_iter().map(Into::into));
            resealed += transaction.execute(statement).await?;
        }
        transaction.commit().await?;
        Ok(resealed)
    }
}

fn other_keys() -> StoreError {
    StoreError::Conflict(
        "another process changed the keyring at the same time: look what it did, and try again"
            .to_owned(),
    )
}
