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
use tieline_store::{Binding, Instance};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::asked::{Given, Id, Name};
use crate::caller::{Caller, Connecting};
use crate::openapi::{Conflict, Missing, Unusable};
use crate::wire::{self, Callback, Confirm, ConfirmedInstance, Connect, NewLink, Polled};
use crate::{Problem, Served};

pub(crate) fn routes() -> OpenApiRouter<Served> {
    OpenApiRouter::default()
        .routes(routes!(start))
        .routes(routes!(confirm))
        .routes(routes!(create_link))
        .routes(routes!(start_device))
        .routes(routes!(poll_device))
}

/// For whoever receives the callback too.
pub(crate) fn local_routes() -> Router<Served> {
    Router::new().route("/authorizations/{id}/callback", post(call_back))
}

/// Starts an authorization: the answer says where to send the person.
///
/// The URL holds the state: it is for the person alone.
#[utoipa::path(
    post,
    path = "/authorizations",
    operation_id = "startAuthorization",
    tag = "connecting",
    security(("api_key" = ["connect"])),
    request_body = Connect,
    responses(
        (status = 201, description = "It is under way.", body = wire::Authorization),
        Missing,
        Conflict,
        Unusable,
    )
)]
async fn start(
    caller: Caller,
    Connecting(engine): Connecting,
    Given(connect): Given<Connect>,
) -> Result<(StatusCode, Json<Value>), Problem> {
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

/// Confirms that it was the host's own user who came back, and connects the account.
///
/// The user is whom the host sees signed in, never one that stands in the request that the browser made.
#[utoipa::path(
    post,
    path = "/authorizations/{id}/confirm",
    operation_id = "confirmAuthorization",
    tag = "connecting",
    security(("api_key" = ["connect"])),
    params(("id" = AuthorizationId, Path)),
    request_body = Confirm,
    responses(
        (status = 200, description = "The account is connected.", body = ConfirmedInstance),
        Missing,
        Conflict,
        Unusable,
    )
)]
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

/// Makes a link: a page for one person to connect one account.
///
/// The URL opens it: it is for the person alone.
#[utoipa::path(
    post,
    path = "/links",
    operation_id = "createLink",
    tag = "connecting",
    security(("api_key" = ["connect"])),
    request_body = NewLink,
    responses(
        (status = 201, description = "The link.", body = wire::CreatedLink),
        Missing,
        Conflict,
        Unusable,
    )
)]
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

/// Starts an authorization by a code that the person types on another device (RFC 8628).
#[utoipa::path(
    post,
    path = "/device-authorizations",
    operation_id = "startDeviceAuthorization",
    tag = "connecting",
    security(("api_key" = ["connect"])),
    request_body = Connect,
    responses(
        (status = 201, description = "It is under way.", body = wire::DeviceAuthorization),
        Missing,
        Conflict,
        Unusable,
    )
)]
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
        .remember(engine.tenant(), started, engine.now())
        .map_err(EngineError::from)?;
    answer["id"] = id.into();
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Asks whether the person has decided: as often as the answers say, and not more often.
#[utoipa::path(
    post,
    path = "/device-authorizations/{id}/poll",
    operation_id = "pollDeviceAuthorization",
    tag = "connecting",
    security(("api_key" = ["connect"])),
    params(("id" = String, Path, description = "As the start of it was answered.")),
    responses(
        (status = 200, description = "How it stands.", body = Polled),
        Missing,
        Conflict,
        Unusable,
    )
)]
async fn poll_device(
    State(served): State<Served>,
    Connecting(engine): Connecting,
    Name(id): Name,
) -> Result<Json<Polled>, Problem> {
    let started = served.devices.find(engine.tenant(), &id);
    let started = started.ok_or_else(Problem::not_found)?;
    Ok(Json(match engine.poll_device(&started).await? {
        DevicePolled::Pending(wait) => Polled::PendingMs(milliseconds(wait)),
        DevicePolled::Connected(instance) => Polled::Connected(instance),
    }))
}

/// Connects an account without a browser: by a credential that its owner gives, or a refresh token from elsewhere.
#[utoipa::path(
    post,
    path = "/instances",
    operation_id = "connectInstance",
    tag = "instances",
    security(("api_key" = ["connect"])),
    request_body = Connect,
    responses(
        (status = 201, description = "The account is connected.", body = Instance),
        Missing,
        Conflict,
        Unusable,
    )
)]
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
