//! `/v1/apps`: registered applications.

use axum::Json;
use http::StatusCode;
use tieline_core::AppId;
use tieline_engine::{AppChanges, Engine, NewApp};
use tieline_store::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::asked::{Asked, Given, Id};
use crate::caller::{Administering, Reading};
use crate::openapi::{Conflict, Missing, Unusable};
use crate::wire::{self, AppQuery, Apps, ShownApp, Wanted, WantedQuery};
use crate::{Problem, Served};

pub(crate) fn routes() -> OpenApiRouter<Served> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, change, delete))
        .routes(routes!(wanted))
}

/// Lists apps: what is registered with providers.
#[utoipa::path(
    get,
    path = "/apps",
    operation_id = "listApps",
    tag = "apps",
    security(("api_key" = ["read"])),
    params(AppQuery),
    responses((status = 200, description = "All of them.", body = Apps), Missing)
)]
async fn list(
    Reading(engine): Reading,
    Asked(query): Asked<AppQuery>,
) -> Result<Json<Apps>, Problem> {
    let mut apps = engine.apps().await?;
    if let Some(provider) = query.provider {
        let id = engine.registry().provider(&provider)?.descriptor().id;
        apps.retain(|app| app.provider == id);
    }
    if let Some(name) = query.name {
        apps.retain(|app| app.name == name);
    }
    Ok(Json(Apps { apps }))
}

/// Registers an app.
///
/// The answer says the redirect URI to register with the provider, as `oauth.callback.url` among its `parameters`.
#[utoipa::path(
    post,
    path = "/apps",
    operation_id = "createApp",
    tag = "apps",
    security(("api_key" = ["admin"])),
    request_body = wire::NewApp,
    responses(
        (status = 201, description = "The app.", body = ShownApp),
        Missing,
        Conflict,
        Unusable,
    )
)]
async fn create(
    Administering(engine): Administering,
    Given(new): Given<wire::NewApp>,
) -> Result<(StatusCode, Json<ShownApp>), Problem> {
    let new = NewApp {
        provider: new.provider,
        name: new.name,
        parameters: new.parameters,
        confirm_url: new.confirm_url,
        return_origins: new.return_origins,
    };
    let app = engine.create_app(new).await?;
    Ok((StatusCode::CREATED, shown(&engine, app).await?))
}

/// Shows an app; in the place of its secrets stands `[redacted]`.
#[utoipa::path(
    get,
    path = "/apps/{id}",
    operation_id = "showApp",
    tag = "apps",
    security(("api_key" = ["read"])),
    params(("id" = AppId, Path)),
    responses((status = 200, description = "The app.", body = ShownApp), Missing)
)]
async fn show(Reading(engine): Reading, Id(id): Id<AppId>) -> Result<Json<ShownApp>, Problem> {
    let app = engine.app(id).await?;
    shown(&engine, app).await
}

/// Changes an app, by a merge patch (RFC 7396).
///
/// A client secret that is rotated so touches no instance.
#[utoipa::path(
    patch,
    path = "/apps/{id}",
    operation_id = "changeApp",
    tag = "apps",
    security(("api_key" = ["admin"])),
    params(("id" = AppId, Path)),
    request_body = wire::ChangedApp,
    responses(
        (status = 200, description = "The app as it is now.", body = ShownApp),
        Missing,
        Conflict,
        Unusable,
    )
)]
async fn change(
    Administering(engine): Administering,
    Id(id): Id<AppId>,
    Given(changed): Given<wire::ChangedApp>,
) -> Result<Json<ShownApp>, Problem> {
    let app = engine.app(id).await?;
    let changes = AppChanges {
        parameters: changed.parameters,
        confirm_url: changed.confirm_url,
        return_origins: changed.return_origins,
    };
    let app = engine.change_app(&app, changes);
    shown(&engine, app.await?).await
}

/// Deletes an app that has no instances.
#[utoipa::path(
    delete,
    path = "/apps/{id}",
    operation_id = "deleteApp",
    tag = "apps",
    security(("api_key" = ["admin"])),
    params(("id" = AppId, Path)),
    responses((status = 204, description = "It is gone."), Missing, Conflict)
)]
async fn delete(
    Administering(engine): Administering,
    Id(id): Id<AppId>,
) -> Result<StatusCode, Problem> {
    engine.delete_app(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists what an account's owner must give to be connected.
#[utoipa::path(
    get,
    path = "/apps/{id}/wanted",
    operation_id = "listWantedParameters",
    tag = "apps",
    security(("api_key" = ["read"])),
    params(("id" = AppId, Path), WantedQuery),
    responses(
        (status = 200, description = "What nobody has given yet.", body = Wanted),
        Missing,
        Unusable,
    )
)]
async fn wanted(
    Reading(engine): Reading,
    Id(id): Id<AppId>,
    Asked(query): Asked<WantedQuery>,
) -> Result<Json<Wanted>, Problem> {
    let app = engine.app(id).await?;
    let keys = engine.wanted_to_connect(&app, query.instance);
    let keys = keys.await?.into_iter();
    Ok(Json(Wanted {
        parameters: keys.map(|key| key.to_string()).collect(),
    }))
}

async fn shown(engine: &Engine, app: App) -> Result<Json<ShownApp>, Problem> {
    let parameters = engine.app_parameters_shown(&app).await?;
    Ok(Json(ShownApp { app, parameters }))
}
