//! Instances, apart from their refresh.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tieline_core::{InstanceId, Timestamp};

use crate::{Instance, InstanceQuery, NewEvent, Relabel, Status, StoreError};

/// Instances, apart from their refresh.
#[async_trait]
pub(crate) trait InstanceRows {
    /// With the event that says so. An app that is not there is a [`StoreError::NotFound`].
    async fn insert_instance(
        &self,
        instance: &Instance,
        connected: &NewEvent,
    ) -> Result<Instance, StoreError>;
    async fn instance(&self, tenant: &str, id: InstanceId) -> Result<Option<Instance>, StoreError>;
    async fn instance_by_id(&self, id: InstanceId) -> Result<Option<Instance>, StoreError>;
    async fn instances(&self, query: &InstanceQuery) -> Result<Vec<Instance>, StoreError>;
    /// An id or label that is `None` stays as it is; captures are added.
    async fn set_account(
        &self,
        id: InstanceId,
        account_id: Option<&str>,
        account_label: Option<&str>,
        captures: &BTreeMap<String, String>,
    ) -> Result<Option<Instance>, StoreError>;
    async fn relabel(
        &self,
        tenant: &str,
        id: InstanceId,
        change: &Relabel,
    ) -> Result<Option<Instance>, StoreError>;
    /// The event that says so is written with it, where it changed anything.
    async fn set_disabled(
        &self,
        tenant: &str,
        id: InstanceId,
        disabled: bool,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<Option<Instance>, StoreError>;
    async fn mark_deleting(
        &self,
        tenant: &str,
        id: InstanceId,
        now: Timestamp,
    ) -> Result<Option<Instance>, StoreError>;
    /// Instances, of whatever tenant, that are not `ok`, by id, after `after`.
    async fn unwell(
        &self,
        status: Status,
        after: InstanceId,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError>;
    /// How many instances there are with each status, of whatever tenant.
    async fn census(&self) -> Result<BTreeMap<Status, u64>, StoreError>;
    /// The same of one tenant.
    async fn census_of(&self, tenant: &str) -> Result<BTreeMap<Status, u64>, StoreError>;
    /// Only an instance that is marked as being deleted; with the event that says what became of its tokens.
    async fn delete_instance(
        &self,
        id: InstanceId,
        revocation: &str,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<bool, StoreError>;
    /// From `ok` only, and only while the generation is the one that could not be read. Touches no blob.
    async fn mark_unreadable(
        &self,
        id: InstanceId,
        generation: i64,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}
