//! `tieline apps`: registered applications and their parameters.

use std::collections::BTreeMap;

use serde::Serialize;
use tieline::core::REDACTED;
use tieline::engine::{Engine, NewApp};
use tieline::store::App;

use super::parameters::given;
use crate::args::{Apps, Common};
use crate::error::CliError;
use crate::output::{Output, facts, table};
use crate::session;

pub(crate) async fn run(common: &Common, command: Apps, output: &Output) -> Result<(), CliError> {
    session::with_engine(common, output, async |engine| {
        dispatch(engine, command, output).await
    })
    .await
}

async fn dispatch(engine: &Engine, command: Apps, output: &Output) -> Result<(), CliError> {
    match command {
        Apps::List => {
            let apps = engine.apps().await?;
            output.answer(&apps, || {
                if apps.is_empty() {
                    return "No app yet: `tieline connect PROVIDER` or `tieline apps create PROVIDER` makes one.".into();
                }
                let cells = apps.iter().map(|app| [app.id.to_string(), app.provider.clone(), app.name.clone()]);
                table(["ID", "PROVIDER", "NAME"], &cells.collect::<Vec<_>>())
            })
        }
        Apps::Show { app } => show(engine, &engine.app(app).await?, output).await,
        Apps::Create {
            provider,
            name,
            parameters,
        } => {
            let descriptor = engine.registry().provider(&provider)?.descriptor();
            let parameters = given(descriptor, &parameters, output).await?;
            let app = engine
                .create_app(NewApp {
                    provider,
                    name,
                    parameters,
                })
                .await?;
            show(engine, &app, output).await
        }
        Apps::Set { app, parameters } => {
            let app = engine.app(app).await?;
            let mut all = engine.app_own_parameters(&app).await?;
            let descriptor = engine.registry().provider(&app.provider)?.descriptor();
            all.extend(given(descriptor, &parameters, output).await?);
            let app = engine.set_app_parameters(&app, all).await?;
            show(engine, &app, output).await
        }
        Apps::Delete { app } => {
            engine.delete_app(app).await?;
            output.answer(&serde_json::json!({ "deleted": app }), || {
                format!("App {app} is deleted.")
            })
        }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    app: &'a App,
    parameters: &'a BTreeMap<String, String>,
}

async fn show(engine: &Engine, app: &App, output: &Output) -> Result<(), CliError> {
    let descriptor = engine.registry().provider(&app.provider)?.descriptor();
    let stored = engine.app_own_parameters(app).await?;
    let parameters: BTreeMap<_, _> = stored
        .iter()
        .map(|(key, value)| {
            let open = descriptor
                .parameters()
                .any(|row| row.parameter.as_str() == key && !row.secret);
            (
                key.clone(),
                if open {
                    value.expose().to_owned()
                } else {
                    REDACTED.to_owned()
                },
            )
        })
        .collect();
    output.answer(
        &Shown {
            app,
            parameters: &parameters,
        },
        || {
            let mut rows = vec![
                ("id", app.id.to_string()),
                ("provider", app.provider.clone()),
                ("name", app.name.clone()),
                ("context", app.context.clone()),
            ];
            rows.extend(
                parameters
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.clone())),
            );
            facts(&rows)
        },
    )
}
