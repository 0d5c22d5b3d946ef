//! API keys as rows.

use async_trait::async_trait;
use serde_json::json;
use tieline_core::{ApiKeyId, Timestamp};

use super::journal::event_statement;
use super::row::{json as json_text, micros};
use super::violations::is_dangling;
use super::{Database, Row, Statement, only};
use crate::backend::ApiKeyRows;
use crate::{ApiKey, NewEvent, StoreError};

/// The hash stays where it is.
macro_rules! columns {
    () => {
        "id, tenant, name, permissions, hint, created_at, last_used_at, revoked_at"
    };
}
pub(super) use columns;

#[async_trait]
impl<D: Database> ApiKeyRows for D {
    async fn insert_api_key(
        &self,
        new: &ApiKey,
        key_hash: &[u8; 32],
        actor: Option<&str>,
    ) -> Result<ApiKey, StoreError> {
        let statement = Statement::of(concat!(
            "INSERT INTO api_keys (id, tenant, name, key_hash, hint, permissions, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ",
            columns!()
        ))
        .bind(new.id.0)
        .bind(&new.tenant)
        .bind(&new.name)
        .bind(key_hash.as_slice())
        .bind(&new.hint)
        .bind(json_text(&new.permissions)?)
        .bind(micros(new.created_at));
        let mut transaction = self.begin().await?;
        let stored = match transaction.fetch(statement).await {
            Err(error) if !is_dangling(&error) => return Err(error),
            stored => one(stored.unwrap_or_default())?,
        };
        let Some(key) = stored else {
            transaction.roll_back().await;
            return Err(StoreError::NotFound {
                what: "tenant",
                name: new.tenant.clone(),
            });
        };
        let event = happened(&key, "api_key.created", actor);
        let told = event_statement(&event, key.created_at)?;
        transaction.execute(told).await?;
        transaction.commit().await?;
        Ok(key)
    }

    async fn api_key_by_hash(&self, key_hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM api_keys WHERE key_hash = $1"
        ))
        .bind(key_hash.as_slice());
        one(self.read(statement).await?)
    }

    async fn api_keys(
        &self,
        tenant: Option<&str>,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM api_keys WHERE ($1 IS NULL OR tenant = $1) AND id > $2 ORDER BY id LIMIT $3"
        ))
        .bind(tenant)
        .bind(after.map_or(0, |id| id.0))
        .bind(limit);
        self.read(statement).await?.iter().map(from_row).collect()
    }

    async fn revoke_api_key(
        &self,
        tenant: Option<&str>,
        id: ApiKeyId,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<Option<ApiKey>, StoreError> {
        let revoke = Statement::of(concat!(
            "UPDATE api_keys SET revoked_at = $3 WHERE id = $1 AND ($2 IS NULL OR tenant = $2) AND revoked_at IS NULL RETURNING ",
            columns!()
        ))
        .bind(id.0)
        .bind(tenant)
        .bind(micros(now));
        let mut transaction = self.begin().await?;
        if let Some(key) = one(transaction.fetch(revoke).await?)? {
            let event = happened(&key, "api_key.revoked", actor);
            transaction.execute(event_statement(&event, now)?).await?;
            transaction.commit().await?;
            return Ok(Some(key));
        }
        let find = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM api_keys WHERE id = $1 AND ($2 IS NULL OR tenant = $2)"
        ))
        .bind(id.0)
        .bind(tenant);
        let found = one(transaction.fetch(find).await?)?;
        transaction.commit().await?;
        Ok(found)
    }

    async fn note_api_key_used(
        &self,
        id: ApiKeyId,
        now: Timestamp,
        unless_after: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = Statement::of(
            "UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)",
        )
        .bind(id.0)
        .bind(micros(now))
        .bind(micros(unless_after));
        self.change(statement).await.map(|_| ())
    }
}

/// The key's tenant is told: it is theirs to know who speaks for them.
fn happened(key: &ApiKey, kind: &'static str, actor: Option<&str>) -> NewEvent {
    NewEvent {
        tenant: key.tenant.clone(),
        instance: None,
        app: None,
        kind,
        detail: json!({ "api_key": key.id, "name": key.name, "permissions": key.permissions }),
        actor: actor.map(str::to_owned),
    }
}

pub(super) fn one(rows: Vec<Row>) -> Result<Option<ApiKey>, StoreError> {
    only(rows).as_ref().map(from_row).transpose()
}

fn from_row(row: &Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: ApiKeyId(row.get("id")?),
        tenant: row.get("tenant")?,
        name: row.get("name")?,
        permissions: row.json("permissions")?,
        hint: row.get("hint")?,
        created_at: row.time("created_at")?,
        last_used_at: row.optional_time("last_used_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}
