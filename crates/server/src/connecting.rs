//! `/v1/authorizations`, `/v1/links`, `/v1/device-authorizations` and `POST /v1/instances`: accounts are connected.

use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tieline_core::AuthorizationId;
use tieline_core::http::CallbackQuery;
use tieline_engine::{
    Arrival, AuthorizeOptions, BoundTo, DevicePolled, EngineError, GiveOptions, ImportOptions,
    LinkOptions,
};
use tieline_store::{Binding, Instance, Permission};

use crate::asked::{Given, Id, Name};
use crate::caller::{Caller, Connecting};
use crate::wire::{Callback, Confirm, ConfirmedInstance, Connect, NewLink, Polled};
use crate::{Problem, Served};

pub(crate) fn routes() -> Router<Served> {
    Router::new()
        .route("/authorizations", post(start))
        .route("/authorizations/{id}/confirm", post(confirm))
        .route("/links", post(create_link))
        .route("/device-authorizations", post(start_device))
        .route("/device-authorizations/{id}/poll", post(poll_device))
}

/// For whoever receives the callback too.
pub(crate) fn local_routes() -> Router<Served> {
    Router::new().route("/authorizations/{id}/callback", post(call_back))
}

/// The URL holds the state: it goes to whoever asked, and on to the person; see
/// [`wire::Authorization`](crate::wire::Authorization).
async fn start(
    caller: Caller,
    Given(connect): Given<Connect>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let engine = caller.may(Permission::Connect)?;
    let binding = caller.binding(connect.binding)?;
    let app = engine.app(connect.app).await?;
    let user = connect.user.clone().unwrap_or_default();
    let bound_to = match binding {
        Binding::Local => BoundTo::Local,
        Binding::Session => BoundTo::Session { user },
        Binding::Confirm => BoundTo::Confirm { user },
    };
    let started = engine.authorize(&app, options(connect, bound_to)).await?;
    let answer = json!({
        "id": started.id,
        "authorization_url": started.authorization_url,
        "redirect_uri": started.redirect_uri,
        "scopes": started.scopes,
        "binding": binding,
        "expires_at": started.expires_at,
    });
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn call_back(
    Connecting(engine): Connecting,
    Id(id): Id<AuthorizationId>,
    Given(callback): Given<Callback>,
) -> Result<Json<Instance>, Problem> {
    let query = CallbackQuery::parse(callback.query.expose());
    let arrival = Arrival::Local(id);
    Ok(Json(engine.call_back(&arrival, &query).await?))
}

async fn confirm(
    Connecting(engine): Connecting,
    Id(id): Id<AuthorizationId>,
    Given(Confirm { ticket, user }): Given<Confirm>,
) -> Result<Json<ConfirmedInstance>, Problem> {
    let confirmed = engine.confirm(id, &ticket, &user).await?;
    Ok(Json(ConfirmedInstance {
        instance: confirmed.instance,
        return_to: confirmed.return_to,
    }))
}

/// The URL opens the link: it goes to whoever asked, and on to the person; see [`wire::CreatedLink`](crate::wire::CreatedLink).
async fn create_link(
    Connecting(engine): Connecting,
    Given(new): Given<NewLink>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let public_url = engine.public_url().ok_or_else(Problem::no_public_url)?;
    let app = engine.app(new.app).await?;
    let options = LinkOptions {
        user: new.user,
        scopes: new.scopes,
        instance_name: new.name,
        instance: new.instance,
        tags: new.tags,
        return_to: new.return_to,
        lifetime: new
            .lifetime_seconds
            .map(|seconds| Duration::from_secs(seconds.into())),
    };
    let link = engine.create_link(&app, options).await?;
    let answer = json!({
        "id": link.id,
        "url": format!("{public_url}/connect/{}", link.token.expose()),
        "expires_at": link.expires_at,
    });
    Ok((StatusCode::CREATED, Json(answer)))
}

/// See [`wire::DeviceAuthorization`](crate::wire::DeviceAuthorization).
async fn start_device(
    State(served): State<Served>,
    Connecting(engine): Connecting,
    Given(connect): Given<Connect>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    for (member, is_there) in [
        ("scopes", connect.scopes.is_some()),
        ("binding", connect.binding.is_some()),
        ("return_to", connect.return_to.is_some()),
    ] {
        if is_there {
            let instead = "a device asks for the app's scopes, and no browser comes back";
            return Err(Problem::says_nothing_here(member, instead));
        }
    }
    let app = engine.app(connect.app).await?;
    let bound_to = match connect.user.clone() {
        Some(user) => BoundTo::Confirm { user },
        None => BoundTo::Local,
    };
    let options = options(connect, bound_to);
    let started = engine.authorize_device(&app, options).await?;
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
    Connecting(engine): Connecting,
    Name(id): Name,
) -> Result<Json<Polled>, Problem> {
    let started = served.devices.find(&id).ok_or_else(Problem::not_found)?;
    Ok(Json(match engine.poll_device(&started).await? {
        DevicePolled::Pending(wait) => Polled::PendingMs(milliseconds(wait)),
        DevicePolled::Connected(instance) => Polled::Connected(instance),
    }))
}

/// What there is without a browser: a credential that the owner gives, or a refresh token from elsewhere.
pub(crate) async fn give(
    Connecting(engine): Connecting,
    Given(connect): Given<Connect>,
) -> Result<(StatusCode, Json<Instance>), Problem> {
    let app = engine.app(connect.app).await?;
    let instance = match connect.refresh_token {
        Some(_) if connect.instance.is_some() => {
            let instead =
                "an instance is brought back by a new consent, with POST /v1/authorizations";
            return Err(Problem::says_nothing_here("instance", instead));
        }
        Some(refresh_token) => {
            let options = ImportOptions {
                refresh_token,
                instance_name: connect.name,
                user: connect.user,
                tags: connect.tags,
                parameters: connect.parameters,
            };
            engine.import(&app, options).await?
        }
        None => {
            let options = GiveOptions {
                instance_name: connect.name,
                user: connect.user,
                tags: connect.tags,
                instance: connect.instance,
                parameters: connect.parameters,
            };
            engine.give(&app, options).await?
        }
    };
    Ok((StatusCode::CREATED, Json(instance)))
}

fn options(connect: Connect, bound_to: BoundTo) -> AuthorizeOptions {
    AuthorizeOptions {
        bound_to,
        scopes: connect.scopes,
        instance_name: connect.name,
        tags: connect.tags,
        instance: connect.instance,
        parameters: connect.parameters,
        return_to: connect.return_to,
    }
}

fn milliseconds(wait: std::time::Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
