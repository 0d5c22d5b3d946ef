//! `/v1/tenants`: for the operator.

use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use tieline_store::Tenant;

use crate::asked::{Asked, Given, Name};
use crate::caller::Administering;
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
    Administering(engine): Administering,
    Asked(asked): Asked<TenantsQuery>,
) -> Result<Json<Tenants>, Problem> {
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let tenants = engine.tenants(asked.cursor.as_deref(), limit).await?;
    let is_last = tenants.len() < limit as usize;
    let last = tenants.last().map(|tenant| tenant.id.clone());
    Ok(Json(Tenants {
        cursor: last.filter(|_| !is_last),
        tenants,
    }))
}

async fn create(
    Administering(engine): Administering,
    Given(new): Given<NewTenant>,
) -> Result<(StatusCode, Json<Tenant>), Problem> {
    let tenant = engine.create_tenant(&new.id, new.name.as_deref());
    Ok((StatusCode::CREATED, Json(tenant.await?)))
}

async fn show(
    Administering(engine): Administering,
    Name(id): Name,
) -> Result<Json<Tenant>, Problem> {
    Ok(Json(engine.tenant_by_id(&id).await?))
}

async fn rename(
    Administering(engine): Administering,
    Name(id): Name,
    Given(changed): Given<ChangedTenant>,
) -> Result<Json<Tenant>, Problem> {
    let tenant = engine.rename_tenant(&id, changed.name.as_deref());
    Ok(Json(tenant.await?))
}

async fn delete(
    Administering(engine): Administering,
    Name(id): Name,
) -> Result<StatusCode, Problem> {
    engine.delete_tenant(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
