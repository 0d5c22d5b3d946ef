//! API keys are made, listed and revoked.
//!
//! An engine of the tenant `default` is the operator's and does this for all tenants; any other does it for its own.

use std::fmt;

use tieline_core::{ApiKeyId, Secret};
use tieline_store::{ApiKey, Permissions, StoreError};

use crate::api_key_text::FreshKey;
use crate::engine::DEFAULT_TENANT;
use crate::{Engine, EngineError};

/// An API key to be made.
#[derive(Debug, Clone, Default)]
pub struct NewApiKey {
    /// For whom it speaks. Default: the engine's tenant.
    pub tenant: Option<String>,
    /// What a person calls it.
    pub name: Option<String>,
    /// What it may do; at least one thing.
    pub permissions: Permissions,
}

/// An API key that was made just now, and the key itself, which nobody can tell ever again.
pub struct CreatedApiKey {
    /// What is stored of it.
    pub api_key: ApiKey,
    /// The key.
    pub key: Secret,
}

impl fmt::Debug for CreatedApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedApiKey")
            .field("api_key", &self.api_key)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Makes an API key.
    ///
    /// # Errors
    /// When there is no such tenant, it is for the operator to speak of it, or the key would be allowed nothing.
    pub async fn create_api_key(&self, new: NewApiKey) -> Result<CreatedApiKey, EngineError> {
        let tenant = self.tenant_or(new.tenant.as_deref())?;
        let FreshKey { key, hash, hint } = FreshKey::new()?;
        let new = tieline_store::NewApiKey {
            tenant: tenant.to_owned(),
            name: new.name,
            permissions: new.permissions,
            key_hash: hash,
            hint,
        };
        match self.acting_store().create_api_key(new).await {
            Ok(api_key) => Ok(CreatedApiKey { api_key, key }),
            Err(StoreError::NotFound { name, .. }) => Err(EngineError::NoSuchTenant(name)),
            Err(error) => Err(error.into()),
        }
    }

    /// API keys, revoked ones too, a page at a time: `limit` of them, by id, after `after`. Those of `tenant`; with `None` those of
    /// the engine's, or of all, where that is `default`.
    ///
    /// # Errors
    /// When there is no such tenant, or it is for the operator to ask of it.
    pub async fn api_keys(
        &self,
        tenant: Option<&str>,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, EngineError> {
        let tenant = match tenant {
            Some(id) => {
                let asked = self.tenant_or(tenant)?;
                if self.confined_to().is_none() {
                    self.tenant_by_id(id).await?;
                }
                Some(asked)
            }
            None => self.confined_to(),
        };
        Ok(self.shared.store.api_keys(tenant, after, limit).await?)
    }

    /// Revokes an API key: it stops at once here, and within two seconds in other processes. Once more does nothing.
    ///
    /// # Errors
    /// When the tenant has no such key; an engine of `default` finds those of all tenants.
    pub async fn revoke_api_key(&self, id: ApiKeyId) -> Result<ApiKey, EngineError> {
        let store = self.acting_store();
        let revoked = store.revoke_api_key(self.confined_to(), id).await;
        // Also where it is not known whether that was done.
        self.shared.known_keys.forget();
        revoked?.ok_or(EngineError::NoSuchApiKey(id))
    }

    /// The only tenant that this engine may speak of; `None` for the operator's.
    fn confined_to(&self) -> Option<&str> {
        let is_operators = &*self.tenant == DEFAULT_TENANT;
        (!is_operators).then_some(&*self.tenant)
    }

    /// The tenant that is asked for, or the engine's own.
    fn tenant_or<'a>(&'a self, asked: Option<&'a str>) -> Result<&'a str, EngineError> {
        let asked = asked.unwrap_or(&self.tenant);
        if asked != &*self.tenant {
            self.must_be_operators()?;
        }
        Ok(asked)
    }

    pub(crate) fn must_be_operators(&self) -> Result<(), EngineError> {
        match self.confined_to() {
            None => Ok(()),
            Some(_) => Err(EngineError::NotTheOperator),
        }
    }
}
