//! Tenants and API keys.

use serde::{Deserialize, Serialize};
use tieline_core::{ApiKeyId, Secret};
use tieline_store::{ApiKey, Permission, Permissions, Tenant};
use utoipa::{IntoParams, ToSchema};

/// The body of `POST /v1/api-keys`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// For whom the key speaks. Default: the tenant of whoever asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What a person calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it may do. Default: `read`, `connect` and `call`.
    #[serde(default = "usual")]
    pub permissions: Permissions,
}

fn usual() -> Permissions {
    let usual = [Permission::Read, Permission::Connect, Permission::Call];
    usual.into_iter().collect()
}

impl From<NewApiKey> for tieline_engine::NewApiKey {
    fn from(new: NewApiKey) -> Self {
        Self {
            tenant: new.tenant,
            name: new.name,
            permissions: new.permissions,
        }
    }
}

/// The answer to `POST /v1/api-keys`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreatedApiKey {
    /// What is stored of it.
    pub api_key: ApiKey,
    /// The key, told this once.
    pub key: Secret,
}

/// The query of `GET /v1/api-keys`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ApiKeysQuery {
    /// Of this tenant only. The operator is told of all tenants, anybody else of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Where the page before ended, as it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<ApiKeyId>,
    /// At most so many. Default: 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The answer to `GET /v1/api-keys`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ApiKeys {
    /// By id; revoked ones too.
    pub api_keys: Vec<ApiKey>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<ApiKeyId>,
}

/// The body of `POST /v1/tenants`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// 1 to 64 of `a`–`z`, `0`–`9`, `.`, `_` and `-`, the first a letter or a digit.
    pub id: String,
    /// What a person calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The body of `PATCH /v1/tenants/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedTenant {
    /// What a person calls it from now on; `null` takes the name away.
    // With this attribute it has to be there.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    pub name: Option<String>,
}

/// The query of `GET /v1/tenants`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TenantsQuery {
    /// Where the page before ended, as it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// At most so many. Default: 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The answer to `GET /v1/tenants`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Tenants {
    /// By id.
    pub tenants: Vec<Tenant>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
