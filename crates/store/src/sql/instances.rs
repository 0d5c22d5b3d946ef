//! Instances as rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tieline_core::{AppId, InstanceId, Timestamp};

use super::journal::event_statement;
use super::row::{facts, json, micros, parsed};
use super::violations::is_dangling;
use super::{Database, Row, Statement, only};
use crate::backend::InstanceRows;
use crate::events::happened;
use crate::tokens::SealedTokens;
use crate::{Instance, InstanceQuery, Intent, Lease, NewEvent, Relabel, Status, StoreError};

/// The columns of an [`Instance`] that change within a generation. Named one by one: a later release may add others while this one runs.
macro_rules! standing_columns {
    () => {
        "id, name, user_id, tags, disabled_at, account_id, account_label, status, cause, status_since, captures, lease_owner, lease_until, intent_attempt, \
         intent_generation, intent_token_hash, intent_at, uncertain_generation, uncertain_at, rejections, rejected_at, \
         keep_alive_at"
    };
}
pub(crate) use standing_columns;

/// All the columns that make an [`Instance`].
macro_rules! columns {
    () => {
        concat!(
            $crate::sql::standing_columns!(),
            ", tenant, app, provider, generation, access_token, refresh_token, expires_at, refresh_expires_at, scopes, \
             parameters, created_at, refreshed_at"
        )
    };
}
pub(crate) use columns;

#[async_trait]
impl<D: Database> InstanceRows for D {
    async fn insert_instance(
        &self,
        new: &Instance,
        connected: &NewEvent,
    ) -> Result<Instance, StoreError> {
        let statement = Statement::of(concat!(
            "INSERT INTO instances (id, tenant, app, provider, name, user_id, tags, account_id, account_label, status, status_since, \
             generation, access_token, refresh_token, expires_at, \
             refresh_expires_at, scopes, captures, parameters, created_at, refreshed_at, keep_alive_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) \
             RETURNING ",
            columns!()
        ))
        .bind(new.id.0)
        .bind(&new.tenant)
        .bind(new.app.0)
        .bind(&new.provider)
        .bind(&new.name)
        .bind(&new.user)
        .bind(json(&new.tags)?)
        .bind(&new.account_id)
        .bind(&new.account_label)
        .bind(new.status.as_str())
        .bind(micros(new.status_since))
        .bind(new.generation)
        .bind(&new.tokens.access_token)
        .bind(&new.tokens.refresh_token)
        .bind(new.expires_at.map(micros))
        .bind(new.refresh_expires_at.map(micros))
        .bind(json(&new.scopes)?)
        .bind(facts(&new.captures)?)
        .bind(json(&new.parameters)?)
        .bind(micros(new.created_at))
        .bind(micros(new.refreshed_at))
        .bind(new.keep_alive_at.map(micros));
        let mut transaction = self.begin().await?;
        let inserted = match transaction.fetch(statement).await.and_then(one) {
            Ok(Some(instance)) => instance,
            Err(error) if !is_dangling(&error) => return Err(error),
            _ => {
                transaction.roll_back().await;
                return Err(StoreError::NotFound {
                    what: "app",
                    name: new.app.to_string(),
                });
            }
        };
        let told = event_statement(connected, new.created_at)?;
        transaction.execute(told).await?;
        transaction.commit().await?;
        Ok(inserted)
    }

    async fn instance(&self, tenant: &str, id: InstanceId) -> Result<Option<Instance>, StoreError> {
        let found = self.instance_by_id(id).await?;
        Ok(found.filter(|instance| instance.tenant == tenant))
    }

    async fn instance_by_id(&self, id: InstanceId) -> Result<Option<Instance>, StoreError> {
        self.find_instance(id.0).await
    }

    async fn instances(&self, query: &InstanceQuery) -> Result<Vec<Instance>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM instances WHERE tenant = $1 AND id > $2 AND ($3 IS NULL OR provider = $3) \
             AND ($4 IS NULL OR status = $4) AND ($6 IS NULL OR app = $6) AND ($7 IS NULL OR account_id = $7) \
             AND ($8 IS NULL OR user_id = $8) AND ($9 IS NULL OR id IN \
             (SELECT instance FROM instance_tags WHERE instance_tags.tenant = $1 AND tag = $9)) \
             ORDER BY id LIMIT $5"
        ))
        .bind(&query.tenant)
        .bind(query.after.map_or(0, |id| id.0))
        .bind(&query.provider)
        .bind(query.status.map(|status| status.as_str()))
        .bind(query.limit)
        .bind(query.app.map(|app| app.0))
        .bind(&query.account_id)
        .bind(&query.user)
        .bind(&query.tag);
        self.read(statement).await?.iter().map(from_row).collect()
    }

    async fn set_account(
        &self,
        id: InstanceId,
        account_id: Option<&str>,
        account_label: Option<&str>,
        captures: &BTreeMap<String, String>,
    ) -> Result<Option<Instance>, StoreError> {
        let statement = Statement::built(format!(
            "UPDATE instances SET account_id = coalesce($2, account_id), account_label = coalesce($3, account_label), \
             captures = {} WHERE id = $1 RETURNING {}",
            self.dialect().merged("captures", "$4"),
            columns!()
        ))
        .bind(id.0)
        .bind(account_id)
        .bind(account_label)
        .bind(facts(captures)?);
        one(self.write(statement).await?)
    }

    async fn relabel(
        &self,
        tenant: &str,
        id: InstanceId,
        change: &Relabel,
    ) -> Result<Option<Instance>, StoreError> {
        let statement = Statement::of(concat!(
            "UPDATE instances SET name = CASE $3 WHEN 1 THEN $4 ELSE name END, tags = coalesce($5, tags) \
             WHERE tenant = $1 AND id = $2 RETURNING ",
            columns!()
        ))
        .bind(tenant)
        .bind(id.0)
        .bind(i64::from(change.name.is_some()))
        .bind(change.name.as_ref().and_then(Option::as_deref))
        .bind(change.tags.as_ref().map(json).transpose()?);
        one(self.write(statement).await?)
    }

    async fn set_disabled(
        &self,
        tenant: &str,
        id: InstanceId,
        disabled: bool,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<Option<Instance>, StoreError> {
        let statement = Statement::of(concat!(
            "UPDATE instances SET disabled_at = $3 WHERE tenant = $1 AND id = $2 AND (disabled_at IS NULL) <> ($3 IS NULL) \
             RETURNING ",
            columns!()
        ))
        .bind(tenant)
        .bind(id.0)
        .bind(disabled.then(|| micros(now)));
        let mut transaction = self.begin().await?;
        if let Some(instance) = one(transaction.fetch(statement).await?)? {
            let kind = if disabled {
                "instance.disabled"
            } else {
                "instance.enabled"
            };
            let event = happened(&instance, kind, serde_json::json!({})).by(actor);
            transaction.execute(event_statement(&event, now)?).await?;
        }
        transaction.commit().await?;
        self.instance(tenant, id).await
    }

    async fn mark_deleting(
        &self,
        tenant: &str,
        id: InstanceId,
        now: Timestamp,
    ) -> Result<Option<Instance>, StoreError> {
        let statement = Statement::of(concat!(
            "UPDATE instances SET status = 'deleting', cause = NULL, \
             status_since = CASE status WHEN 'deleting' THEN status_since ELSE $3 END \
             WHERE tenant = $1 AND id = $2 RETURNING ",
            columns!()
        ))
        .bind(tenant)
        .bind(id.0)
        .bind(micros(now));
        one(self.write(statement).await?)
    }

    async fn unwell(
        &self,
        status: Status,
        after: InstanceId,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM instances WHERE status = $1 AND status <> 'ok' AND id > $2 ORDER BY id LIMIT $3"
        ))
        .bind(status.as_str())
        .bind(after.0)
        .bind(limit);
        self.read(statement).await?.iter().map(from_row).collect()
    }

    async fn census(&self) -> Result<BTreeMap<Status, u64>, StoreError> {
        let statement = Statement::of(
            "SELECT status, count(*) AS n FROM instances GROUP BY status ORDER BY status",
        );
        self.read(statement).await?.iter().map(counted).collect()
    }

    async fn census_of(&self, tenant: &str) -> Result<BTreeMap<Status, u64>, StoreError> {
        let statement = Statement::of(
            "SELECT status, count(*) AS n FROM instances WHERE tenant = $1 GROUP BY status ORDER BY status",
        )
        .bind(tenant);
        self.read(statement).await?.iter().map(counted).collect()
    }

    async fn delete_instance(
        &self,
        id: InstanceId,
        revocation: &str,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<bool, StoreError> {
        let statement = Statement::of(concat!(
            "DELETE FROM instances WHERE id = $1 AND status = 'deleting' RETURNING ",
            columns!()
        ))
        .bind(id.0);
        let mut transaction = self.begin().await?;
        let gone = one(transaction.fetch(statement).await?)?;
        if let Some(instance) = &gone {
            let detail = serde_json::json!({ "revocation": revocation });
            let event = happened(instance, "instance.deleted", detail).by(actor);
            transaction.execute(event_statement(&event, now)?).await?;
        }
        transaction.commit().await?;
        Ok(gone.is_some())
    }

    async fn mark_unreadable(
        &self,
        id: InstanceId,
        generation: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = Statement::of(
            "UPDATE instances SET status = 'unreadable', status_since = $3 \
             WHERE id = $1 AND generation = $2 AND status = 'ok'",
        )
        .bind(id.0)
        .bind(generation)
        .bind(micros(now));
        self.change(statement).await.map(|_| ())
    }
}

fn counted(row: &Row) -> Result<(Status, u64), StoreError> {
    Ok((row.word("status")?, row.unsigned("n")?))
}

pub(super) fn one(rows: Vec<Row>) -> Result<Option<Instance>, StoreError> {
    only(rows).as_ref().map(from_row).transpose()
}

pub(super) fn from_row(row: &Row) -> Result<Instance, StoreError> {
    let known = Instance {
        id: InstanceId(row.get("id")?),
        tenant: row.get("tenant")?,
        app: AppId(row.get("app")?),
        provider: row.get("provider")?,
        generation: row.get("generation")?,
        expires_at: row.optional_time("expires_at")?,
        refresh_expires_at: row.optional_time("refresh_expires_at")?,
        scopes: row.json("scopes")?,
        parameters: row.json("parameters")?,
        created_at: row.time("created_at")?,
        refreshed_at: row.time("refreshed_at")?,
        tokens: Arc::new(SealedTokens {
            access_token: row.blob("access_token")?,
            refresh_token: row.optional_blob("refresh_token")?,
        }),
        // What stands on the row is read below.
        name: None,
        user: None,
        tags: Vec::new(),
        disabled_at: None,
        account_id: None,
        account_label: None,
        status: Status::Ok,
        cause: None,
        status_since: Timestamp::UNIX_EPOCH,
        captures: BTreeMap::new(),
        has_refresh_token: false,
        intent: None,
        lease: None,
        uncertain: false,
        uncertain_since: None,
        rejections: 0,
        rejected_since: None,
        keep_alive_at: None,
    };
    standing(known, row)
}

/// An instance whose generation is known, with what stands on its row and changes within a generation.
pub(super) fn standing(known: Instance, row: &Row) -> Result<Instance, StoreError> {
    let uncertain_generation: Option<i64> = row.get("uncertain_generation")?;
    let uncertain = uncertain_generation == Some(known.generation);
    Ok(Instance {
        name: row.get("name")?,
        user: row.get("user_id")?,
        tags: row.json("tags")?,
        disabled_at: row.optional_time("disabled_at")?,
        account_id: row.get("account_id")?,
        account_label: row.get("account_label")?,
        status: row.word("status")?,
        cause: row.optional_word("cause")?,
        status_since: row.time("status_since")?,
        captures: row.json("captures")?,
        has_refresh_token: known.tokens.refresh_token.is_some(),
        intent: intent(row, uncertain_generation)?,
        lease: lease(row)?,
        uncertain,
        uncertain_since: row.optional_time("uncertain_at")?.filter(|_| uncertain),
        rejections: row.get("rejections")?,
        rejected_since: row.optional_time("rejected_at")?,
        keep_alive_at: row.optional_time("keep_alive_at")?,
        ..known
    })
}

fn intent(row: &Row, uncertain_generation: Option<i64>) -> Result<Option<Intent>, StoreError> {
    let Some(attempt) = row.get::<Option<i64>>("intent_attempt")? else {
        return Ok(None);
    };
    let generation = row.get("intent_generation")?;
    Ok(Some(Intent {
        attempt,
        generation,
        uncertain: uncertain_generation == Some(generation),
        at: row.time("intent_at")?,
        token_hash: parsed(
            row.get::<&[u8]>("intent_token_hash")?.try_into(),
            "intent_token_hash",
        )?,
    }))
}

fn lease(row: &Row) -> Result<Option<Lease>, StoreError> {
    let Some(owner) = row.get::<Option<String>>("lease_owner")? else {
        return Ok(None);
    };
    Ok(Some(Lease {
        owner,
        until: row.time("lease_until")?,
    }))
}
