//! `/v1/api-keys`: keys are made, shown once, listed and revoked.

use axum::routing::{delete, get};
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, HeaderName};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use tieline_core::ApiKeyId;

use crate::asked::{Asked, Given, Id};
use crate::caller::Administering;
use crate::wire::{ApiKeys, ApiKeysQuery, NewApiKey};
use crate::{Problem, Served};

/// As many rows as a page has where nobody says.
const PAGE: u32 = 100;
/// As many as it has at most.
const LONGEST_PAGE: u32 = 1_000;

pub(crate) fn routes() -> Router<Served> {
    Router::new()
        .route("/api-keys", get(list).post(create))
        .route("/api-keys/{id}", delete(revoke))
}

async fn list(
    Administering(engine): Administering,
    Asked(asked): Asked<ApiKeysQuery>,
) -> Result<Json<ApiKeys>, Problem> {
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let tenant = asked.tenant.as_deref();
    let api_keys = engine.api_keys(tenant, asked.cursor, limit).await?;
    let is_last = api_keys.len() < limit as usize;
    let last = api_keys.last().map(|key| key.id);
    Ok(Json(ApiKeys {
        cursor: last.filter(|_| !is_last),
        api_keys,
    }))
}

/// The only answer that holds the key; see [`wire::CreatedApiKey`](crate::wire::CreatedApiKey).
async fn create(
    Administering(engine): Administering,
    Given(new): Given<NewApiKey>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Json<Value>), Problem> {
    let created = engine.create_api_key(new.into()).await?;
    let answer = json!({ "api_key": created.api_key, "key": created.key.expose() });
    let no_store = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(answer)))
}

async fn revoke(
    Administering(engine): Administering,
    Id(id): Id<ApiKeyId>,
) -> Result<StatusCode, Problem> {
    engine.revoke_api_key(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
