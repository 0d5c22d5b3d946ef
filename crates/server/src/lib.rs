//! Speaks HTTP to an engine: every route is one function of the engine or of its store, and has no logic of its own.
//!
//! [`control`] is the router of the control socket, through which the command line works while a server holds the data
//! folder. Whoever can connect to that socket is the owner: it asks for no key, and [`ControlSocket`] lets nobody else
//! in. The shapes of requests and answers are in [`wire`] and [`wire_webhooks`], errors are [`Problem`]s.

mod api_keys;
mod apps;
mod asked;
mod body;
mod call;
mod caller;
mod configuration;
mod connecting;
mod devices;
mod front_door;
mod health;
mod idempotency;
mod instances;
mod listen;
mod metrics;
mod openapi;
mod pages;
mod problem;
#[cfg(test)]
mod problems_told;
mod providers;
mod refusal;
mod request_id;
mod socket;
mod store;
mod tenants;
mod webhooks;
pub mod wire;
pub mod wire_webhooks;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use tieline_engine::Engine;
use utoipa_axum::router::OpenApiRouter;

pub use call::{ANSWER_HEAD, answer_of};
pub use front_door::SignedIn;
pub use listen::{Limits, serve, serve_tcp};
pub use metrics::{Metrics, open_metrics};
pub use openapi::document as openapi;
pub use problem::Problem;
pub use socket::{ControlSocket, SocketError, SocketFile, connect};

use crate::caller::Caller;
use crate::devices::Devices;
use crate::front_door::FrontDoor;
use crate::pages::Pages;

/// What handlers share beside their caller's engine.
#[derive(Clone)]
pub(crate) struct Served {
    /// The tenant `default`'s, for what concerns the store as a whole.
    pub(crate) engine: Engine,
    pub(crate) devices: Arc<Devices>,
}

/// How the API is served.
#[derive(Clone, Default)]
pub struct ApiOptions {
    /// Tells who is signed in at the host. Without it, authorizations are bound by confirmation alone.
    pub signed_in: Option<SignedIn>,
    /// What `/metrics` tells the operator. Without it, there is none.
    pub metrics: Option<Metrics>,
    /// Whether there are pages for people who sign in with an API key: setup, accounts, and what needs somebody. Default: no.
    pub pages: bool,
}

/// Everything that the owner of the store may do: the API below `/v1`, the store itself below `/v1/store`, and `/healthz`.
///
/// It can be nested in another router, which must let nobody in but the owner.
pub fn control(engine: Engine) -> Router {
    let owner = Caller::owner(&engine);
    let (shared, _) = shared_routes().split_for_parts();
    let v1 = shared
        .merge(connecting::local_routes())
        .merge(configuration::routes())
        .nest("/store", store::routes())
        // The owner's own requests, which the embedded engine doesn't limit either.
        .layer(DefaultBodyLimit::disable())
        .layer(Extension(owner))
        .method_not_allowed_fallback(no_such_method)
        .with_state(served(engine));
    health().nest("/v1", v1).fallback(nothing_here)
}

/// The API for hosts, below `/v1` and with an API key; the front door for browsers; `/healthz`, `/readyz` and `/openapi.json`.
///
/// A host can nest it in a router of its own: then that prefix belongs into the engine's public URL.
pub fn api(engine: Engine, options: ApiOptions) -> Router {
    let pages = Pages::new(engine.clone());
    let door = FrontDoor {
        engine: engine.clone(),
        signed_in: options.signed_in,
        pages: pages.clone(),
        has_pages: options.pages,
    };
    let rooms = match options.pages {
        true => pages::routes(pages),
        false => Router::new(),
    };
    let (shared, _) = shared_routes().split_for_parts();
    let v1 = shared
        .route_layer(from_fn(idempotency::once))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(map_response(for_nobody_else))
        .route_layer(from_fn_with_state(door.clone(), caller::authenticate))
        .method_not_allowed_fallback(no_such_method)
        .with_state(served(engine.clone()));
    let counted = match options.metrics {
        Some(metrics) => metrics::for_the_operator(engine.clone(), metrics)
            .route_layer(from_fn_with_state(door.clone(), caller::authenticate)),
        None => Router::new(),
    };
    health()
        .merge(Router::from(openapi::routes()))
        .merge(Router::from(health::readiness()).with_state(engine))
        .merge(counted)
        .merge(front_door::routes(door))
        .merge(pages::assets())
        .merge(rooms)
        .nest("/v1", v1)
        .fallback(front_door::nothing_here)
        .layer(from_fn(metrics::measured))
        .layer(from_fn(request_id::request_id))
}

/// The longest body that is read into memory: 1 MiB. Calls are passed on, however long they are.
const LONGEST_BODY: usize = 1 << 20;

/// What is answered to a key is for its holder: tokens, keys and states stand in some of it (RFC 6749 section 5.1). A provider's
/// answer says for itself how long it is good.
async fn for_nobody_else(mut response: Response) -> Response {
    let headers = response.headers_mut();
    if !headers.contains_key(ANSWER_HEAD) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn shared_routes() -> OpenApiRouter<Served> {
    OpenApiRouter::default()
        .merge(providers::routes())
        .merge(apps::routes())
        .merge(instances::routes())
        .merge(connecting::routes())
        .merge(api_keys::routes())
        .merge(tenants::routes())
        .merge(webhooks::routes())
}

fn served(engine: Engine) -> Served {
    Served {
        engine,
        devices: Arc::default(),
    }
}

/// `GET /healthz` alone: whether the process answers.
pub fn health() -> Router {
    Router::from(health::routes())
        .fallback(nothing_here)
        .method_not_allowed_fallback(no_such_method)
}

async fn nothing_here() -> impl IntoResponse {
    Problem::not_found()
}

async fn no_such_method() -> impl IntoResponse {
    Problem::method_not_allowed()
}
