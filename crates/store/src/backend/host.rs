//! Tenants, their API keys, and who is signed in with one.

use async_trait::async_trait;
use tieline_core::{ApiKeyId, Timestamp};

use crate::{ApiKey, StoreError, Tenant};

/// Tenants. Of those who do something, `actor` is named in the event that is written with it.
#[async_trait]
pub(crate) trait TenantRows {
    /// An id that is taken is a [`StoreError::Conflict`].
    async fn insert_tenant(&self, new: &Tenant, actor: Option<&str>) -> Result<Tenant, StoreError>;
    async fn tenant(&self, id: &str) -> Result<Option<Tenant>, StoreError>;
    async fn tenants(&self, after: Option<&str>, limit: u32) -> Result<Vec<Tenant>, StoreError>;
    async fn rename_tenant(
        &self,
        id: &str,
        name: Option<&str>,
    ) -> Result<Option<Tenant>, StoreError>;
    /// With its API keys, its webhooks and what was answered to it; a [`StoreError::Conflict`] while it has apps.
    async fn delete_tenant(
        &self,
        id: &str,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<bool, StoreError>;
}

/// API keys, each by its hash or by its id.
#[async_trait]
pub(crate) trait ApiKeyRows {
    /// A tenant that is not there is a [`StoreError::NotFound`].
    async fn insert_api_key(
        &self,
        new: &ApiKey,
        key_hash: &[u8; 32],
        actor: Option<&str>,
    ) -> Result<ApiKey, StoreError>;
    async fn api_key_by_hash(&self, key_hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError>;
    /// Of a tenant, or of all, by id, after `after`.
    async fn api_keys(
        &self,
        tenant: Option<&str>,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, StoreError>;
    /// The event that says so is written the first time.
    async fn revoke_api_key(
        &self,
        tenant: Option<&str>,
        id: ApiKeyId,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<Option<ApiKey>, StoreError>;
    /// Only where the last note is not after `unless_after`.
    async fn note_api_key_used(
        &self,
        id: ApiKeyId,
        now: Timestamp,
        unless_after: Timestamp,
    ) -> Result<(), StoreError>;
}

/// Who is signed in to the pages, each by the hash of what the browser holds.
#[async_trait]
pub(crate) trait SessionRows {
    /// `false` where the key is gone or revoked.
    async fn insert_session(
        &self,
        token_hash: &[u8; 32],
        key: ApiKeyId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// While neither has ended.
    async fn api_key_of_session(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<ApiKey>, StoreError>;
    async fn delete_session(&self, token_hash: &[u8; 32]) -> Result<(), StoreError>;
    async fn purge_sessions(&self, expired_before: Timestamp) -> Result<u64, StoreError>;
}
