//! Tenants are made, listed, renamed and deleted: by the operator, which is whoever has an engine of the tenant `default`.

use tieline_store::Tenant;

use crate::{Engine, EngineError};

impl Engine {
    /// Makes a tenant, which can have API keys from then on. An id is 1 to 64 of `a`–`z`, `0`–`9`, `.`, `_` and `-`, the first a
    /// letter or a digit.
    ///
    /// # Errors
    /// When its id or name does not do, or it is there already; as for all that follow, when this is not the operator's engine.
    pub async fn create_tenant(&self, id: &str, name: Option<&str>) -> Result<Tenant, EngineError> {
        self.must_be_operators()?;
        Ok(self.acting_store().create_tenant(id, name).await?)
    }

    /// The tenants, a page at a time: `limit` of them, by id, after `after`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tenants(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Tenant>, EngineError> {
        self.must_be_operators()?;
        Ok(self.shared.store.tenants(after, limit).await?)
    }

    /// One tenant.
    ///
    /// # Errors
    /// When it isn't there.
    pub async fn tenant_by_id(&self, id: &str) -> Result<Tenant, EngineError> {
        self.must_be_operators()?;
        let found = self.shared.store.tenant(id).await?;
        found.ok_or_else(|| EngineError::NoSuchTenant(id.to_owned()))
    }

    /// Calls a tenant otherwise; `None` takes its name away.
    ///
    /// # Errors
    /// When it isn't there, or the name does not do.
    pub async fn rename_tenant(&self, id: &str, name: Option<&str>) -> Result<Tenant, EngineError> {
        self.must_be_operators()?;
        let renamed = self.shared.store.rename_tenant(id, name).await?;
        renamed.ok_or_else(|| EngineError::NoSuchTenant(id.to_owned()))
    }

    /// Deletes a tenant that has neither apps nor instances, with its API keys and webhooks.
    ///
    /// # Errors
    /// When it isn't there, is the tenant `default`, or has some left: the error says how many.
    pub async fn delete_tenant(&self, id: &str) -> Result<(), EngineError> {
        self.must_be_operators()?;
        let deleted = self.acting_store().delete_tenant(id).await;
        self.shared.known_keys.forget();
        if deleted? {
            Ok(())
        } else {
            Err(EngineError::NoSuchTenant(id.to_owned()))
        }
    }
}
