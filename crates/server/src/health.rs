//! `GET /healthz`: whether the process answers, and which one it is; `GET /readyz`: whether it can work.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};

use tieline_engine::Engine;

use crate::Problem;
use crate::wire::{Health, Ready};

pub(crate) fn routes() -> Router {
    Router::new().route("/healthz", get(health))
}

/// `GET /readyz`: whether the store answers too.
pub(crate) fn readiness(engine: Engine) -> Router {
    Router::new().route("/readyz", get(ready).with_state(engine))
}

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

async fn health() -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
    })
}
