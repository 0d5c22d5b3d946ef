//! Webhooks: hosts are told of events by signed requests, as the [Standard Webhooks](https://www.standardwebhooks.com)
//! specification has it.
//!
//! The store writes with every event what is to be told to whom. `courier` takes what is due and `send`s it, a `message`
//! with a `signature`; what is not taken is tried again by the `schedule`. At least once, in no order that is promised: a
//! receiver knows a message by its id.

mod check;
mod courier;
mod couriers;
mod message;
mod schedule;
mod send;
mod signature;

use serde::{Deserialize, Serialize};
use tieline_core::{Secret, WebhookId};
use tieline_store::{self as store, Purpose, WaitingDelivery, Webhook, WebhookChanges};

pub(crate) use couriers::Couriers;

use crate::{Engine, EngineError};
use check::known_kinds;
use message::Message;
use send::Sent;

/// A webhook to be created.
#[derive(Debug, Default)]
pub struct NewWebhook {
    /// Where to tell: an `https` URL at a public address, unless the operator opens others to webhooks.
    pub url: String,
    /// Of which kinds of events; none = of all.
    pub kinds: Vec<String>,
    /// `whsec_` and 24 to 64 bytes in base64. Default: a fresh one.
    pub secret: Option<Secret>,
}

/// What came of telling a webhook of nothing but the attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tested {
    /// Whether it was taken: answered with a status of success.
    pub taken: bool,
    /// The status that was answered, if anything was.
    pub status: Option<u16>,
    /// What came of it, in a few words.
    pub result: String,
}

impl Engine {
    /// Creates a webhook, which is told of every event from now on, and returns its secret, which is shown this once.
    ///
    /// # Errors
    /// When no webhook can be at the URL, a kind isn't known, the secret is unfit, or there are as many as there may be.
    pub async fn create_webhook(&self, new: NewWebhook) -> Result<(Webhook, Secret), EngineError> {
        let place = self.shared.edge.place(&new.url)?;
        let secret = match new.secret {
            Some(secret) if signature::is_secret(&secret) => secret,
            Some(_) => return Err(EngineError::UnfitSecret),
            None => signature::fresh_secret()?,
        };
        let webhook = store::NewWebhook {
            tenant: self.tenant.to_string(),
            url: place.url.into(),
            kinds: known_kinds(new.kinds)?,
            secret: secret.duplicate(),
        };
        Ok((self.shared.store.create_webhook(webhook).await?, secret))
    }

    /// The tenant's webhooks, by id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, EngineError> {
        Ok(self.shared.store.webhooks(&self.tenant).await?)
    }

    /// One of the tenant's webhooks.
    ///
    /// # Errors
    /// When it isn't there, or belongs to another tenant.
    pub async fn webhook(&self, id: WebhookId) -> Result<Webhook, EngineError> {
        let found = self.shared.store.webhook(&self.tenant, id).await?;
        found.ok_or(EngineError::NoSuchWebhook(id))
    }

    /// Changes where a webhook is, of what it is told, or whether it is told anything. What waits for one that is disabled is
    /// removed.
    ///
    /// # Errors
    /// When it isn't there, no webhook can be at the URL, or a kind isn't known.
    pub async fn change_webhook(
        &self,
        id: WebhookId,
        changes: WebhookChanges,
    ) -> Result<Webhook, EngineError> {
        let url = changes.url.map(|url| self.shared.edge.place(&url));
        let checked = WebhookChanges {
            url: url.transpose()?.map(|place| place.url.into()),
            kinds: changes.kinds.map(known_kinds).transpose()?,
            enabled: changes.enabled,
        };
        let store = &self.shared.store;
        let changed = store.change_webhook(&self.tenant, id, &checked).await?;
        changed.ok_or(EngineError::NoSuchWebhook(id))
    }

    /// Deletes a webhook and what waits for it.
    ///
    /// # Errors
    /// When it isn't there.
    pub async fn delete_webhook(&self, id: WebhookId) -> Result<(), EngineError> {
        if self.shared.store.delete_webhook(&self.tenant, id).await? {
            Ok(())
        } else {
            Err(EngineError::NoSuchWebhook(id))
        }
    }

    /// What a webhook has not been told of yet, with what came of the last attempt: what is tried next comes first.
    ///
    /// # Errors
    /// When it isn't there.
    pub async fn waiting_deliveries(
        &self,
        id: WebhookId,
        limit: u32,
    ) -> Result<Vec<WaitingDelivery>, EngineError> {
        self.webhook(id).await?;
        let store = &self.shared.store;
        Ok(store.waiting_deliveries(&self.tenant, id, limit).await?)
    }

    /// Tells a webhook, disabled or not, of a `webhook.test`, once, and says what came of it.
    ///
    /// # Errors
    /// When it isn't there, or its secret can't be read.
    pub async fn test_webhook(&self, id: WebhookId) -> Result<Tested, EngineError> {
        let webhook = self.webhook(id).await?;
        let secret = self.shared.store.webhook_secret(&webhook, Purpose::Sign);
        let message = Message::of_test(id, self.shared.clock.now())?;
        let sent = self.post(&webhook.url, &secret.await?, &message).await;
        Ok(Tested {
            taken: sent.is_taken(),
            status: match &sent {
                Sent::Answered(status) => Some(status.as_u16()),
                Sent::Unanswered(_) => None,
            },
            result: sent.to_string(),
        })
    }
}
