//! Lease, intent and generation, in one conditional statement each.

use async_trait::async_trait;
use tieline_core::clock::saturating_add;
use tieline_core::{InstanceId, Timestamp};

use super::instances::{columns, from_row, one, standing};
use super::journal::event_statement;
use super::row::{facts, json, micros};
use super::{Database, HotKind, HotWrite, Statement};
use crate::backend::{InstanceRows as _, RefreshRows};
use crate::events::happened;
use crate::{BeginRefresh, Cause, Instance, StoreError};

#[async_trait]
impl<D: Database> RefreshRows for D {
    async fn begin_refresh(
        &self,
        begin: &BeginRefresh,
        now: Timestamp,
    ) -> Result<Option<Instance>, StoreError> {
        let lease = micros(saturating_add(now, begin.lease)) - micros(now);
        let write = HotWrite {
            kind: HotKind::Begin,
            id: begin.id.0,
            values: vec![
                begin.id.0.into(),
                begin.generation.into(),
                (&begin.owner).into(),
                lease.into(),
                begin.attempt.into(),
                begin.token_hash.as_slice().into(),
                micros(now).into(),
                i64::from(begin.in_doubt).into(),
            ],
        };
        let Some(row) = self.write_hot(write).await? else {
            return Ok(None);
        };
        match &begin.seen {
            Some(seen) if (seen.id, seen.generation) == (begin.id, begin.generation) => {
                standing(seen.clone(), &row).map(Some)
            }
            _ => self.instance_by_id(begin.id).await,
        }
    }

    async fn commit_refresh(
        &self,
        next: &Instance,
        attempt: i64,
    ) -> Result<Option<Instance>, StoreError> {
        let write = HotWrite {
            kind: HotKind::Commit,
            id: next.id.0,
            values: vec![
                next.id.0.into(),
                next.generation.into(),
                (&next.tokens.access_token).into(),
                (&next.tokens.refresh_token).into(),
                next.expires_at.map(micros).into(),
                next.refresh_expires_at.map(micros).into(),
                json(&next.scopes)?.into(),
                facts(&next.captures)?.into(),
                micros(next.refreshed_at).into(),
                attempt.into(),
                next.keep_alive_at.map(micros).into(),
            ],
        };
        match self.write_hot(write).await? {
            Some(row) => standing(next.clone(), &row).map(Some),
            None => Ok(None),
        }
    }

    async fn committed_by(&self, id: InstanceId, attempt: i64) -> Result<bool, StoreError> {
        let statement =
            Statement::of("SELECT id FROM instances WHERE id = $1 AND committed_attempt = $2")
                .bind(id.0)
                .bind(attempt);
        Ok(!self.read(statement).await?.is_empty())
    }

    async fn is_contested(&self, id: InstanceId) -> Result<bool, StoreError> {
        let statement = Statement::of(
            "SELECT id FROM instances WHERE id = $1 AND committed_attempt IS NOT NULL \
             AND (contested_generation = generation OR EXISTS (SELECT 1 FROM quarantine \
             WHERE quarantine.tenant = instances.tenant AND quarantine.instance = instances.id \
             AND quarantine.generation = instances.generation - 1 AND quarantine.kind = 'conflict'))",
        )
        .bind(id.0);
        Ok(!self.read(statement).await?.is_empty())
    }

    async fn clear_intent(&self, id: InstanceId, attempt: i64) -> Result<(), StoreError> {
        let write = HotWrite {
            kind: HotKind::Clear,
            id: id.0,
            values: vec![id.0.into(), attempt.into()],
        };
        self.write_hot(write).await.map(|_| ())
    }

    async fn keep_uncertain(
        &self,
        id: InstanceId,
        attempt: i64,
        generation: i64,
        reason: &str,
        now: Timestamp,
        is_over: bool,
    ) -> Result<(), StoreError> {
        let statement = Statement::of(
            "UPDATE instances SET lease_owner = CASE $4 WHEN 0 THEN lease_owner END, \
             lease_until = CASE $4 WHEN 0 THEN lease_until END, \
             uncertain_at = CASE WHEN uncertain_generation IS DISTINCT FROM $3 THEN intent_at ELSE uncertain_at END, \
             uncertain_generation = $3 \
             WHERE id = $1 AND intent_attempt = $2 AND intent_generation = $3",
        )
        .bind(id.0)
        .bind(attempt)
        .bind(generation)
        .bind(i64::from(is_over));
        let first_telling = Statement::of(concat!(
            "UPDATE instances SET uncertain_told = $2 \
             WHERE id = $1 AND generation = $2 AND uncertain_generation = $2 AND uncertain_told IS DISTINCT FROM $2 \
             RETURNING ",
            columns!()
        ))
        .bind(id.0)
        .bind(generation);
        let mut transaction = self.begin().await?;
        transaction.execute(statement).await?;
        if let Some(instance) = one(transaction.fetch(first_telling).await?)? {
            let detail = serde_json::json!({ "generation": generation, "reason": reason });
            let event = happened(&instance, "instance.refresh_uncertain", detail);
            transaction.execute(event_statement(&event, now)?).await?;
        }
        transaction.commit().await
    }

    async fn is_leased(
        &self,
        id: InstanceId,
        owner: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let statement = Statement::built(format!(
            "SELECT id FROM instances WHERE id = $1 AND lease_owner <> $2 AND {}",
            self.dialect().lease_alive("$3")
        ))
        .bind(id.0)
        .bind(owner)
        .bind(micros(now));
        Ok(!self.read(statement).await?.is_empty())
    }

    async fn count_rejection(
        &self,
        id: InstanceId,
        attempt: i64,
        now: Timestamp,
    ) -> Result<Option<Instance>, StoreError> {
        let statement = Statement::of(concat!(
            "UPDATE instances SET rejections = rejections + 1, rejected_at = coalesce(rejected_at, $3), \
             lease_owner = NULL, lease_until = NULL, intent_attempt = NULL, \
             intent_generation = NULL, intent_token_hash = NULL, intent_at = NULL \
             WHERE id = $1 AND intent_attempt = $2 RETURNING ",
            columns!()
        ))
        .bind(id.0)
        .bind(attempt)
        .bind(micros(now));
        one(self.write(statement).await?)
    }

    async fn require_reconnect(
        &self,
        id: InstanceId,
        generation: i64,
        attempt: Option<i64>,
        cause: Cause,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = Statement::of(concat!(
            "UPDATE instances SET status = 'reconnect_required', cause = $3, status_since = $4, \
             lease_owner = NULL, lease_until = NULL, intent_attempt = NULL, intent_generation = NULL, \
             intent_token_hash = NULL, intent_at = NULL \
             WHERE id = $1 AND generation = $2 AND status NOT IN ('deleting', 'reconnect_required') \
             AND (intent_attempt IS NULL OR intent_attempt = coalesce($5, intent_attempt)) RETURNING ",
            columns!()
        ))
        .bind(id.0)
        .bind(generation)
        .bind(cause.as_str())
        .bind(micros(now))
        .bind(attempt);
        let mut transaction = self.begin().await?;
        if let Some(instance) = one(transaction.fetch(statement).await?)? {
            let detail = serde_json::json!({ "cause": cause });
            let event = happened(&instance, "instance.reconnect_required", detail);
            transaction.execute(event_statement(&event, now)?).await?;
        }
        transaction.commit().await
    }

    async fn replace_tokens(
        &self,
        next: &Instance,
        actor: Option<&str>,
    ) -> Result<Option<Instance>, StoreError> {
        let statement = Statement::of(concat!(
            "UPDATE instances SET generation = $2, access_token = $3, refresh_token = $4, \
             expires_at = $5, refresh_expires_at = $6, scopes = $7, captures = $8, \
             account_id = coalesce($9, account_id), account_label = coalesce($10, account_label), refreshed_at = $11, \
             parameters = $12, keep_alive_at = $13, status = 'ok', cause = NULL, \
             status_since = CASE status WHEN 'ok' THEN status_since ELSE $11 END, committed_attempt = NULL, \
             uncertain_generation = NULL, uncertain_at = NULL, rejections = 0, rejected_at = NULL, \
             lease_owner = NULL, lease_until = NULL, intent_attempt = NULL, intent_generation = NULL, \
             intent_token_hash = NULL, intent_at = NULL \
             WHERE id = $1 AND generation = $2 - 1 AND status <> 'deleting' RETURNING ",
            columns!()
        ))
        .bind(next.id.0)
        .bind(next.generation)
        .bind(&next.tokens.access_token)
        .bind(&next.tokens.refresh_token)
        .bind(next.expires_at.map(micros))
        .bind(next.refresh_expires_at.map(micros))
        .bind(json(&next.scopes)?)
        .bind(facts(&next.captures)?)
        .bind(&next.account_id)
        .bind(&next.account_label)
        .bind(micros(next.refreshed_at))
        .bind(json(&next.parameters)?)
        .bind(next.keep_alive_at.map(micros));
        let mut transaction = self.begin().await?;
        let replaced = one(transaction.fetch(statement).await?)?;
        if let Some(instance) = &replaced {
            let detail = serde_json::json!({ "generation": instance.generation });
            let event = happened(instance, "instance.reconnected", detail).by(actor);
            let told = event_statement(&event, next.refreshed_at)?;
            transaction.execute(told).await?;
        }
        transaction.commit().await?;
        Ok(replaced)
    }

    async fn unsettled(
        &self,
        owner: &str,
        after: InstanceId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Instance>, StoreError> {
        let statement = Statement::built(format!(
            "SELECT {} FROM instances WHERE id > $1 AND (intent_attempt IS NOT NULL OR uncertain_generation IS NOT NULL) \
             AND status = 'ok' AND (intent_generation = generation OR uncertain_generation = generation) \
             AND (lease_owner = $4 OR NOT {}) ORDER BY id LIMIT $2",
            columns!(),
            self.dialect().lease_alive("$3")
        ))
        .bind(after.0)
        .bind(limit)
        .bind(micros(now))
        .bind(owner);
        self.read(statement).await?.iter().map(from_row).collect()
    }

    async fn rejected(&self, after: InstanceId, limit: u32) -> Result<Vec<Instance>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM instances WHERE id > $1 AND rejections > 0 AND status = 'ok' ORDER BY id LIMIT $2"
        ))
        .bind(after.0)
        .bind(limit);
        self.read(statement).await?.iter().map(from_row).collect()
    }

    async fn keep_alive_due(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, InstanceId)>,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError> {
        let (at, id) = after.map_or((i64::MIN, 0), |(at, id)| (micros(at), id.0));
        let statement = Statement::built(format!(
            "SELECT {} FROM instances WHERE keep_alive_at IS NOT NULL AND keep_alive_at <= $1 AND status = 'ok' \
             AND (keep_alive_at, id) > ($3, $4) AND NOT {} ORDER BY keep_alive_at, id LIMIT $2",
            columns!(),
            self.dialect().lease_alive("$1")
        ))
        .bind(micros(now))
        .bind(limit)
        .bind(at)
        .bind(id);
        self.read(statement).await?.iter().map(from_row).collect()
    }
}
