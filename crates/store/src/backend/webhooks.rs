//! Webhooks, and the events that they have not been told of yet.

use async_trait::async_trait;
use tieline_core::{Timestamp, WebhookId};

use crate::{Delivery, FailedDelivery, StoreError, WaitingDelivery, Webhook, WebhookChanges};

/// Webhooks, and the events that they have not been told of yet.
///
/// What waits goes by one clock, as leases do.
#[async_trait]
pub(crate) trait WebhookRows {
    /// `false` where the tenant has `most` of them already.
    async fn insert_webhook(&self, webhook: &Webhook, most: u32) -> Result<bool, StoreError>;
    async fn webhook(&self, tenant: &str, id: WebhookId) -> Result<Option<Webhook>, StoreError>;
    async fn webhook_by_id(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError>;
    async fn webhooks(&self, tenant: &str) -> Result<Vec<Webhook>, StoreError>;
    /// Disabled by anybody but their owner, of whatever tenant, by id, after `after`.
    async fn given_up_webhooks(
        &self,
        after: WebhookId,
        limit: u32,
    ) -> Result<Vec<Webhook>, StoreError>;
    /// With what follows for the deliveries: none stays of a webhook that is disabled, and those that have failed are due at once
    /// where the URL is another.
    async fn change_webhook(
        &self,
        tenant: &str,
        id: WebhookId,
        changes: &WebhookChanges,
        now: Timestamp,
    ) -> Result<Option<Webhook>, StoreError>;
    /// Its deliveries go with it.
    async fn delete_webhook(&self, tenant: &str, id: WebhookId) -> Result<bool, StoreError>;
    /// Webhooks, of whatever tenant, that there is something to be sent to now.
    async fn due_webhooks(&self, now: Timestamp) -> Result<Vec<WebhookId>, StoreError>;
    /// Of many takers one gets a delivery; the others not before `claim` is over.
    async fn claim_deliveries(
        &self,
        id: WebhookId,
        limit: u32,
        claim: i64,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError>;
    /// The delivery goes, and the webhook is failing no longer.
    async fn delivered(&self, id: WebhookId, event: i64) -> Result<(), StoreError>;
    /// Whether the webhook was disabled for it; then with the event that says so.
    async fn delivery_failed(
        &self,
        failed: &FailedDelivery,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// With the event that says so, unless it is disabled already.
    async fn disable_webhook(
        &self,
        id: WebhookId,
        why: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    async fn waiting_deliveries(
        &self,
        tenant: &str,
        id: WebhookId,
        limit: u32,
    ) -> Result<Vec<WaitingDelivery>, StoreError>;
}
