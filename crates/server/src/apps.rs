//! `/v1/apps`: registered applications.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use tieline_core::AppId;
use tieline_engine::{Engine, NewApp};
use tieline_store::App;

use crate::asked::{Asked, Given, Id};
use crate::wire::{self, AppQuery, Apps, ShownApp, Wanted, WantedQuery};
use crate::{Problem, Served};

pub(crate) fn routes() -> Router<Served> {
    Router::new()
        .route("/apps", get(list).post(create))
        .route("/apps/{id}", get(show).patch(change).delete(delete))
        .route("/apps/{id}/wanted", get(wanted))
}

async fn list(
    State(served): State<Served>,
    Asked(query): Asked<AppQuery>,
) -> Result<Json<Apps>, Problem> {
    let mut apps = served.engine.apps().await?;
    if let Some(provider) = query.provider {
        let id = served
            .engine
            .registry()
            .provider(&provider)?
            .descriptor()
            .id;
        apps.retain(|app| app.provider == id);
    }
    if let Some(name) = query.name {
        apps.retain(|app| app.name == name);
    }
    Ok(Json(Apps { apps }))
}

async fn create(
    State(served): State<Served>,
    Given(new): Given<wire::NewApp>,
) -> Result<(StatusCode, Json<ShownApp>), Problem> {
    let new = NewApp {
        provider: new.provider,
        name: new.name,
        parameters: new.parameters,
        ..NewApp::default()
    };
    let app = served.engine.create_app(new).await?;
    Ok((StatusCode::CREATED, shown(&served.engine, app).await?))
}

async fn show(State(served): State<Served>, Id(id): Id<AppId>) -> Result<Json<ShownApp>, Problem> {
    let app = served.engine.app(id).await?;
    shown(&served.engine, app).await
}

async fn change(
    State(served): State<Served>,
    Id(id): Id<AppId>,
    Given(changed): Given<wire::ChangedApp>,
) -> Result<Json<ShownApp>, Problem> {
    let engine = &served.engine;
    let app = engine.app(id).await?;
    let app = engine.change_app_parameters(&app, changed.parameters);
    shown(engine, app.await?).await
}

async fn delete(State(served): State<Served>, Id(id): Id<AppId>) -> Result<StatusCode, Problem> {
    served.engine.delete_app(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn wanted(
    State(served): State<Served>,
    Id(id): Id<AppId>,
    Asked(query): Asked<WantedQuery>,
) -> Result<Json<Wanted>, Problem> {
    let app = served.engine.app(id).await?;
    let keys = served.engine.wanted_to_connect(&app, query.instance);
    let keys = keys.await?.into_iter();
    Ok(Json(Wanted {
        parameters: keys.map(|key| key.to_string()).collect(),
    }))
}

async fn shown(engine: &Engine, app: App) -> Result<Json<ShownApp>, Problem> {
    let parameters = engine.app_parameters_shown(&app).await?;
    Ok(Json(ShownApp { app, parameters }))
}
