//! `GET /healthz`: whether the process answers, and which one it is; `GET /readyz`: whether it can work.

use axum::Json;
use axum::extract::State;

use tieline_engine::Engine;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Problem;
use crate::openapi::{Failed, Unavailable};
use crate::wire::{Health, Ready};

pub(crate) fn routes() -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(health))
}

/// `GET /readyz`: whether the store answers too.
pub(crate) fn readiness() -> OpenApiRouter<Engine> {
    OpenApiRouter::default().routes(routes!(ready))
}

/// Tells whether the store answers too.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readiness",
    tag = "operations",
    responses((status = 200, description = "It does.", body = Ready), Failed, Unavailable)
)]
async fn ready(State(engine): State<Engine>) -> Result<Json<Ready>, Problem> {
    // Any look will do. Where the store is, its operator reads in the log.
    if let Err(error) = engine.store().app_by_context("").await {
        tracing::warn!("not ready: {error}");
        return Err(Problem::not_ready());
    }
    Ok(Json(Ready {
        status: "ready".to_owned(),
    }))
}

/// Tells whether the process answers, and which one it is.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "health",
    tag = "operations",
    responses((status = 200, description = "It does.", body = Health))
)]
async fn health() -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
    })
}
