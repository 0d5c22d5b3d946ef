//! `GET /openapi.json`: what the API is, by OpenAPI 3.1, from what each handler says of itself.
//!
//! Handlers say what is their own: path, permission, parameters, bodies, and what can be wrong with what was asked for.
//! What follows from that is the same everywhere, and added by [`complete`].

mod call;
mod complete;
mod frame;
mod problems;
#[cfg(test)]
mod written;

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::problems::{Conflict, Failed, Missing, Unavailable, Unusable};
use crate::{front_door, health, metrics, shared_routes};

static WRITTEN: LazyLock<Bytes> = LazyLock::new(|| {
    // A document of texts and numbers always can be written.
    document().to_json().unwrap_or_default().into()
});

/// Everything that [`api`](crate::api) serves, as OpenAPI 3.1 has it.
pub fn document() -> OpenApi {
    let mut v1 = shared_routes().into_openapi();
    call::describe(&mut v1);
    let mut document = frame::frame().nest("/v1", v1);
    document.merge(health::routes().into_openapi());
    document.merge(health::readiness().into_openapi());
    document.merge(metrics::operators_routes().into_openapi());
    document.merge(front_door::documented_routes().into_openapi());
    document.merge(routes().into_openapi());
    complete::complete(&mut document);
    document
}

pub(crate) fn routes() -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(show))
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "operations",
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value))
)]
async fn show() -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    (json, WRITTEN.clone()).into_response()
}
