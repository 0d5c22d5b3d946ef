//! What is never changed: quarantine and events.

use async_trait::async_trait;
use tieline_core::{InstanceId, Timestamp};

use crate::{Event, NewEvent, QuarantineGroup, Quarantined, StoreError};

/// What is never changed: quarantine and events.
#[async_trait]
pub(crate) trait JournalRows {
    /// Keeps it, unless there are `most` of its instance, generation and kind already; then answers the id of the newest of those.
    /// In either case with the event that says so, where there is one.
    async fn insert_quarantine(
        &self,
        record: &Quarantined,
        most: u32,
        told: Option<&NewEvent>,
    ) -> Result<Option<i64>, StoreError>;
    async fn quarantined(&self, tenant: &str) -> Result<Vec<Quarantined>, StoreError>;
    /// By tenant, instance and kind, of whatever tenant, the latest first; and how many such groups there are.
    async fn quarantine_groups(
        &self,
        limit: u32,
    ) -> Result<(Vec<QuarantineGroup>, u64), StoreError>;
    async fn insert_event(&self, event: &NewEvent, at: Timestamp) -> Result<(), StoreError>;
    /// Those of a smaller id than `before`.
    async fn events(
        &self,
        tenant: &str,
        instance: Option<InstanceId>,
        before: i64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError>;
    /// The latest instant among the last hundred events.
    async fn newest_event(&self) -> Result<Option<Timestamp>, StoreError>;
}
