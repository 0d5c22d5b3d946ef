//! Webhooks and deliveries as rows.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use tieline_core::{Timestamp, WebhookId};

use super::journal::{event, event_statement};
use super::row::{self, micros};
use super::{Database, Dialect, Row, Statement, Transaction, only};
use crate::backend::WebhookRows;
use crate::webhooks::in_micros;
use crate::{
    Delivery, FailedDelivery, NewEvent, StoreError, WaitingDelivery, Webhook, WebhookChanges,
};

/// Nothing is put off for so long, a day in microseconds: what is was put off by a clock that was wrong.
const TOO_LONG: i64 = 24 * 60 * 60 * 1_000_000;
/// What is put off for no longer may be on its way just now: a minute.
const ON_ITS_WAY: i64 = 60 * 1_000_000;
/// Why a webhook is disabled that nothing is wrong with.
const BY_ITS_OWNER: &str = "its owner disabled it";

macro_rules! columns {
    () => {
        "id, tenant, url, kinds, secret, created_at, failing_since, disabled_at, disabled_why"
    };
}

#[async_trait]
impl<D: Database> WebhookRows for D {
    async fn insert_webhook(&self, webhook: &Webhook, most: u32) -> Result<bool, StoreError> {
        let statement = Statement::of(
            "INSERT INTO webhooks (id, tenant, url, kinds, secret, created_at) SELECT $1, $2, $3, $4, $5, $6 \
             WHERE (SELECT count(*) FROM webhooks WHERE tenant = $2) < $7",
        )
        .bind(webhook.id.0)
        .bind(&webhook.tenant)
        .bind(&webhook.url)
        .bind(row::json(&webhook.kinds)?)
        .bind(&*webhook.secret)
        .bind(micros(webhook.created_at))
        .bind(most);
        Ok(self.change(statement).await? > 0)
    }

    async fn webhook(&self, tenant: &str, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM webhooks WHERE tenant = $1 AND id = $2"
        ));
        one(self.read(statement.bind(tenant).bind(id.0)).await?)
    }

    async fn webhook_by_id(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM webhooks WHERE id = $1"
        ));
        one(self.read(statement.bind(id.0)).await?)
    }

    async fn webhooks(&self, tenant: &str) -> Result<Vec<Webhook>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM webhooks WHERE tenant = $1 ORDER BY id"
        ));
        let rows = self.read(statement.bind(tenant)).await?;
        rows.iter().map(webhook).collect()
    }

    async fn given_up_webhooks(
        &self,
        after: WebhookId,
        limit: u32,
    ) -> Result<Vec<Webhook>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM webhooks WHERE id > $1 AND disabled_at IS NOT NULL AND disabled_why <> $2 ORDER BY id LIMIT $3"
        ));
        let statement = statement.bind(after.0).bind(BY_ITS_OWNER).bind(limit);
        let rows = self.read(statement).await?;
        rows.iter().map(webhook).collect()
    }

    async fn change_webhook(
        &self,
        tenant: &str,
        id: WebhookId,
        changes: &WebhookChanges,
        now: Timestamp,
    ) -> Result<Option<Webhook>, StoreError> {
        let statement = changing(self.dialect(), tenant, id, changes, now)?;
        let mut transaction = self.begin().await?;
        let Some(changed) = one(transaction.fetch(statement).await?)? else {
            transaction.roll_back().await;
            return Ok(None);
        };
        if changed.disabled_at.is_some() {
            transaction.execute(forgetting(id)).await?;
        } else if changes.url.is_some() {
            let here = self.dialect().now("$2");
            let at_once = format!(
                "UPDATE deliveries SET next_at = {here} WHERE webhook = $1 AND next_at > {here} + {ON_ITS_WAY}"
            );
            let at_once = Statement::built(at_once).bind(id.0).bind(micros(now));
            transaction.execute(at_once).await?;
        }
        transaction.commit().await?;
        Ok(Some(changed))
    }

    async fn delete_webhook(&self, tenant: &str, id: WebhookId) -> Result<bool, StoreError> {
        let statement = Statement::of("DELETE FROM webhooks WHERE tenant = $1 AND id = $2");
        Ok(self.change(statement.bind(tenant).bind(id.0)).await? > 0)
    }

    /// From webhook to webhook along the index, so that many deliveries of one cost no more than a few.
    async fn due_webhooks(&self, now: Timestamp) -> Result<Vec<WebhookId>, StoreError> {
        let statement = Statement::built(format!(
            "WITH RECURSIVE waited_for (id) AS (SELECT min(webhook) FROM deliveries UNION ALL \
             SELECT (SELECT min(webhook) FROM deliveries WHERE webhook > waited_for.id) \
             FROM waited_for WHERE waited_for.id IS NOT NULL) \
             SELECT webhooks.id FROM waited_for JOIN webhooks ON webhooks.id = waited_for.id \
             WHERE disabled_at IS NULL AND EXISTS \
             (SELECT 1 FROM deliveries WHERE webhook = webhooks.id AND {}) ORDER BY webhooks.id",
            is_due(self.dialect(), "$1")
        ))
        .bind(micros(now));
        let rows = self.read(statement).await?;
        rows.iter()
            .map(|row| Ok(WebhookId(row.get("id")?)))
            .collect()
    }

    async fn claim_deliveries(
        &self,
        id: WebhookId,
        limit: u32,
        claim: i64,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError> {
        let dialect = self.dialect();
        let statement = Statement::built(format!(
            "WITH due (due_event) AS MATERIALIZED (SELECT event FROM deliveries WHERE webhook = $1 AND {} \
             AND EXISTS (SELECT 1 FROM webhooks WHERE id = $1 AND disabled_at IS NULL) \
             ORDER BY next_at, event LIMIT $3 {}) \
             UPDATE deliveries SET next_at = {} + $4 FROM due WHERE webhook = $1 AND event = due_event \
             RETURNING event, attempts",
            is_due(dialect, "$2"),
            dialect.skip_taken(),
            dialect.now("$2")
        ))
        .bind(id.0)
        .bind(micros(now))
        .bind(limit)
        .bind(claim);
        let mut deliveries = Vec::new();
        for claimed in self.write(statement).await? {
            let attempts = claimed.unsigned("attempts")?;
            let told = Statement::of(
                "SELECT events.id, events.tenant, instance, app, kind, detail, actor, at, provider FROM events \
                 LEFT JOIN apps ON apps.tenant = events.tenant AND apps.id = events.app WHERE events.id = $1",
            )
            .bind(claimed.get::<i64>("event")?);
            if let Some(row) = only(self.read(told).await?) {
                deliveries.push(Delivery {
                    event: event(&row)?,
                    provider: row.get("provider")?,
                    attempts,
                });
            }
        }
        deliveries.sort_by_key(|delivery| delivery.event.id);
        Ok(deliveries)
    }

    async fn delivered(&self, id: WebhookId, event: i64) -> Result<(), StoreError> {
        let well = Statement::of(
            "UPDATE webhooks SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL",
        )
        .bind(id.0);
        // The webhook before its deliveries, as whoever deletes it has them.
        let mut transaction = self.begin().await?;
        transaction.execute(well).await?;
        transaction.execute(dropping(id, event)).await?;
        transaction.commit().await
    }

    async fn delivery_failed(
        &self,
        failed: &FailedDelivery,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, here) = (failed.webhook, self.dialect().now("$2"));
        let failing = Statement::built(format!(
            "UPDATE webhooks SET failing_since = coalesce(failing_since, {here}) \
             WHERE id = $1 AND disabled_at IS NULL RETURNING {here} - failing_since AS so_long"
        ))
        .bind(id.0)
        .bind(micros(now));
        let mut transaction = self.begin().await?;
        let Some(row) = only(transaction.fetch(failing).await?) else {
            // It is deleted or disabled, and with it what was waiting.
            transaction.roll_back().await;
            return Ok(false);
        };
        let is_over = row.get::<i64>("so_long")? >= in_micros(failed.patience);
        if is_over {
            disable(&mut *transaction, self.dialect(), id, &failed.why, now).await?;
        } else if let Some(pause) = failed.pause {
            let later = Statement::built(format!(
                "UPDATE deliveries SET attempts = attempts + 1, next_at = {here} + $3, last = $4 \
                 WHERE webhook = $1 AND event = $5"
            ))
            .bind(id.0)
            .bind(micros(now))
            .bind(in_micros(pause))
            .bind(&failed.why)
            .bind(failed.event);
            transaction.execute(later).await?;
        } else {
            transaction.execute(dropping(id, failed.event)).await?;
        }
        transaction.commit().await?;
        Ok(is_over)
    }

    async fn disable_webhook(
        &self,
        id: WebhookId,
        why: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        disable(&mut *transaction, self.dialect(), id, why, now).await?;
        transaction.commit().await
    }

    async fn waiting_deliveries(
        &self,
        tenant: &str,
        id: WebhookId,
        limit: u32,
    ) -> Result<Vec<WaitingDelivery>, StoreError> {
        let statement = Statement::of(
            "SELECT event, kind, at, attempts, next_at, last FROM deliveries \
             JOIN webhooks ON webhooks.id = deliveries.webhook JOIN events ON events.id = deliveries.event \
             WHERE deliveries.webhook = $2 AND webhooks.tenant = $1 ORDER BY next_at, event LIMIT $3",
        )
        .bind(tenant)
        .bind(id.0)
        .bind(limit);
        self.read(statement).await?.iter().map(waiting).collect()
    }
}

fn is_due(dialect: Dialect, now: &str) -> String {
    let now = dialect.now(now);
    format!("(next_at <= {now} OR next_at > {now} + {TOO_LONG})")
}

fn changing(
    dialect: Dialect,
    tenant: &str,
    id: WebhookId,
    changes: &WebhookChanges,
    now: Timestamp,
) -> Result<Statement, StoreError> {
    let now_here = dialect.now("$6");
    let statement = format!(
        "UPDATE webhooks SET url = coalesce($3, url), kinds = coalesce($4, kinds), \
         failing_since = CASE WHEN $3 IS NULL AND coalesce($5, 0) = 0 THEN failing_since END, \
         disabled_at = CASE $5 WHEN 1 THEN NULL WHEN 0 THEN coalesce(disabled_at, {now_here}) ELSE disabled_at END, \
         disabled_why = CASE $5 WHEN 1 THEN NULL WHEN 0 THEN $7 \
         ELSE disabled_why END \
         WHERE tenant = $1 AND id = $2 RETURNING {}",
        columns!()
    );
    let kinds = changes.kinds.as_ref().map(row::json).transpose()?;
    Ok(Statement::built(statement)
        .bind(tenant)
        .bind(id.0)
        .bind(&changes.url)
        .bind(kinds.as_deref())
        .bind(changes.enabled.map(i64::from))
        .bind(micros(now))
        .bind(BY_ITS_OWNER))
}

async fn disable(
    transaction: &mut dyn Transaction,
    dialect: Dialect,
    id: WebhookId,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let statement = Statement::built(format!(
        "UPDATE webhooks SET disabled_at = {}, disabled_why = $3 \
         WHERE id = $1 AND disabled_at IS NULL RETURNING tenant",
        dialect.now("$2")
    ))
    .bind(id.0)
    .bind(micros(now))
    .bind(why);
    if let Some(row) = only(transaction.fetch(statement).await?) {
        transaction.execute(forgetting(id)).await?;
        let told = NewEvent {
            tenant: row.get("tenant")?,
            instance: None,
            app: None,
            kind: "webhook.disabled",
            detail: json!({ "webhook": id, "why": why }),
            actor: None,
        };
        transaction.execute(event_statement(&told, now)?).await?;
    }
    Ok(())
}

fn forgetting(id: WebhookId) -> Statement {
    Statement::of("DELETE FROM deliveries WHERE webhook = $1").bind(id.0)
}

fn dropping(id: WebhookId, event: i64) -> Statement {
    Statement::of("DELETE FROM deliveries WHERE webhook = $1 AND event = $2")
        .bind(id.0)
        .bind(event)
}

fn one(rows: Vec<Row>) -> Result<Option<Webhook>, StoreError> {
    only(rows).as_ref().map(webhook).transpose()
}

fn webhook(row: &Row) -> Result<Webhook, StoreError> {
    Ok(Webhook {
        id: WebhookId(row.get("id")?),
        tenant: row.get("tenant")?,
        url: row.get("url")?,
        kinds: row.json("kinds")?,
        created_at: row.time("created_at")?,
        failing_since: row.optional_time("failing_since")?,
        disabled_at: row.optional_time("disabled_at")?,
        disabled_why: row.get("disabled_why")?,
        secret: Arc::new(row.blob("secret")?),
    })
}

fn waiting(row: &Row) -> Result<WaitingDelivery, StoreError> {
    Ok(WaitingDelivery {
        event: row.get("event")?,
        kind: row.get("kind")?,
        at: row.time("at")?,
        attempts: row.unsigned("attempts")?,
        next_at: row.time("next_at")?,
        last: row.get("last")?,
    })
}
