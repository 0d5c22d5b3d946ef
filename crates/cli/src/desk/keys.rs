//! Tenants and API keys.

use http::Method;
use serde_json::json;
use tieline::ApiKeyId;
use tieline::engine::{CreatedApiKey, NewApiKey};
use tieline::server::wire::{self, ApiKeys, ApiKeysQuery, Tenants, TenantsQuery};
use tieline::store::{ApiKey, Tenant};
use url::form_urlencoded;

use super::Desk;
use super::control::with_query;
use crate::error::CliError;

/// Rows of a page.
const PAGE: u32 = 500;

impl Desk {
    pub(crate) async fn create_api_key(&self, new: NewApiKey) -> Result<CreatedApiKey, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.create_api_key(new).await?),
            Self::There { control, .. } => {
                let body = wire::NewApiKey {
                    tenant: new.tenant,
                    name: new.name,
                    permissions: new.permissions,
                };
                let body = serde_json::to_value(body)?;
                let made: wire::CreatedApiKey = control.post("/v1/api-keys", Some(&body)).await?;
                Ok(CreatedApiKey {
                    api_key: made.api_key,
                    key: made.key,
                })
            }
        }
    }

    /// All API keys, or all of one tenant.
    pub(crate) async fn api_keys(&self, tenant: Option<String>) -> Result<Vec<ApiKey>, CliError> {
        let mut all: Vec<ApiKey> = Vec::new();
        loop {
            let query = ApiKeysQuery {
                tenant: tenant.clone(),
                cursor: all.last().map(|key| key.id),
                limit: Some(PAGE),
            };
            let page = match self {
                Self::Here(engine) => {
                    let tenant = query.tenant.as_deref();
                    engine.api_keys(tenant, query.cursor, PAGE).await?
                }
                Self::There { control, .. } => {
                    let path = with_query("/v1/api-keys", &query)?;
                    control.get::<ApiKeys>(&path).await?.api_keys
                }
            };
            let is_last = page.len() < PAGE as usize;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    pub(crate) async fn revoke_api_key(&self, id: ApiKeyId) -> Result<(), CliError> {
        match self {
            Self::Here(engine) => Ok(engine.revoke_api_key(id).await.map(|_| ())?),
            Self::There { control, .. } => {
                let path = format!("/v1/api-keys/{id}");
                control.ask(Method::DELETE, &path, None).await
            }
        }
    }

    pub(crate) async fn create_tenant(
        &self,
        id: &str,
        name: Option<&str>,
    ) -> Result<Tenant, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.create_tenant(id, name).await?),
            Self::There { control, .. } => {
                let body = json!({ "id": id, "name": name });
                control.post("/v1/tenants", Some(&body)).await
            }
        }
    }

    pub(crate) async fn tenants(&self) -> Result<Vec<Tenant>, CliError> {
        let mut all: Vec<Tenant> = Vec::new();
        loop {
            let after = all.last().map(|tenant| tenant.id.clone());
            let page = match self {
                Self::Here(engine) => engine.tenants(after.as_deref(), PAGE).await?,
                Self::There { control, .. } => {
                    let query = TenantsQuery {
                        cursor: after,
                        limit: Some(PAGE),
                    };
                    let path = with_query("/v1/tenants", &query)?;
                    control.get::<Tenants>(&path).await?.tenants
                }
            };
            let is_last = page.len() < PAGE as usize;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    pub(crate) async fn rename_tenant(
        &self,
        id: &str,
        name: Option<&str>,
    ) -> Result<Tenant, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.rename_tenant(id, name).await?),
            Self::There { control, .. } => {
                let (path, body) = (
                    format!("/v1/tenants/{}", segment(id)),
                    json!({ "name": name }),
                );
                control.ask(Method::PATCH, &path, Some(&body)).await
            }
        }
    }

    pub(crate) async fn delete_tenant(&self, id: &str) -> Result<(), CliError> {
        match self {
            Self::Here(engine) => Ok(engine.delete_tenant(id).await?),
            Self::There { control, .. } => {
                let path = format!("/v1/tenants/{}", segment(id));
                control.ask(Method::DELETE, &path, None).await
            }
        }
    }
}

/// A text as one part of a path. What forms write as a plus, paths don't.
fn segment(text: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}
