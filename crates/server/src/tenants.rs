//! `/v1/tenants`: for the operator.

use axum::Json;
use http::StatusCode;
use tieline_store::Tenant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::asked::{Asked, Given, Name, page_size};
use crate::caller::Administering;
use crate::openapi::{Conflict, Missing};
use crate::wire::{ChangedTenant, NewTenant, Tenants, TenantsQuery};
use crate::{Problem, Served};

pub(crate) fn routes() -> OpenApiRouter<Served> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, rename, delete))
}

/// Lists tenants.
#[utoipa::path(
    get,
    path = "/tenants",
    operation_id = "listTenants",
    tag = "tenants",
    security(("api_key" = ["admin"])),
    params(TenantsQuery),
    responses((status = 200, description = "A page of them.", body = Tenants))
)]
async fn list(
    Administering(engine): Administering,
    Asked(asked): Asked<TenantsQuery>,
) -> Result<Json<Tenants>, Problem> {
    let limit = page_size(asked.limit)?;
    let tenants = engine.tenants(asked.cursor.as_deref(), limit).await?;
    let is_last = tenants.len() < limit as usize;
    let last = tenants.last().map(|tenant| tenant.id.clone());
    Ok(Json(Tenants {
        cursor: last.filter(|_| !is_last),
        tenants,
    }))
}

/// Makes a tenant.
#[utoipa::path(
    post,
    path = "/tenants",
    operation_id = "createTenant",
    tag = "tenants",
    security(("api_key" = ["admin"])),
    request_body = NewTenant,
    responses((status = 201, description = "The tenant.", body = Tenant))
)]
async fn create(
    Administering(engine): Administering,
    Given(new): Given<NewTenant>,
) -> Result<(StatusCode, Json<Tenant>), Problem> {
    let tenant = engine.create_tenant(&new.id, new.name.as_deref());
    Ok((StatusCode::CREATED, Json(tenant.await?)))
}

/// Shows a tenant.
#[utoipa::path(
    get,
    path = "/tenants/{id}",
    operation_id = "showTenant",
    tag = "tenants",
    security(("api_key" = ["admin"])),
    params(("id" = String, Path, description = "The tenant.")),
    responses((status = 200, description = "The tenant.", body = Tenant), Missing)
)]
async fn show(
    Administering(engine): Administering,
    Name(id): Name,
) -> Result<Json<Tenant>, Problem> {
    Ok(Json(engine.tenant_by_id(&id).await?))
}

/// Gives a tenant another name.
#[utoipa::path(
    patch,
    path = "/tenants/{id}",
    operation_id = "renameTenant",
    tag = "tenants",
    security(("api_key" = ["admin"])),
    params(("id" = String, Path, description = "The tenant.")),
    request_body = ChangedTenant,
    responses(
        (status = 200, description = "The tenant as it is now.", body = Tenant),
        Missing,
    )
)]
async fn rename(
    Administering(engine): Administering,
    Name(id): Name,
    Given(changed): Given<ChangedTenant>,
) -> Result<Json<Tenant>, Problem> {
    let tenant = engine.rename_tenant(&id, changed.name.as_deref());
    Ok(Json(tenant.await?))
}

/// Deletes a tenant that has neither apps nor instances.
#[utoipa::path(
    delete,
    path = "/tenants/{id}",
    operation_id = "deleteTenant",
    tag = "tenants",
    security(("api_key" = ["admin"])),
    params(("id" = String, Path, description = "The tenant.")),
    responses((status = 204, description = "It is gone."), Missing, Conflict)
)]
async fn delete(
    Administering(engine): Administering,
    Name(id): Name,
) -> Result<StatusCode, Problem> {
    engine.delete_tenant(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
