//! `/v1/instances` and `/v1/events`: connected accounts, and what happened.

use axum::Json;
use axum::routing::any;
use tieline_core::InstanceId;
use tieline_core::descriptor::Account;
use tieline_engine::Disconnected;
use tieline_store::{Event, Instance, InstanceQuery, Relabel};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::asked::{Asked, Given, Id, page_size};
use crate::call::call;
use crate::caller::{Calling, Connecting, Handing, Reading};
use crate::connecting;
use crate::openapi::{Conflict, Missing, Unusable};
use crate::wire::{
    ChangedInstance, DisconnectQuery, Events, EventsQuery, Instances, InstancesQuery, Token,
};
use crate::{Problem, Served};

pub(crate) fn routes() -> OpenApiRouter<Served> {
    OpenApiRouter::default()
        .routes(routes!(list, connecting::give))
        .routes(routes!(show, change, disconnect))
        .routes(routes!(token))
        .routes(routes!(refresh))
        .routes(routes!(check))
        .routes(routes!(disable))
        .routes(routes!(enable))
        // Any method and any path: crate::openapi describes them.
        .route("/instances/{id}/call/", any(call))
        .route("/instances/{id}/call/{*path}", any(call))
        .routes(routes!(events))
        .routes(routes!(all_events))
}

/// Lists instances: connected accounts.
#[utoipa::path(
    get,
    path = "/instances",
    operation_id = "listInstances",
    tag = "instances",
    security(("api_key" = ["read"])),
    params(InstancesQuery),
    responses((status = 200, description = "A page of them.", body = Instances), Missing)
)]
async fn list(
    Reading(engine): Reading,
    Asked(asked): Asked<InstancesQuery>,
) -> Result<Json<Instances>, Problem> {
    let provider = match asked.provider {
        Some(name) => Some(engine.registry().provider(&name)?.descriptor().id),
        None => None,
    };
    let limit = page_size(asked.limit)?;
    let query = InstanceQuery {
        provider: provider.map(str::to_owned),
        status: asked.status,
        app: asked.app,
        account_id: asked.account_id,
        user: asked.user,
        tag: asked.tag,
        after: asked.cursor,
        limit,
        ..InstanceQuery::of(engine.tenant())
    };
    let instances = engine.instances(query).await?;
    let is_last = instances.len() < limit as usize;
    let last = instances.last().map(|instance| instance.id);
    Ok(Json(Instances {
        cursor: last.filter(|_| !is_last),
        instances,
    }))
}

/// Shows an instance.
#[utoipa::path(
    get,
    path = "/instances/{id}",
    operation_id = "showInstance",
    tag = "instances",
    security(("api_key" = ["read"])),
    params(("id" = InstanceId, Path)),
    responses((status = 200, description = "The instance.", body = Instance), Missing)
)]
async fn show(Reading(engine): Reading, Id(id): Id<InstanceId>) -> Result<Json<Instance>, Problem> {
    Ok(Json(engine.instance(id).load().await?))
}

/// Revokes at the provider, and forgets.
///
/// If the provider can't be asked, the instance stays, marked as leaving, so that this can be tried again; with `force`
/// it is deleted all the same.
#[utoipa::path(
    delete,
    path = "/instances/{id}",
    operation_id = "disconnectInstance",
    tag = "instances",
    security(("api_key" = ["connect"])),
    params(("id" = InstanceId, Path), DisconnectQuery),
    responses(
        (status = 200, description = "It is gone.", body = Disconnected),
        Missing,
        Unusable,
    )
)]
async fn disconnect(
    Connecting(engine): Connecting,
    Id(id): Id<InstanceId>,
    Asked(query): Asked<DisconnectQuery>,
) -> Result<Json<Disconnected>, Problem> {
    let instance = engine.instance(id);
    Ok(Json(instance.disconnect(query.force).await?))
}

/// Hands out an access token that is good now.
///
/// The answer is the only one that holds it.
#[utoipa::path(
    post,
    path = "/instances/{id}/token",
    operation_id = "handOutToken",
    tag = "instances",
    security(("api_key" = ["token"])),
    params(("id" = InstanceId, Path)),
    responses(
        (status = 200, description = "The token.", body = Token),
        Missing,
        Conflict,
        Unusable,
    )
)]
async fn token(
    Handing(engine): Handing,
    Id(id): Id<InstanceId>,
) -> Result<Json<serde_json::Value>, Problem> {
    let token = engine.instance(id).access_token().await?;
    Ok(Json(serde_json::json!({
        "access_token": token.token.expose(),
        "expires_at": token.expires_at,
        "generation": token.generation,
    })))
}

/// Refreshes the tokens now.
#[utoipa::path(
    post,
    path = "/instances/{id}/refresh",
    operation_id = "refreshInstance",
    tag = "instances",
    security(("api_key" = ["call"])),
    params(("id" = InstanceId, Path)),
    responses(
        (status = 200, description = "The instance as it is now.", body = Instance),
        Missing,
        Conflict,
        Unusable,
    )
)]
async fn refresh(
    Calling(engine): Calling,
    Id(id): Id<InstanceId>,
) -> Result<Json<Instance>, Problem> {
    Ok(Json(engine.instance(id).refresh().await?))
}

/// Asks the provider whose account it is, which proves that the token works.
#[utoipa::path(
    post,
    path = "/instances/{id}/check",
    operation_id = "checkInstance",
    tag = "instances",
    security(("api_key" = ["call"])),
    params(("id" = InstanceId, Path)),
    responses(
        (status = 200, description = "Whose it is.", body = Account),
        Missing,
        Conflict,
        Unusable,
    )
)]
async fn check(Calling(engine): Calling, Id(id): Id<InstanceId>) -> Result<Json<Account>, Problem> {
    Ok(Json(engine.instance(id).check().await?))
}

/// Renames and tags an instance, by a merge patch (RFC 7396).
#[utoipa::path(
    patch,
    path = "/instances/{id}",
    operation_id = "changeInstance",
    tag = "instances",
    security(("api_key" = ["connect"])),
    params(("id" = InstanceId, Path)),
    request_body = ChangedInstance,
    responses(
        (status = 200, description = "The instance as it is now.", body = Instance),
        Missing,
        Unusable,
    )
)]
async fn change(
    Connecting(engine): Connecting,
    Id(id): Id<InstanceId>,
    Given(changed): Given<ChangedInstance>,
) -> Result<Json<Instance>, Problem> {
    let change = Relabel {
        name: changed.name,
        tags: changed.tags,
    };
    Ok(Json(engine.instance(id).relabel(change).await?))
}

/// Takes an instance out of use: nobody is given its token, and it is kept alive all the same.
#[utoipa::path(
    post,
    path = "/instances/{id}/disable",
    operation_id = "disableInstance",
    tag = "instances",
    security(("api_key" = ["connect"])),
    params(("id" = InstanceId, Path)),
    responses(
        (status = 200, description = "The instance as it is now.", body = Instance),
        Missing,
    )
)]
async fn disable(
    Connecting(engine): Connecting,
    Id(id): Id<InstanceId>,
) -> Result<Json<Instance>, Problem> {
    Ok(Json(engine.instance(id).set_disabled(true).await?))
}

/// Takes an instance back into use.
#[utoipa::path(
    post,
    path = "/instances/{id}/enable",
    operation_id = "enableInstance",
    tag = "instances",
    security(("api_key" = ["connect"])),
    params(("id" = InstanceId, Path)),
    responses(
        (status = 200, description = "The instance as it is now.", body = Instance),
        Missing,
    )
)]
async fn enable(
    Connecting(engine): Connecting,
    Id(id): Id<InstanceId>,
) -> Result<Json<Instance>, Problem> {
    Ok(Json(engine.instance(id).set_disabled(false).await?))
}

/// Lists what happened to an instance, the newest first.
///
/// Also of one that is no more. Of one that never was, nothing has happened.
#[utoipa::path(
    get,
    path = "/instances/{id}/events",
    operation_id = "listEventsOfInstance",
    tag = "events",
    security(("api_key" = ["read"])),
    params(("id" = InstanceId, Path), EventsQuery),
    responses((status = 200, description = "A page of it.", body = Events))
)]
async fn events(
    Reading(engine): Reading,
    Id(id): Id<InstanceId>,
    Asked(query): Asked<EventsQuery>,
) -> Result<Json<Events>, Problem> {
    let limit = page_size(query.limit)?;
    let instance = engine.instance(id);
    let events = instance.events_before(query.cursor, limit + 1).await?;
    Ok(Json(page(events, limit)))
}

/// Lists what happened, the newest first.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "listEvents",
    tag = "events",
    security(("api_key" = ["read"])),
    params(EventsQuery),
    responses((status = 200, description = "A page of it.", body = Events))
)]
async fn all_events(
    Reading(engine): Reading,
    Asked(query): Asked<EventsQuery>,
) -> Result<Json<Events>, Problem> {
    let limit = page_size(query.limit)?;
    let events = engine.events_before(query.cursor, limit + 1).await?;
    Ok(Json(page(events, limit)))
}

/// Of one event more than the page has, that there is one is told.
fn page(mut events: Vec<Event>, limit: u32) -> Events {
    let there_are_more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let last = events.last().map(|event| event.id);
    Events {
        cursor: last.filter(|_| there_are_more),
        events,
    }
}
