//! Speaks HTTP to an engine: every route is one function of the engine or of its store, and has no logic of its own.
//!
//! [`control`] is the router of the control socket, through which the command line works while a server holds the data
//! folder. Whoever can connect to that socket is the owner: it asks for no key, and [`ControlSocket`] lets nobody else
//! in. The shapes of requests and answers are in [`wire`] and [`wire_webhooks`], errors are [`Problem`]s.

mod apps;
mod asked;
mod call;
mod configuration;
mod connecting;
mod devices;
mod health;
mod instances;
mod problem;
mod socket;
mod store;
mod webhooks;
pub mod wire;
pub mod wire_webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use tieline_engine::Engine;

pub use call::{ANSWER_HEAD, answer_of};
pub use problem::Problem;
pub use socket::{ControlSocket, SocketError, SocketFile, connect};

use crate::devices::Devices;

/// What all handlers share.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) engine: Engine,
    pub(crate) devices: Arc<Devices>,
}

/// Everything that the owner of the store may do: the API below `/v1`, the store itself below `/v1/store`, and `/healthz`.
///
/// It can be nested in another router, which must let nobody in but the owner.
pub fn control(engine: Engine) -> Router {
    let served = Served {
        engine,
        devices: Arc::default(),
    };
    let v1 = Router::new()
        .merge(apps::routes())
        .merge(instances::routes())
        .merge(connecting::routes())
        .merge(configuration::routes())
        .merge(webhooks::routes())
        .nest("/store", store::routes())
        // The owner's own requests, which the embedded engine doesn't limit either.
        .layer(DefaultBodyLimit::disable())
        .method_not_allowed_fallback(no_such_method)
        .with_state(served);
    health().nest("/v1", v1).fallback(nothing_here)
}

/// `GET /healthz` alone: whether the process answers.
pub fn health() -> Router {
    health::routes()
        .fallback(nothing_here)
        .method_not_allowed_fallback(no_such_method)
}

async fn nothing_here() -> impl IntoResponse {
    Problem::not_found()
}

async fn no_such_method() -> impl IntoResponse {
    Problem::method_not_allowed()
}
