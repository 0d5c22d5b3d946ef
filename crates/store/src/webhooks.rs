//! Webhooks: where a tenant wants to be told of events, and what it has not been told of yet.
//!
//! A delivery is written with its event, in one transaction, for every webhook of the tenant that wants the kind. It stays until the
//! webhook has taken it, has been given up, or is deleted.

use std::sync::Arc;
use std::time::Duration;

use tieline_core::{Secret, Timestamp, WebhookId};

use crate::keyring::Keyring;
use crate::seal::{Blob, Place};
use crate::{Event, Purpose, Store, StoreError};

/// As many webhooks as a tenant may have: every event is written once for each.
const MOST: u32 = 50;

/// A webhook to be created.
#[derive(Debug)]
pub struct NewWebhook {
    /// Who wants to be told.
    pub tenant: String,
    /// Where.
    pub url: String,
    /// Of which kinds of events; none = of all.
    pub kinds: Vec<String>,
    /// What signs it.
    pub secret: Secret,
}

/// Where a tenant wants to be told of events. Its secret is in it, sealed; serialised it is left out.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(description = "Where a tenant wants to be told of events.")
)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Who wants to be told.
    pub tenant: String,
    /// Where.
    pub url: String,
    /// Of which kinds of events; none = of all.
    pub kinds: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Since when nothing that was sent there was taken.
    pub failing_since: Option<Timestamp>,
    /// When it was disabled: from then on it is told nothing.
    pub disabled_at: Option<Timestamp>,
    /// Why.
    pub disabled_why: Option<String>,
    #[serde(skip)]
    pub(crate) secret: Arc<Blob>,
}

/// What is to be different about a webhook; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct WebhookChanges {
    /// Where it is. What has failed at the old place is due at once.
    pub url: Option<String>,
    /// Of which kinds of events it is told; none = of all. What waits already stays.
    pub kinds: Option<Vec<String>>,
    /// Whether it is told anything. What waits for a webhook that is disabled is removed, and not made up for.
    pub enabled: Option<bool>,
}

/// An event that a webhook is to be told of, for whoever has claimed it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event.
    pub event: Event,
    /// The provider of its app, while there is that app.
    pub provider: Option<String>,
    /// How often that was tried.
    pub attempts: u32,
}

/// A delivery that came to nothing.
#[derive(Debug, Clone)]
pub struct FailedDelivery {
    /// The webhook.
    pub webhook: WebhookId,
    /// The event's id.
    pub event: i64,
    /// What came of it, in a few words. Never secret.
    pub why: String,
    /// How long to wait before the next attempt; `None` = there is none.
    pub pause: Option<Duration>,
    /// For how long a webhook may fail before it is disabled.
    pub patience: Duration,
}

/// An event that a webhook has not been told of yet.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitingDelivery {
    /// The event's id.
    pub event: i64,
    /// Its kind.
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// What came of the last attempt.
    pub last: Option<String>,
}

fn place(tenant: &str, id: WebhookId) -> Place<'_> {
    Place {
        table: "webhooks",
        column: "secret",
        tenant,
        row: id.0,
        version: 1,
    }
}

impl Store {
    /// Creates a webhook, which is told of every event from now on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the tenant has as many as it may have.
    pub async fn create_webhook(&self, new: NewWebhook) -> Result<Webhook, StoreError> {
        let (id, now) = (WebhookId::random()?, self.now());
        let NewWebhook {
            tenant,
            url,
            kinds,
            secret,
        } = new;
        let seal = |keyring: &Keyring| {
            Ok(Webhook {
                id,
                tenant: tenant.clone(),
                url: url.clone(),
                kinds: kinds.clone(),
                created_at: now,
                failing_since: None,
                disabled_at: None,
                disabled_why: None,
                secret: Arc::new(keyring.seal(&place(&tenant, id), secret.expose().as_bytes())?),
            })
        };
        self.sealing(seal, |webhook| async move {
            if self.backend().insert_webhook(&webhook, MOST).await? {
                return Ok(webhook);
            }
            Err(StoreError::Conflict(format!(
                "there are {MOST} webhooks already, and that is as many as there may be: delete one that is not needed"
            )))
        })
        .await
    }

    /// A tenant's webhook by its id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn webhook(
        &self,
        tenant: &str,
        id: WebhookId,
    ) -> Result<Option<Webhook>, StoreError> {
        self.backend().webhook(tenant, id).await
    }

    /// A webhook by its id, whoever's it is.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn webhook_by_id(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.backend().webhook_by_id(id).await
    }

    /// All webhooks of a tenant, by id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn webhooks(&self, tenant: &str) -> Result<Vec<Webhook>, StoreError> {
        self.backend().webhooks(tenant).await
    }

    /// Webhooks, of whatever tenant, that were disabled by anybody but their owner; by id, after `after`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn given_up_webhooks(
        &self,
        after: WebhookId,
        limit: u32,
    ) -> Result<Vec<Webhook>, StoreError> {
        self.backend().given_up_webhooks(after, limit).await
    }

    /// Opens what signs for a webhook.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`].
    pub async fn webhook_secret(
        &self,
        webhook: &Webhook,
        purpose: Purpose,
    ) -> Result<Secret, StoreError> {
        let place = place(&webhook.tenant, webhook.id);
        self.open_text(&place, &webhook.secret, purpose).await
    }

    /// Changes a webhook; `None` when the tenant has none of this id. One that is enabled, or is elsewhere, begins anew as far as
    /// failing goes.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn change_webhook(
        &self,
        tenant: &str,
        id: WebhookId,
        changes: &WebhookChanges,
    ) -> Result<Option<Webhook>, StoreError> {
        self.backend()
            .change_webhook(tenant, id, changes, self.now())
            .await
    }

    /// Deletes a webhook and what waits for it; `false` when the tenant has none of this id.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_webhook(&self, tenant: &str, id: WebhookId) -> Result<bool, StoreError> {
        self.backend().delete_webhook(tenant, id).await
    }

    /// What a webhook has not been told of yet: what is tried next comes first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn waiting_deliveries(
        &self,
        tenant: &str,
        id: WebhookId,
        limit: u32,
    ) -> Result<Vec<WaitingDelivery>, StoreError> {
        self.backend().waiting_deliveries(tenant, id, limit).await
    }

    /// Webhooks, of whatever tenant, that there is something to be sent to now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn due_webhooks(&self) -> Result<Vec<WebhookId>, StoreError> {
        self.backend().due_webhooks(self.now()).await
    }

    /// Takes some of what a webhook is to be told now, in the order in which it is due. Nobody else gets it before `claim` is over,
    /// after which it is due again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn claim_deliveries(
        &self,
        id: WebhookId,
        limit: u32,
        claim: Duration,
    ) -> Result<Vec<Delivery>, StoreError> {
        let claim = in_micros(claim);
        self.backend()
            .claim_deliveries(id, limit, claim, self.now())
            .await
    }

    /// Writes down that a webhook has taken an event.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delivered(&self, id: WebhookId, event: i64) -> Result<(), StoreError> {
        self.backend().delivered(id, event).await
    }

    /// Writes down that a webhook has not taken an event. One that has failed for longer than [`patience`](FailedDelivery::patience)
    /// is disabled, and the event `webhook.disabled` is written with it; `true` says so.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delivery_failed(&self, failed: &FailedDelivery) -> Result<bool, StoreError> {
        self.backend().delivery_failed(failed, self.now()).await
    }

    /// Disables a webhook at once, with the event `webhook.disabled`, and removes what waits for it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn disable_webhook(&self, id: WebhookId, why: &str) -> Result<(), StoreError> {
        self.backend().disable_webhook(id, why, self.now()).await
    }
}

/// A duration as the database counts it.
pub(crate) fn in_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}
