//! Lease, intent and generation, in one conditional statement each.

use async_trait::async_trait;
use tieline_core::{InstanceId, Timestamp};

use super::Sqlite;
use super::instances::from_row;
use super::row::{Columns as _, json, micros};
use crate::backend::RefreshRows;
use crate::seal::Blob;
use crate::{BeginRefresh, Cause, Instance, StoreError};

#[async_trait]
impl RefreshRows for Sqlite {
    async fn begin_refresh(&self, begin: &BeginRefresh) -> Result<Option<Instance>, StoreError> {
        let statement = sqlx::query(
            "UPDATE instances SET lease_owner = ?3, lease_until = ?4, \
             uncertain_generation = CASE WHEN intent_generation = generation THEN generation ELSE uncertain_generation END, \
             intent_attempt = ?5, intent_generation = generation, intent_token_hash = ?6, intent_at = ?7 \
             WHERE id = ?1 AND generation = ?2 AND status = 'ok' AND (lease_owner IS NULL OR lease_until <= ?7) \
             RETURNING *",
        )
        .bind(begin.id.0)
        .bind(begin.generation)
        .bind(&begin.owner)
        .bind(micros(begin.lease_until))
        .bind(begin.attempt)
        .bind(begin.token_hash.as_slice())
        .bind(micros(begin.now));
        self.write_one(statement)
            .await?
            .as_ref()
            .map(from_row)
            .transpose()
    }

    async fn commit_refresh(
        &self,
        next: &Instance,
        attempt: i64,
    ) -> Result<Option<Instance>, StoreError> {
        let statement = sqlx::query(
            "UPDATE instances SET generation = ?2, access_token = ?3, refresh_token = ?4, \
             expires_at = ?5, refresh_expires_at = ?6, scopes = ?7, \
             captures = json_patch(captures, ?8), refreshed_at = ?9, committed_attempt = ?10, cause = NULL, \
             status_since = CASE WHEN status IN ('ok', 'deleting') THEN status_since ELSE ?9 END, \
             status = CASE status WHEN 'deleting' THEN 'deleting' ELSE 'ok' END, \
             lease_owner = CASE WHEN intent_attempt = ?10 THEN NULL ELSE lease_owner END, \
             lease_until = CASE WHEN intent_attempt = ?10 THEN NULL ELSE lease_until END, \
             intent_generation = CASE WHEN intent_attempt = ?10 THEN NULL ELSE intent_generation END, \
             intent_token_hash = CASE WHEN intent_attempt = ?10 THEN NULL ELSE intent_token_hash END, \
             intent_at = CASE WHEN intent_attempt = ?10 THEN NULL ELSE intent_at END, \
             intent_attempt = nullif(intent_attempt, ?10) \
             WHERE id = ?1 AND generation = ?2 - 1 RETURNING *",
        )
        .bind(next.id.0)
        .bind(next.generation)
        .bind(next.tokens.access_token.0.clone())
        .bind(bytes(&next.tokens.refresh_token))
        .bind(next.expires_at.map(micros))
        .bind(next.refresh_expires_at.map(micros))
        .bind(json(&next.scopes)?)
        .bind(json(&next.captures)?)
        .bind(micros(next.refreshed_at))
        .bind(attempt);
        self.write_one(statement)
            .await?
            .as_ref()
            .map(from_row)
            .transpose()
    }

    async fn committed_by(&self, id: InstanceId, attempt: i64) -> Result<bool, StoreError> {
        let statement = sqlx::query(
            "SELECT 1 AS found FROM instances WHERE id = ?1 AND committed_attempt = ?2",
        )
        .bind(id.0)
        .bind(attempt);
        let Some(row) = self.read_one(statement).await? else {
            return Ok(false);
        };
        row.get::<i64>("found").map(|found| found == 1)
    }

    async fn clear_intent(&self, id: InstanceId, attempt: i64) -> Result<(), StoreError> {
        let statement = sqlx::query(
            "UPDATE instances SET lease_owner = NULL, lease_until = NULL, intent_attempt = NULL, \
             intent_generation = NULL, intent_token_hash = NULL, intent_at = NULL WHERE id = ?1 AND intent_attempt = ?2",
        )
        .bind(id.0)
        .bind(attempt);
        self.change(statement).await.map(|_| ())
    }

    async fn keep_uncertain(
        &self,
        id: InstanceId,
        attempt: i64,
        generation: i64,
    ) -> Result<(), StoreError> {
        let statement = sqlx::query(
            "UPDATE instances SET lease_owner = NULL, lease_until = NULL, uncertain_generation = ?3 \
             WHERE id = ?1 AND intent_attempt = ?2 AND intent_generation = ?3",
        )
        .bind(id.0)
        .bind(attempt)
        .bind(generation);
        self.change(statement).await.map(|_| ())
    }

    async fn require_reconnect(
        &self,
        id: InstanceId,
        generation: i64,
        cause: Cause,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = sqlx::query(
            "UPDATE instances SET status = 'reconnect_required', cause = ?3, status_since = ?4, \
             lease_owner = NULL, lease_until = NULL, intent_attempt = NULL, intent_generation = NULL, \
             intent_token_hash = NULL, intent_at = NULL \
             WHERE id = ?1 AND generation = ?2 AND status <> 'deleting'",
        )
        .bind(id.0)
        .bind(generation)
        .bind(cause.as_str())
        .bind(micros(now));
        self.change(statement).await.map(|_| ())
    }

    async fn replace_tokens(&self, next: &Instance) -> Result<Option<Instance>, StoreError> {
        let statement = sqlx::query(
            "UPDATE instances SET generation = ?2, access_token = ?3, refresh_token = ?4, \
             expires_at = ?5, refresh_expires_at = ?6, scopes = ?7, captures = ?8, \
             account_id = coalesce(?9, account_id), account_label = coalesce(?10, account_label), refreshed_at = ?11, \
             parameters = ?12, status = 'ok', cause = NULL, \
             status_since = CASE status WHEN 'ok' THEN status_since ELSE ?11 END, committed_attempt = NULL, \
             lease_owner = NULL, lease_until = NULL, intent_attempt = NULL, intent_generation = NULL, \
             intent_token_hash = NULL, intent_at = NULL \
             WHERE id = ?1 AND generation = ?2 - 1 AND status <> 'deleting' RETURNING *",
        )
        .bind(next.id.0)
        .bind(next.generation)
        .bind(next.tokens.access_token.0.clone())
        .bind(bytes(&next.tokens.refresh_token))
        .bind(next.expires_at.map(micros))
        .bind(next.refresh_expires_at.map(micros))
        .bind(json(&next.scopes)?)
        .bind(json(&next.captures)?)
        .bind(&next.account_id)
        .bind(&next.account_label)
        .bind(micros(next.refreshed_at))
        .bind(json(&next.parameters)?);
        self.write_one(statement)
            .await?
            .as_ref()
            .map(from_row)
            .transpose()
    }
}

fn bytes(blob: &Option<Blob>) -> Option<Vec<u8>> {
    blob.as_ref().map(|blob| blob.0.clone())
}
