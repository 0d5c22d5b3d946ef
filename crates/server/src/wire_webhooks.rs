//! The shapes of requests and answers about webhooks, for both ends of the wire.
//!
//! None of those that can be written holds a secret: whoever sends one puts it into the body by hand.

use serde::{Deserialize, Serialize};
use tieline_core::Secret;
use tieline_store::{WaitingDelivery, Webhook};
use utoipa::{IntoParams, ToSchema};

/// The body of `POST /v1/webhooks`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where to tell: an `https` URL.
    pub url: String,
    /// Of which kinds of events. Default: of all.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// `whsec_` and 24 to 64 bytes in base64. Default: a fresh one.
    #[serde(default)]
    pub secret: Option<Secret>,
}

/// The answer to `POST /v1/webhooks`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreatedWebhook {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// What it is told is signed with this. It is shown this once.
    pub secret: Secret,
}

/// The answer to `GET /v1/webhooks`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Webhooks {
    /// By id.
    pub webhooks: Vec<Webhook>,
}

/// The body of `PATCH /v1/webhooks/{id}`. What is not named stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedWebhook {
    /// Where to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of which kinds of events; none = of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
    /// Whether it is told anything. What waits for one that is disabled is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// The query of `GET /v1/webhooks/{id}/deliveries`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesQuery {
    /// At most so many. Default: 100.
    #[param(minimum = 1, maximum = 1000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The answer to `GET /v1/webhooks/{id}/deliveries`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Deliveries {
    /// What the webhook has not been told of yet; what is tried next comes first.
    pub deliveries: Vec<WaitingDelivery>,
}
