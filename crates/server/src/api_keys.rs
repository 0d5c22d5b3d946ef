//! `/v1/api-keys`: keys are made, shown once, listed and revoked.

use axum::Json;
use http::header::{CACHE_CONTROL, HeaderName};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use tieline_core::ApiKeyId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::asked::{Asked, Given, Id, page_size};
use crate::caller::Administering;
use crate::openapi::Missing;
use crate::wire::{ApiKeys, ApiKeysQuery, CreatedApiKey, NewApiKey};
use crate::{Problem, Served};

pub(crate) fn routes() -> OpenApiRouter<Served> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
}

/// Lists API keys, also those that are revoked.
#[utoipa::path(
    get,
    path = "/api-keys",
    operation_id = "listKeys",
    tag = "API keys",
    security(("api_key" = ["admin"])),
    params(ApiKeysQuery),
    responses(
        (status = 200, description = "A page of them.", body = ApiKeys),
        Missing,
    )
)]
async fn list(
    Administering(engine): Administering,
    Asked(asked): Asked<ApiKeysQuery>,
) -> Result<Json<ApiKeys>, Problem> {
    let limit = page_size(asked.limit)?;
    let tenant = asked.tenant.as_deref();
    let api_keys = engine.api_keys(tenant, asked.cursor, limit).await?;
    let is_last = api_keys.len() < limit as usize;
    let last = api_keys.last().map(|key| key.id);
    Ok(Json(ApiKeys {
        cursor: last.filter(|_| !is_last),
        api_keys,
    }))
}

/// Makes an API key.
///
/// The answer is the only one that holds it.
#[utoipa::path(
    post,
    path = "/api-keys",
    operation_id = "createKey",
    tag = "API keys",
    security(("api_key" = ["admin"])),
    request_body = NewApiKey,
    responses(
        (status = 201, description = "The key.", body = CreatedApiKey),
        Missing,
    )
)]
async fn create(
    Administering(engine): Administering,
    Given(new): Given<NewApiKey>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Json<Value>), Problem> {
    let created = engine.create_api_key(new.into()).await?;
    let answer = json!({ "api_key": created.api_key, "key": created.key.expose() });
    let no_store = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(answer)))
}

/// Revokes an API key, from now on and for good.
#[utoipa::path(
    delete,
    path = "/api-keys/{id}",
    operation_id = "revokeKey",
    tag = "API keys",
    security(("api_key" = ["admin"])),
    params(("id" = ApiKeyId, Path)),
    responses((status = 204, description = "It is good for nothing any more."), Missing)
)]
async fn revoke(
    Administering(engine): Administering,
    Id(id): Id<ApiKeyId>,
) -> Result<StatusCode, Problem> {
    engine.revoke_api_key(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
