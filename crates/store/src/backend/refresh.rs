//! Lease, intent and generation.

use async_trait::async_trait;
use tieline_core::{InstanceId, Timestamp};

use crate::{BeginRefresh, Cause, Instance, StoreError};

/// Lease, intent and generation.
///
/// Leases go by one clock: the database's own where several processes share it, else the store's, which is `now`.
#[async_trait]
pub(crate) trait RefreshRows {
    /// Lease and intent, if generation and status are as expected and no lease of another owner is alive. An intent of the
    /// same generation that is replaced counts as one whose outcome is unknown; without `in_doubt` none is replaced.
    async fn begin_refresh(
        &self,
        begin: &BeginRefresh,
        now: Timestamp,
    ) -> Result<Option<Instance>, StoreError>;
    /// The token columns of `next` where the generation is the one before `next.generation`, with the event that says so; the intent
    /// and lease of `attempt` go.
    async fn commit_refresh(
        &self,
        next: &Instance,
        attempt: i64,
    ) -> Result<Option<Instance>, StoreError>;
    /// Whether `attempt` is the one that produced the stored generation.
    async fn committed_by(&self, id: InstanceId, attempt: i64) -> Result<bool, StoreError>;
    /// Whether the stored generation came of a refresh, and another attempt was made at the one before it: one that began before
    /// this one was written, or one that brought tokens too.
    async fn is_contested(&self, id: InstanceId) -> Result<bool, StoreError>;
    async fn clear_intent(&self, id: InstanceId, attempt: i64) -> Result<(), StoreError>;
    /// The event that says so is written the first time for each generation. With `is_over`, the lease goes.
    async fn keep_uncertain(
        &self,
        id: InstanceId,
        attempt: i64,
        generation: i64,
        reason: &str,
        now: Timestamp,
        is_over: bool,
    ) -> Result<(), StoreError>;
    /// Whether another than `owner` has a lease that is alive.
    async fn is_leased(
        &self,
        id: InstanceId,
        owner: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// One more rejection; the intent and lease of `attempt` go.
    async fn count_rejection(
        &self,
        id: InstanceId,
        attempt: i64,
        now: Timestamp,
    ) -> Result<Option<Instance>, StoreError>;
    /// With the event that says so, where it was not so before; not while another attempt than `attempt` is under way.
    async fn require_reconnect(
        &self,
        id: InstanceId,
        generation: i64,
        attempt: Option<i64>,
        cause: Cause,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// As a commit, but from outside a refresh: captures are replaced, and the account's id and label where `next` has them, all
    /// intents and leases go, and an instance that is being deleted is left alone.
    async fn replace_tokens(
        &self,
        next: &Instance,
        actor: Option<&str>,
    ) -> Result<Option<Instance>, StoreError>;
    /// `ok` instances, of whatever tenant, with an attempt of their generation that has not ended or ended unknown, and no
    /// lease of another than `owner` alive; by id, after `after`.
    async fn unsettled(
        &self,
        owner: &str,
        after: InstanceId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Instance>, StoreError>;
    /// `ok` instances, of whatever tenant, with rejections of their generation, by id, after `after`.
    async fn rejected(&self, after: InstanceId, limit: u32) -> Result<Vec<Instance>, StoreError>;
    /// `ok` instances, of whatever tenant, without a living lease, that are to be refreshed for the refresh token's own sake; the most urgent first.
    async fn keep_alive_due(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, InstanceId)>,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError>;
}
