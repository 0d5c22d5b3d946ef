//! `/v1/webhooks`: where a tenant wants to be told of events.

use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use tieline_core::WebhookId;
use tieline_engine::{NewWebhook, Tested};
use tieline_store::{Webhook, WebhookChanges};

use crate::asked::{Asked, Given, Id};
use crate::caller::Administering;
use crate::wire_webhooks::{self as wire, Deliveries, DeliveriesQuery, Webhooks};
use crate::{Problem, Served};

/// As many deliveries as are shown where nobody says.
const PAGE: u32 = 100;
/// As many as are shown at most.
const LONGEST_PAGE: u32 = 1_000;

pub(crate) fn routes() -> Router<Served> {
    Router::new()
        .route("/webhooks", get(list).post(create))
        .route("/webhooks/{id}", get(show).patch(change).delete(delete))
        .route("/webhooks/{id}/deliveries", get(deliveries))
        .route("/webhooks/{id}/test", post(test))
}

async fn list(Administering(engine): Administering) -> Result<Json<Webhooks>, Problem> {
    let webhooks = engine.webhooks().await?;
    Ok(Json(Webhooks { webhooks }))
}

/// The one answer that holds its secret; see [`wire::CreatedWebhook`].
async fn create(
    Administering(engine): Administering,
    Given(new): Given<wire::NewWebhook>,
) -> Result<(StatusCode, Json<serde_json::Value>), Problem> {
    let new = NewWebhook {
        url: new.url,
        kinds: new.kinds,
        secret: new.secret,
    };
    let (webhook, secret) = engine.create_webhook(new).await?;
    let mut answer = serde_json::json!(webhook);
    answer["secret"] = secret.expose().into();
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn show(
    Administering(engine): Administering,
    Id(id): Id<WebhookId>,
) -> Result<Json<Webhook>, Problem> {
    Ok(Json(engine.webhook(id).await?))
}

async fn change(
    Administering(engine): Administering,
    Id(id): Id<WebhookId>,
    Given(changed): Given<wire::ChangedWebhook>,
) -> Result<Json<Webhook>, Problem> {
    let changes = WebhookChanges {
        url: changed.url,
        kinds: changed.kinds,
        enabled: changed.enabled,
    };
    Ok(Json(engine.change_webhook(id, changes).await?))
}

async fn delete(
    Administering(engine): Administering,
    Id(id): Id<WebhookId>,
) -> Result<StatusCode, Problem> {
    engine.delete_webhook(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn deliveries(
    Administering(engine): Administering,
    Id(id): Id<WebhookId>,
    Asked(query): Asked<DeliveriesQuery>,
) -> Result<Json<Deliveries>, Problem> {
    let limit = query.limit.unwrap_or(PAGE).min(LONGEST_PAGE);
    let deliveries = engine.waiting_deliveries(id, limit).await?;
    Ok(Json(Deliveries { deliveries }))
}

async fn test(
    Administering(engine): Administering,
    Id(id): Id<WebhookId>,
) -> Result<Json<Tested>, Problem> {
    Ok(Json(engine.test_webhook(id).await?))
}
