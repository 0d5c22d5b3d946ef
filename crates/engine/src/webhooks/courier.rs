//! What a courier does: it tells one webhook what is due, a few events at a time, until nothing is or one is not taken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tieline_core::WebhookId;
use tieline_store::{Delivery, FailedDelivery, Purpose, StoreError, Webhook};
use tokio::task::JoinHandle;

use crate::engine::Shared;
use crate::webhooks::message::Message;
use crate::webhooks::schedule::{PATIENCE, pause};
use crate::webhooks::send::Sent;
use crate::{Engine, EngineError, measure};

/// How long a courier looks for more before it makes room for another, who may have waited.
const LONGEST_WAY: Duration = Duration::from_secs(15);
/// Events that one webhook is told of at once; one, where the last was not taken.
const AT_ONCE: u32 = 4;
/// How long nobody else sends what a courier has taken: well beyond what a receiver may take.
const CLAIM: Duration = Duration::from_secs(60);

/// How many were taken, and how many not.
pub(super) type Told = (u64, u64);

impl Engine {
    /// Tells webhooks, of whatever tenant, what is due now. How many events were taken, and how many attempts came to
    /// nothing.
    pub(crate) async fn tell_webhooks(&self) -> Result<Told, EngineError> {
        let mut sum = (0, 0);
        loop {
            // Those that fail rest, so that this ends.
            let couriers = self.send_couriers().await?;
            if couriers.is_empty() {
                return Ok(sum);
            }
            for courier in couriers {
                let (told, failed) = courier.await.unwrap_or_default();
                sum = (sum.0 + told, sum.1 + failed);
            }
        }
    }

    /// A courier to every webhook that there is something for, unless one is with it or it rests.
    pub(crate) async fn send_couriers(&self) -> Result<Vec<JoinHandle<Told>>, EngineError> {
        let shared = &self.shared;
        let due = shared.store.due_webhooks().await?;
        let chosen = shared.couriers.leave_for(due, shared.clock.now());
        let couriers = chosen.into_iter().map(|id| {
            let way = Way {
                shared: Arc::clone(shared),
                id,
            };
            tokio::spawn(way.travelled())
        });
        Ok(couriers.collect())
    }

    /// One attempt, and its outcome in the store. Whether it was taken.
    async fn tell(&self, webhook: &Webhook, delivery: &Delivery) -> Result<bool, EngineError> {
        let (store, event) = (&self.shared.store, delivery.event.id);
        let message = Message::of(delivery);
        let sent = match store.webhook_secret(webhook, Purpose::Sign).await {
            Ok(secret) => self.post(&webhook.url, &secret, &message).await,
            Err(error @ StoreError::Unreadable { .. }) => Sent::Unanswered(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        measure::delivery(sent.outcome());
        if sent.is_taken() {
            store.delivered(webhook.id, event).await?;
            return Ok(true);
        }
        tracing::info!(webhook = %webhook.id, event, attempts = delivery.attempts + 1, "an event was not taken: {sent}");
        if sent.is_farewell() {
            store.disable_webhook(webhook.id, &sent.to_string()).await?;
            tracing::warn!(webhook = %webhook.id, "the webhook is disabled: {sent}");
            return Ok(false);
        }
        let failed = FailedDelivery {
            webhook: webhook.id,
            event,
            why: sent.to_string(),
            pause: pause(delivery.attempts),
            patience: PATIENCE,
        };
        if store.delivery_failed(&failed).await? {
            tracing::warn!(webhook = %webhook.id, "the webhook is disabled after days of failing: {sent}");
        } else if failed.pause.is_none() {
            tracing::warn!(webhook = %webhook.id, event, "an event is given up after days of failing: {sent}");
        }
        Ok(false)
    }
}

/// A courier's way to one webhook. However it ends, another one may go then.
struct Way {
    shared: Arc<Shared>,
    id: WebhookId,
}

impl Way {
    async fn travelled(self) -> Told {
        let mut told = (0, 0);
        match self.tell_all(&mut told).await {
            Ok(()) | Err(EngineError::ShuttingDown | EngineError::Store(StoreError::Closed)) => {}
            Err(error) => {
                tracing::warn!(webhook = %self.id, "events can't be told yet: {error}");
            }
        }
        told
    }

    async fn tell_all(&self, told: &mut Told) -> Result<(), EngineError> {
        let (shared, id) = (&self.shared, self.id);
        let begun = Instant::now();
        while begun.elapsed() < LONGEST_WAY {
            if shared.tasks.is_closing() {
                return Ok(());
            }
            let limit = if shared.couriers.is_failing(id) {
                1
            } else {
                AT_ONCE
            };
            let due = shared.store.claim_deliveries(id, limit, CLAIM).await?;
            // Read after what is due, so that nothing is sent to where it was before.
            let webhook = shared.store.webhook_by_id(id).await?;
            let Some(webhook) = webhook.filter(|it| it.disabled_at.is_none() && !due.is_empty())
            else {
                return Ok(());
            };
            let (taken, failed) = self.tell_these(webhook, due).await?;
            *told = (told.0 + taken, told.1 + failed);
            if failed > 0 {
                shared.couriers.failed(id, shared.clock.now());
                return Ok(());
            }
            shared.couriers.succeeded(id);
        }
        Ok(())
    }

    /// At the same time, each on a task of its own that shutting down waits for: what was taken is written down then.
    async fn tell_these(&self, webhook: Webhook, due: Vec<Delivery>) -> Result<Told, EngineError> {
        let (mut attempts, webhook) = (Vec::new(), Arc::new(webhook));
        for delivery in due {
            let engine = Engine::of_default_tenant(Arc::clone(&self.shared));
            let webhook = Arc::clone(&webhook);
            let attempt = async move { engine.tell(&webhook, &delivery).await };
            attempts.push(self.shared.tasks.spawn(attempt)?);
        }
        let (mut taken, mut failed) = (0, 0);
        for attempt in join_all(attempts).await {
            match attempt {
                Ok(Ok(true)) => taken += 1,
                Ok(Ok(false)) | Err(_) => failed += 1,
                Ok(Err(error)) => return Err(error),
            }
        }
        Ok((taken, failed))
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.shared.couriers.back(self.id);
    }
}
