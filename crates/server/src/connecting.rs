//! `/v1/authorizations`, `/v1/device-authorizations` and `POST /v1/instances`: accounts are connected.

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tieline_core::AuthorizationId;
use tieline_core::http::CallbackQuery;
use tieline_engine::{Arrival, AuthorizeOptions, DevicePolled, EngineError, GiveOptions};
use tieline_store::Instance;

use crate::asked::{Given, Id};
use crate::wire::{Callback, Connect, Polled};
use crate::{Problem, Served};

pub(crate) fn routes() -> Router<Served> {
    Router::new()
        .route("/authorizations", post(start))
        .route("/authorizations/{id}/callback", post(call_back))
        .route("/device-authorizations", post(start_device))
        .route("/device-authorizations/{id}/poll", post(poll_device))
}

/// The URL holds the state: it goes to whoever asked and nowhere else; see
/// [`wire::Authorization`](crate::wire::Authorization).
async fn start(
    State(served): State<Served>,
    Given(connect): Given<Connect>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let engine = &served.engine;
    let app = engine.app(connect.app).await?;
    let started = engine.authorize(&app, options(connect)).await?;
    let answer = json!({
        "id": started.id,
        "authorization_url": started.authorization_url,
        "redirect_uri": started.redirect_uri,
        "scopes": started.scopes,
        "binding": "local",
        "expires_at": started.expires_at,
    });
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn call_back(
    State(served): State<Served>,
    Id(id): Id<AuthorizationId>,
    Given(callback): Given<Callback>,
) -> Result<Json<Instance>, Problem> {
    let query = CallbackQuery::parse(callback.query.expose());
    let arrival = Arrival::Local(id);
    Ok(Json(served.engine.call_back(&arrival, &query).await?))
}

/// See [`wire::DeviceAuthorization`](crate::wire::DeviceAuthorization).
async fn start_device(
    State(served): State<Served>,
    Given(connect): Given<Connect>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let engine = &served.engine;
    let app = engine.app(connect.app).await?;
    let started = engine.authorize_device(&app, options(connect)).await?;
    let mut answer = json!({
        "user_code": started.user_code,
        "verification_uri": started.verification_uri,
        "verification_uri_complete": started.verification_uri_complete,
        "scopes": started.scopes,
        "expires_at": started.expires_at,
        "interval_ms": milliseconds(started.interval),
    });
    let id = served
        .devices
        .remember(started)
        .map_err(EngineError::from)?;
    answer["id"] = id.into();
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn poll_device(
    State(served): State<Served>,
    Path(id): Path<String>,
) -> Result<Json<Polled>, Problem> {
    let started = served.devices.find(&id).ok_or_else(Problem::not_found)?;
    Ok(Json(match served.engine.poll_device(&started).await? {
        DevicePolled::Pending(wait) => Polled::PendingMs(milliseconds(wait)),
        DevicePolled::Connected(instance) => Polled::Connected(instance),
    }))
}

pub(crate) async fn give(
    State(served): State<Served>,
    Given(connect): Given<Connect>,
) -> Result<(StatusCode, Json<Instance>), Problem> {
    let engine = &served.engine;
    let app = engine.app(connect.app).await?;
    let options = GiveOptions {
        instance_name: connect.name,
        instance: connect.instance,
        parameters: connect.parameters,
        ..GiveOptions::default()
    };
    let instance = engine.give(&app, options).await?;
    Ok((StatusCode::CREATED, Json(instance)))
}

/// Whoever holds the control socket receives the callback too.
fn options(connect: Connect) -> AuthorizeOptions {
    AuthorizeOptions {
        instance_name: connect.name,
        instance: connect.instance,
        parameters: connect.parameters,
        ..AuthorizeOptions::LOCAL
    }
}

fn milliseconds(wait: std::time::Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
