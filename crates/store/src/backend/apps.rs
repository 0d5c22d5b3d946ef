//! Apps.

use async_trait::async_trait;
use tieline_core::{AppId, Timestamp};

use crate::{App, StoreError};

/// Apps. What is done to one is told with an event, which names `actor`.
#[async_trait]
pub(crate) trait AppRows {
    /// A name or context that is taken is a [`StoreError::Conflict`].
    async fn insert_app(&self, app: &App, actor: Option<&str>) -> Result<(), StoreError>;
    async fn app(&self, tenant: &str, id: AppId) -> Result<Option<App>, StoreError>;
    async fn app_by_context(&self, context: &str) -> Result<Option<App>, StoreError>;
    async fn app_by_name(
        &self,
        tenant: &str,
        provider: &str,
        name: &str,
    ) -> Result<Option<App>, StoreError>;
    async fn apps(&self, tenant: &str) -> Result<Vec<App>, StoreError>;
    /// Writes parameters and redirect URI of `app`, only if the stored version is the one before `app.version`. Whatever
    /// trouble there was is forgotten.
    async fn update_app(&self, app: &App, actor: Option<&str>) -> Result<bool, StoreError>;
    /// Writes why the provider refuses the app, or that it no longer does, with the event that says so; `false` when that
    /// is known already.
    async fn set_trouble(
        &self,
        id: AppId,
        trouble: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Apps, of whatever tenant, that their providers refuse.
    async fn troubled_apps(&self) -> Result<Vec<App>, StoreError>;
    /// Apps, of whatever tenant, by id, after `after`.
    async fn all_apps(&self, after: AppId, limit: u32) -> Result<Vec<App>, StoreError>;
    /// A [`StoreError::Conflict`] while instances point to it.
    async fn delete_app(
        &self,
        tenant: &str,
        id: AppId,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<bool, StoreError>;
}
