//! What a webhook is told: an id that stays the same however often it is sent, and a body of JSON.

use serde_json::json;
use tieline_core::{Timestamp, WebhookId, random};
use tieline_store::Delivery;

use crate::EngineError;

/// What a webhook is told when it is tested.
const TEST: &str = "webhook.test";

/// A message, before it is signed.
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: Vec<u8>,
}

impl Message {
    /// Of an event. Its time stands in the id too: a store that was restored from a backup counts its events from there once
    /// more.
    pub(super) fn of(delivery: &Delivery) -> Self {
        let event = &delivery.event;
        let body = json!({
            "type": event.kind,
            "timestamp": event.at,
            "data": {
                "event": event.id,
                "instance": event.instance,
                "app": event.app,
                "provider": delivery.provider,
                "detail": event.detail,
            },
        });
        Self {
            id: format!("evt_{}_{}", event.id, event.at.as_microsecond()),
            body: body.to_string().into_bytes(),
        }
    }

    /// Of nothing that happened.
    pub(super) fn of_test(webhook: WebhookId, now: Timestamp) -> Result<Self, EngineError> {
        let body = json!({
            "type": TEST,
            "timestamp": now,
            "data": { "webhook": webhook },
        });
        Ok(Self {
            id: format!("test_{}", random::context()?),
            body: body.to_string().into_bytes(),
        })
    }
}
