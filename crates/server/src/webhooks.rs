//! `/v1/webhooks`: where a tenant wants to be told of events.

use axum::Json;
use http::StatusCode;
use tieline_core::WebhookId;
use tieline_engine::{NewWebhook, Tested};
use tieline_store::{Webhook, WebhookChanges};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::asked::{Asked, Given, Id, page_size};
use crate::caller::Administering;
use crate::openapi::Missing;
use crate::wire_webhooks::{self as wire, Deliveries, DeliveriesQuery, Webhooks};
use crate::{Problem, Served};

pub(crate) fn routes() -> OpenApiRouter<Served> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, change, delete))
        .routes(routes!(deliveries))
        .routes(routes!(test))
}

/// Lists webhooks: where the tenant wants to be told of events.
#[utoipa::path(
    get,
    path = "/webhooks",
    operation_id = "listWebhooks",
    tag = "webhooks",
    security(("api_key" = ["admin"])),
    responses((status = 200, description = "All of them.", body = Webhooks))
)]
async fn list(Administering(engine): Administering) -> Result<Json<Webhooks>, Problem> {
    let webhooks = engine.webhooks().await?;
    Ok(Json(Webhooks { webhooks }))
}

/// Makes a webhook, which is told of every event from now on.
///
/// The answer is the only one that holds its secret.
#[utoipa::path(
    post,
    path = "/webhooks",
    operation_id = "createWebhook",
    tag = "webhooks",
    security(("api_key" = ["admin"])),
    request_body = wire::NewWebhook,
    responses(
        (status = 201, description = "The webhook.", body = wire::CreatedWebhook),
    )
)]
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

/// Shows a webhook.
#[utoipa::path(
    get,
    path = "/webhooks/{id}",
    operation_id = "showWebhook",
    tag = "webhooks",
    security(("api_key" = ["admin"])),
    params(("id" = WebhookId, Path)),
    responses((status = 200, description = "The webhook.", body = Webhook), Missing)
)]
async fn show(
    Administering(engine): Administering,
    Id(id): Id<WebhookId>,
) -> Result<Json<Webhook>, Problem> {
    Ok(Json(engine.webhook(id).await?))
}

/// Changes a webhook: what is not named stays.
#[utoipa::path(
    patch,
    path = "/webhooks/{id}",
    operation_id = "changeWebhook",
    tag = "webhooks",
    security(("api_key" = ["admin"])),
    params(("id" = WebhookId, Path)),
    request_body = wire::ChangedWebhook,
    responses(
        (status = 200, description = "The webhook as it is now.", body = Webhook),
        Missing,
    )
)]
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

/// Deletes a webhook, and what waits for it.
#[utoipa::path(
    delete,
    path = "/webhooks/{id}",
    operation_id = "deleteWebhook",
    tag = "webhooks",
    security(("api_key" = ["admin"])),
    params(("id" = WebhookId, Path)),
    responses((status = 204, description = "It is gone."), Missing)
)]
async fn delete(
    Administering(engine): Administering,
    Id(id): Id<WebhookId>,
) -> Result<StatusCode, Problem> {
    engine.delete_webhook(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists what a webhook has not been told of yet.
#[utoipa::path(
    get,
    path = "/webhooks/{id}/deliveries",
    operation_id = "listDeliveries",
    tag = "webhooks",
    security(("api_key" = ["admin"])),
    params(("id" = WebhookId, Path), DeliveriesQuery),
    responses(
        (status = 200, description = "What is tried next comes first.", body = Deliveries),
        Missing,
    )
)]
async fn deliveries(
    Administering(engine): Administering,
    Id(id): Id<WebhookId>,
    Asked(query): Asked<DeliveriesQuery>,
) -> Result<Json<Deliveries>, Problem> {
    let limit = page_size(query.limit)?;
    let deliveries = engine.waiting_deliveries(id, limit).await?;
    Ok(Json(Deliveries { deliveries }))
}

/// Tells a webhook of nothing but the attempt.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/test",
    operation_id = "testWebhook",
    tag = "webhooks",
    security(("api_key" = ["admin"])),
    params(("id" = WebhookId, Path)),
    responses((status = 200, description = "What came of it.", body = Tested), Missing)
)]
async fn test(
    Administering(engine): Administering,
    Id(id): Id<WebhookId>,
) -> Result<Json<Tested>, Problem> {
    Ok(Json(engine.test_webhook(id).await?))
}
