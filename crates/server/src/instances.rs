//! `/v1/instances` and `/v1/events`: connected accounts, and what happened.

use axum::routing::{any, get, post};
use axum::{Json, Router};
use tieline_core::InstanceId;
use tieline_core::descriptor::Account;
use tieline_engine::Disconnected;
use tieline_store::{Event, Instance, InstanceQuery, Relabel};

use crate::asked::{Asked, Given, Id};
use crate::call::call;
use crate::caller::{Calling, Connecting, Handing, Reading};
use crate::connecting::give;
use crate::wire::{
    ChangedInstance, DisconnectQuery, Events, EventsQuery, Instances, InstancesQuery,
};
use crate::{Problem, Served};

/// As many rows as a page has where nobody says.
const PAGE: u32 = 100;
/// As many as it has at most.
const LONGEST_PAGE: u32 = 1_000;

pub(crate) fn routes() -> Router<Served> {
    Router::new()
        .route("/instances", get(list).post(give))
        .route(
            "/instances/{id}",
            get(show).patch(change).delete(disconnect),
        )
        .route("/instances/{id}/token", post(token))
        .route("/instances/{id}/refresh", post(refresh))
        .route("/instances/{id}/check", post(check))
        .route("/instances/{id}/disable", post(disable))
        .route("/instances/{id}/enable", post(enable))
        .route("/instances/{id}/call/", any(call))
        .route("/instances/{id}/call/{*path}", any(call))
        .route("/instances/{id}/events", get(events))
        .route("/events", get(all_events))
}

async fn list(
    Reading(engine): Reading,
    Asked(asked): Asked<InstancesQuery>,
) -> Result<Json<Instances>, Problem> {
    let provider = match asked.provider {
        Some(name) => Some(engine.registry().provider(&name)?.descriptor().id),
        None => None,
    };
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
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

async fn show(Reading(engine): Reading, Id(id): Id<InstanceId>) -> Result<Json<Instance>, Problem> {
    Ok(Json(engine.instance(id).load().await?))
}

async fn disconnect(
    Connecting(engine): Connecting,
    Id(id): Id<InstanceId>,
    Asked(query): Asked<DisconnectQuery>,
) -> Result<Json<Disconnected>, Problem> {
    let instance = engine.instance(id);
    Ok(Json(instance.disconnect(query.force).await?))
}

/// The one answer that is there to hold a secret; see [`wire::Token`](crate::wire::Token).
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

async fn refresh(
    Calling(engine): Calling,
    Id(id): Id<InstanceId>,
) -> Result<Json<Instance>, Problem> {
    Ok(Json(engine.instance(id).refresh().await?))
}

async fn check(Calling(engine): Calling, Id(id): Id<InstanceId>) -> Result<Json<Account>, Problem> {
    Ok(Json(engine.instance(id).check().await?))
}

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

async fn disable(
    Connecting(engine): Connecting,
    Id(id): Id<InstanceId>,
) -> Result<Json<Instance>, Problem> {
    Ok(Json(engine.instance(id).set_disabled(true).await?))
}

async fn enable(
    Connecting(engine): Connecting,
    Id(id): Id<InstanceId>,
) -> Result<Json<Instance>, Problem> {
    Ok(Json(engine.instance(id).set_disabled(false).await?))
}

async fn events(
    Reading(engine): Reading,
    Id(id): Id<InstanceId>,
    Asked(query): Asked<EventsQuery>,
) -> Result<Json<Events>, Problem> {
    let limit = page_of(&query);
    let instance = engine.instance(id);
    let events = instance.events_before(query.cursor, limit + 1).await?;
    Ok(Json(page(events, limit)))
}

async fn all_events(
    Reading(engine): Reading,
    Asked(query): Asked<EventsQuery>,
) -> Result<Json<Events>, Problem> {
    let limit = page_of(&query);
    let events = engine.events_before(query.cursor, limit + 1).await?;
    Ok(Json(page(events, limit)))
}

fn page_of(query: &EventsQuery) -> u32 {
    query.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE)
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
