//! Apps as rows.

use std::sync::Arc;

use async_trait::async_trait;
use tieline_core::{AppId, Timestamp};

use super::journal::event_statement;
use super::row::{json, micros};
use super::violations::{is_dangling, is_duplicate};
use super::{Database, Row, Statement, only};
use crate::backend::AppRows;
use crate::{App, NewEvent, StoreError};

macro_rules! columns {
    () => {
        "id, tenant, provider, name, context, redirect_uri, endpoints, parameters, version, created_at, updated_at, \
         confirm_url, return_origins, trouble, trouble_since"
    };
}

#[async_trait]
impl<D: Database> AppRows for D {
    async fn insert_app(&self, app: &App, actor: Option<&str>) -> Result<(), StoreError> {
        let statement = Statement::of(
            "INSERT INTO apps (id, tenant, provider, name, context, redirect_uri, endpoints, parameters, version, \
             created_at, updated_at, confirm_url, return_origins) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(app.id.0)
        .bind(&app.tenant)
        .bind(&app.provider)
        .bind(&app.name)
        .bind(&app.context)
        .bind(&app.redirect_uri)
        .bind(json(&app.endpoints)?)
        .bind(&*app.parameters)
        .bind(app.version)
        .bind(micros(app.created_at))
        .bind(micros(app.updated_at))
        .bind(&app.confirm_url)
        .bind(json(&app.return_origins)?);
        let mut transaction = self.begin().await?;
        match transaction.execute(statement).await {
            Err(error) if is_duplicate(&error) => {
                transaction.roll_back().await;
                return Err(StoreError::Conflict(format!(
                    "tenant {:?} has an app {:?} at {} already: give another name",
                    app.tenant, app.name, app.provider
                )));
            }
            inserted => inserted?,
        };
        let event = happened(app, "app.created", named(app), actor);
        let told = event_statement(&event, app.created_at)?;
        transaction.execute(told).await?;
        transaction.commit().await
    }

    async fn app(&self, tenant: &str, id: AppId) -> Result<Option<App>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM apps WHERE tenant = $1 AND id = $2"
        ))
        .bind(tenant)
        .bind(id.0);
        one(self.read(statement).await?)
    }

    async fn app_by_context(&self, context: &str) -> Result<Option<App>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM apps WHERE context = $1"
        ))
        .bind(context);
        one(self.read(statement).await?)
    }

    async fn app_by_name(
        &self,
        tenant: &str,
        provider: &str,
        name: &str,
    ) -> Result<Option<App>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM apps WHERE tenant = $1 AND provider = $2 AND name = $3"
        ))
        .bind(tenant)
        .bind(provider)
        .bind(name);
        one(self.read(statement).await?)
    }

    async fn apps(&self, tenant: &str) -> Result<Vec<App>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM apps WHERE tenant = $1 ORDER BY provider, name"
        ))
        .bind(tenant);
        self.read(statement).await?.iter().map(from_row).collect()
    }

    async fn update_app(&self, app: &App, actor: Option<&str>) -> Result<bool, StoreError> {
        let statement = Statement::of(
            "UPDATE apps SET redirect_uri = $4, parameters = $5, version = $3, updated_at = $6, \
             confirm_url = $7, return_origins = $8, trouble = NULL, trouble_since = NULL \
             WHERE tenant = $1 AND id = $2 AND version = $3 - 1",
        )
        .bind(&app.tenant)
        .bind(app.id.0)
        .bind(app.version)
        .bind(&app.redirect_uri)
        .bind(&*app.parameters)
        .bind(micros(app.updated_at))
        .bind(&app.confirm_url)
        .bind(json(&app.return_origins)?);
        let mut transaction = self.begin().await?;
        let is_updated = transaction.execute(statement).await? > 0;
        if is_updated {
            let event = happened(app, "app.changed", named(app), actor);
            let told = event_statement(&event, app.updated_at)?;
            transaction.execute(told).await?;
        }
        transaction.commit().await?;
        Ok(is_updated)
    }

    async fn set_trouble(
        &self,
        id: AppId,
        trouble: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let statement = Statement::of(concat!(
            "UPDATE apps SET trouble = $2, trouble_since = CASE WHEN $2 IS NULL THEN NULL ELSE $3 END \
             WHERE id = $1 AND (trouble IS NULL) <> ($2 IS NULL) RETURNING ",
            columns!()
        ))
        .bind(id.0)
        .bind(trouble)
        .bind(micros(now));
        let mut transaction = self.begin().await?;
        let Some(app) = transaction.fetch(statement).await?.first().map(from_row) else {
            transaction.commit().await?;
            return Ok(false);
        };
        let app = app?;
        let kind = if trouble.is_some() {
            "app.refused"
        } else {
            "app.recovered"
        };
        let detail = trouble.map_or_else(
            || serde_json::json!({}),
            |reason| serde_json::json!({ "reason": reason }),
        );
        let event = happened(&app, kind, detail, None);
        transaction.execute(event_statement(&event, now)?).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn troubled_apps(&self) -> Result<Vec<App>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM apps WHERE trouble IS NOT NULL ORDER BY tenant, provider, name"
        ));
        self.read(statement).await?.iter().map(from_row).collect()
    }

    async fn all_apps(&self, after: AppId, limit: u32) -> Result<Vec<App>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM apps WHERE id > $1 ORDER BY id LIMIT $2"
        ))
        .bind(after.0)
        .bind(limit);
        self.read(statement).await?.iter().map(from_row).collect()
    }

    async fn delete_app(
        &self,
        tenant: &str,
        id: AppId,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<bool, StoreError> {
        let statement = Statement::of(concat!(
            "DELETE FROM apps WHERE tenant = $1 AND id = $2 RETURNING ",
            columns!()
        ))
        .bind(tenant)
        .bind(id.0);
        let mut transaction = self.begin().await?;
        let deleted = match transaction.fetch(statement).await {
            Err(error) if is_dangling(&error) => {
                return Err(StoreError::Conflict(format!(
                    "app {id} still has instances: disconnect them first"
                )));
            }
            deleted => one(deleted?)?,
        };
        if let Some(app) = &deleted {
            let event = happened(app, "app.deleted", named(app), actor);
            transaction.execute(event_statement(&event, now)?).await?;
        }
        transaction.commit().await?;
        Ok(deleted.is_some())
    }
}

fn happened(
    app: &App,
    kind: &'static str,
    detail: serde_json::Value,
    actor: Option<&str>,
) -> NewEvent {
    NewEvent {
        tenant: app.tenant.clone(),
        instance: None,
        app: Some(app.id),
        kind,
        detail,
        actor: actor.map(str::to_owned),
    }
}

/// What a person would know it by, and which state of its parameters this is.
fn named(app: &App) -> serde_json::Value {
    serde_json::json!({ "provider": app.provider, "name": app.name, "version": app.version })
}

fn one(rows: Vec<Row>) -> Result<Option<App>, StoreError> {
    only(rows).as_ref().map(from_row).transpose()
}

fn from_row(row: &Row) -> Result<App, StoreError> {
    Ok(App {
        id: AppId(row.get("id")?),
        tenant: row.get("tenant")?,
        provider: row.get("provider")?,
        name: row.get("name")?,
        context: row.get("context")?,
        redirect_uri: row.get("redirect_uri")?,
        endpoints: row.json("endpoints")?,
        confirm_url: row.get("confirm_url")?,
        return_origins: row.json("return_origins")?,
        version: row.get("version")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        trouble: row.get("trouble")?,
        trouble_since: row.optional_time("trouble_since")?,
        parameters: Arc::new(row.blob("parameters")?),
    })
}
