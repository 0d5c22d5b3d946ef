//! Tenants as rows.

use async_trait::async_trait;
use serde_json::json;
use tieline_core::Timestamp;

use super::journal::event_statement;
use super::row::micros;
use super::{Database, Row, Statement, Transaction, only};
use crate::backend::TenantRows;
use crate::{DEFAULT_TENANT, NewEvent, StoreError, Tenant};

#[async_trait]
impl<D: Database> TenantRows for D {
    async fn insert_tenant(&self, new: &Tenant, actor: Option<&str>) -> Result<Tenant, StoreError> {
        let statement = Statement::of(
            "INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3) \
             ON CONFLICT (id) DO NOTHING RETURNING id, name, created_at",
        )
        .bind(&new.id)
        .bind(&new.name)
        .bind(micros(new.created_at));
        let mut transaction = self.begin().await?;
        let Some(tenant) = one(transaction.fetch(statement).await?)? else {
            transaction.roll_back().await;
            return Err(StoreError::Conflict(format!(
                "there is a tenant {:?} already: give another id",
                new.id
            )));
        };
        let event = happened(&tenant.id, "tenant.created", actor);
        let told = event_statement(&event, tenant.created_at)?;
        transaction.execute(told).await?;
        transaction.commit().await?;
        Ok(tenant)
    }

    async fn tenant(&self, id: &str) -> Result<Option<Tenant>, StoreError> {
        let statement =
            Statement::of("SELECT id, name, created_at FROM tenants WHERE id = $1").bind(id);
        one(self.read(statement).await?)
    }

    async fn tenants(&self, after: Option<&str>, limit: u32) -> Result<Vec<Tenant>, StoreError> {
        let statement = Statement::of(
            "SELECT id, name, created_at FROM tenants WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after.unwrap_or_default())
        .bind(limit);
        self.read(statement).await?.iter().map(from_row).collect()
    }

    async fn rename_tenant(
        &self,
        id: &str,
        name: Option<&str>,
    ) -> Result<Option<Tenant>, StoreError> {
        let statement = Statement::of(
            "UPDATE tenants SET name = $2 WHERE id = $1 RETURNING id, name, created_at",
        )
        .bind(id)
        .bind(name);
        one(self.write(statement).await?)
    }

    async fn delete_tenant(
        &self,
        id: &str,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let (apps, instances) = left_of(&mut *transaction, id).await?;
        // API keys go with it.
        let delete = Statement::of("DELETE FROM tenants WHERE id = $1").bind(id);
        if transaction.execute(delete).await? == 0 {
            transaction.commit().await?;
            return Ok(false);
        }
        if apps > 0 {
            transaction.roll_back().await;
            return Err(StoreError::Conflict(format!(
                "the tenant {id:?} still has {} and {}: disconnect the instances, then delete the apps",
                counted(apps, "app"),
                counted(instances, "instance")
            )));
        }
        // Another tenant of the same id must not find them there.
        for statement in [
            "DELETE FROM webhooks WHERE tenant = $1",
            "DELETE FROM idempotency WHERE tenant = $1",
        ] {
            transaction
                .execute(Statement::of(statement).bind(id))
                .await?;
        }
        let event = happened(id, "tenant.deleted", actor);
        transaction.execute(event_statement(&event, now)?).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// How many apps and instances a tenant has. There is no instance without an app.
async fn left_of(
    transaction: &mut dyn Transaction,
    tenant: &str,
) -> Result<(i64, i64), StoreError> {
    let statement = Statement::of(
        "SELECT (SELECT count(*) FROM apps WHERE tenant = $1) AS apps, \
         (SELECT count(*) FROM instances WHERE tenant = $1) AS instances",
    )
    .bind(tenant);
    match only(transaction.fetch(statement).await?) {
        Some(row) => Ok((row.get("apps")?, row.get("instances")?)),
        None => Ok((0, 0)),
    }
}

fn counted(count: i64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The operator is told: tenants are theirs to make and to delete.
fn happened(id: &str, kind: &'static str, actor: Option<&str>) -> NewEvent {
    NewEvent {
        tenant: DEFAULT_TENANT.to_owned(),
        instance: None,
        app: None,
        kind,
        detail: json!({ "tenant": id }),
        actor: actor.map(str::to_owned),
    }
}

fn one(rows: Vec<Row>) -> Result<Option<Tenant>, StoreError> {
    only(rows).as_ref().map(from_row).transpose()
}

fn from_row(row: &Row) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row.get("id")?,
        name: row.get("name")?,
        created_at: row.time("created_at")?,
    })
}
