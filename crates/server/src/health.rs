//! `GET /healthz`: whether the process answers, and which one it is.

use axum::routing::get;
use axum::{Json, Router};

use crate::wire::Health;

pub(crate) fn routes() -> Router {
    Router::new().route("/healthz", get(health))
}

async fn health() -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
    })
}
