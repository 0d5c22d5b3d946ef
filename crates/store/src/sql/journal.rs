//! Quarantine and events as rows.

use std::sync::Arc;

use async_trait::async_trait;
use tieline_core::{AppId, InstanceId, Timestamp};

use super::row::{json, micros};
use super::{Database, Row, Statement, only};
use crate::backend::JournalRows;
use crate::{Event, NewEvent, QuarantineGroup, Quarantined, StoreError};

#[async_trait]
impl<D: Database> JournalRows for D {
    async fn insert_quarantine(
        &self,
        record: &Quarantined,
        most: u32,
        told: Option<&NewEvent>,
    ) -> Result<Option<i64>, StoreError> {
        let statement = Statement::of(
            "INSERT INTO quarantine (id, tenant, instance, generation, kind, answer, created_at) \
             SELECT $1, $2, $3, $4, $5, $6, $7 WHERE (SELECT count(*) FROM quarantine \
             WHERE tenant = $2 AND instance = $3 AND generation = $4 AND kind = $5) < $8",
        )
        .bind(record.id)
        .bind(&record.tenant)
        .bind(record.instance.0)
        .bind(record.generation)
        .bind(record.kind.as_str())
        .bind(&*record.answer)
        .bind(micros(record.created_at))
        .bind(most);
        let mut transaction = self.begin().await?;
        let is_kept = transaction.execute(statement).await? > 0;
        if let Some(event) = told {
            let told = event_statement(event, record.created_at)?;
            transaction.execute(told).await?;
        }
        transaction.commit().await?;
        if is_kept {
            return Ok(None);
        }
        let statement = Statement::of(
            "SELECT id FROM quarantine WHERE tenant = $1 AND instance = $2 AND generation = $3 AND kind = $4 \
             ORDER BY created_at DESC, id DESC LIMIT 1",
        )
        .bind(&record.tenant)
        .bind(record.instance.0)
        .bind(record.generation)
        .bind(record.kind.as_str());
        only(self.read(statement).await?)
            .map(|row| row.get("id"))
            .transpose()
    }

    async fn quarantined(&self, tenant: &str) -> Result<Vec<Quarantined>, StoreError> {
        let statement = Statement::of(
            "SELECT id, tenant, instance, generation, kind, answer, created_at FROM quarantine \
             WHERE tenant = $1 ORDER BY created_at, id",
        )
        .bind(tenant);
        self.read(statement)
            .await?
            .iter()
            .map(quarantined)
            .collect()
    }

    async fn quarantine_groups(
        &self,
        limit: u32,
    ) -> Result<(Vec<QuarantineGroup>, u64), StoreError> {
        let statement = Statement::of(
            "SELECT tenant, instance, kind, count(*) AS answers, max(created_at) AS last, count(*) OVER () AS groups \
             FROM quarantine GROUP BY tenant, instance, kind ORDER BY last DESC, instance, kind LIMIT $1",
        )
        .bind(limit);
        let rows = self.read(statement).await?;
        let all = rows.first().map(|row| row.unsigned("groups")).transpose()?;
        let groups = rows.iter().map(quarantine_group);
        Ok((groups.collect::<Result<_, _>>()?, all.unwrap_or_default()))
    }

    async fn insert_event(&self, event: &NewEvent, at: Timestamp) -> Result<(), StoreError> {
        self.change(event_statement(event, at)?).await.map(|_| ())
    }

    async fn events(
        &self,
        tenant: &str,
        instance: Option<InstanceId>,
        before: i64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let statement = match instance {
            Some(id) => Statement::of(
                "SELECT id, tenant, instance, app, kind, detail, actor, at FROM events \
                 WHERE tenant = $1 AND instance = $4 AND id < $3 ORDER BY id DESC LIMIT $2",
            )
            .bind(tenant)
            .bind(limit)
            .bind(before)
            .bind(id.0),
            None => Statement::of(
                "SELECT id, tenant, instance, app, kind, detail, actor, at FROM events \
                 WHERE tenant = $1 AND id < $3 ORDER BY id DESC LIMIT $2",
            )
            .bind(tenant)
            .bind(limit)
            .bind(before),
        };
        self.read(statement).await?.iter().map(event).collect()
    }

    async fn newest_event(&self) -> Result<Option<Timestamp>, StoreError> {
        let statement = Statement::of(
            "SELECT max(at) AS newest FROM (SELECT at FROM events ORDER BY id DESC LIMIT 100) AS latest",
        );
        only(self.read(statement).await?).map_or(Ok(None), |row| row.optional_time("newest"))
    }
}

/// Writes an event: by itself, or in the transaction of what it tells of.
pub(super) fn event_statement(event: &NewEvent, at: Timestamp) -> Result<Statement, StoreError> {
    Ok(Statement::of(
        "INSERT INTO events (tenant, instance, app, kind, detail, at, actor) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&event.tenant)
    .bind(event.instance.map(|id| id.0))
    .bind(event.app.map(|id| id.0))
    .bind(event.kind)
    .bind(json(&event.detail)?)
    .bind(micros(at))
    .bind(&event.actor))
}

fn quarantined(row: &Row) -> Result<Quarantined, StoreError> {
    Ok(Quarantined {
        id: row.get("id")?,
        tenant: row.get("tenant")?,
        instance: InstanceId(row.get("instance")?),
        generation: row.get("generation")?,
        kind: row.word("kind")?,
        created_at: row.time("created_at")?,
        answer: Arc::new(row.blob("answer")?),
    })
}

fn quarantine_group(row: &Row) -> Result<QuarantineGroup, StoreError> {
    Ok(QuarantineGroup {
        tenant: row.get("tenant")?,
        instance: InstanceId(row.get("instance")?),
        kind: row.word("kind")?,
        answers: row.unsigned("answers")?,
        last: row.time("last")?,
    })
}

pub(super) fn event(row: &Row) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.get("id")?,
        tenant: row.get("tenant")?,
        instance: row.get::<Option<i64>>("instance")?.map(InstanceId),
        app: row.get::<Option<i64>>("app")?.map(AppId),
        kind: row.get("kind")?,
        detail: row.json("detail")?,
        actor: row.get("actor")?,
        at: row.time("at")?,
    })
}
