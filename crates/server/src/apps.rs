//! `/v1/apps`: registered applications.

use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use tieline_core::AppId;
use tieline_engine::{AppChanges, Engine, NewApp};
use tieline_store::App;

use crate::asked::{Asked, Given, Id};
use crate::caller::{Administering, Reading};
use crate::wire::{self, AppQuery, Apps, ShownApp, Wanted, WantedQuery};
use crate::{Problem, Served};

pub(crate) fn routes() -> Router<Served> {
    Router::new()
        .route("/apps", get(list).post(create))
        .route("/apps/{id}", get(show).patch(change).delete(delete))
        .route("/apps/{id}/wanted", get(wanted))
}

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

async fn show(Reading(engine): Reading, Id(id): Id<AppId>) -> Result<Json<ShownApp>, Problem> {
    let app = engine.app(id).await?;
    shown(&engine, app).await
}

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

async fn delete(
    Administering(engine): Administering,
    Id(id): Id<AppId>,
) -> Result<StatusCode, Problem> {
    engine.delete_app(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

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
