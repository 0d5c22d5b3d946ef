//! Webhooks that were given up: their hosts are told nothing any more, and may not know it.

use tieline_core::WebhookId;
use tieline_store::{StoreError, Webhook};

use super::instances::{of_tenant, second};
use super::{Area, Few, Finding, PAGE};
use crate::Engine;

impl Engine {
    pub(super) async fn examine_webhooks(&self) -> Result<Vec<Finding>, StoreError> {
        let (mut few, mut after) = (Few::default(), WebhookId(0));
        loop {
            let page = self.shared.store.given_up_webhooks(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for webhook in &page {
                few.add(|| given_up(webhook));
            }
        }
        Ok(few.told(
            "webhooks were given up",
            "GET /v1/webhooks shows a tenant's",
        ))
    }
}

/// Without its URL, in which there may be a secret.
fn given_up(webhook: &Webhook) -> Finding {
    let tenant = of_tenant(&webhook.tenant);
    let since = webhook.disabled_at.map(second).unwrap_or_default();
    let why = webhook.disabled_why.as_deref().unwrap_or_default();
    Finding::notice(
        Area::Webhook,
        format!(
            "webhook {}{tenant} was given up at {since}: {why}",
            webhook.id
        ),
        format!(
            "mend what is to answer there, then enable it: PATCH /v1/webhooks/{} with {{\"enabled\": true}}; what it has missed \
             is in GET /v1/events",
            webhook.id
        ),
    )
}
