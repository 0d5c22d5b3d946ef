//! `/v1/tenants`: for the operator.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use tieline_store::Tenant;

use crate::asked::{Asked, Given};
use crate::wire::{ChangedTenant, NewTenant, Tenants, TenantsQuery};
use crate::{Problem, Served};

/// As many rows as a page has where nobody says.
const PAGE: u32 = 100;
/// As many as it has at most.
const LONGEST_PAGE: u32 = 1_000;

pub(crate) fn routes() -> Router<Served> {
    Router::new()
        .route("/tenants", get(list).post(create))
        .route("/tenants/{id}", get(show).patch(rename).delete(delete))
}

async fn list(
    State(served): State<Served>,
    Asked(asked): Asked<TenantsQuery>,
) -> Result<Json<Tenants>, Problem> {
    let limit = asked.limit.unwrap_or(PAGE).min(LONGEST_PAGE);
    let tenants = served
        .engine
        .tenants(asked.cursor.as_deref(), limit)
        .await?;
    let is_last = tenants.len() < limit as usize;
    let last = tenants.last().map(|tenant| tenant.id.clone());
    Ok(Json(Tenants {
        cursor: last.filter(|_| !is_last),
        tenants,
    }))
}

async fn create(
    State(served): State<Served>,
    Given(new): Given<NewTenant>,
) -> Result<(StatusCode, Json<Tenant>), Problem> {
    let tenant = served.engine.create_tenant(&new.id, new.name.as_deref());
    Ok((StatusCode::CREATED, Json(tenant.await?)))
}

async fn show(
    State(served): State<Served>,
    Path(id): Path<String>,
) -> Result<Json<Tenant>, Problem> {
    Ok(Json(served.engine.tenant_by_id(&id).await?))
}

async fn rename(
    State(served): State<Served>,
    Path(id): Path<String>,
    Given(changed): Given<ChangedTenant>,
) -> Result<Json<Tenant>, Problem> {
    let tenant = served.engine.rename_tenant(&id, changed.name.as_deref());
    Ok(Json(tenant.await?))
}

async fn delete(
    State(served): State<Served>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    served.engine.delete_tenant(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
