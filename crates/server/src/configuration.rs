//! `GET /v1/configuration`: what the operator has configured here, and where it comes from.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};

use crate::Served;
use crate::wire::Configured;

pub(crate) fn routes() -> Router<Served> {
    Router::new().route("/configuration", get(show))
}

async fn show(State(served): State<Served>) -> Json<Configured> {
    let engine = &served.engine;
    let configuration = engine.configuration();
    let rows = |provider| {
        let rows = configuration.explain(provider).into_iter();
        // Text alone, which always can be written.
        rows.filter_map(|row| serde_json::to_value(row).ok())
            .collect()
    };
    let providers = engine.registry().iter();
    Json(Configured {
        file: configuration.path().map(|path| path.display().to_string()),
        providers: providers
            .map(|provider| (provider.descriptor().id.to_owned(), rows(provider)))
            .collect(),
    })
}
