//! `tieline apps`: registered applications and their parameters.

use tieline::engine::NewApp;
use tieline::server::wire::ShownApp;
use tieline::store::App;

use super::parameters::given;
use crate::args::{Apps, Common};
use crate::desk::Desk;
use crate::error::CliError;
use crate::output::{Output, facts, table};
use crate::session;

pub(crate) async fn run(common: &Common, command: Apps, output: &Output) -> Result<(), CliError> {
    session::with_desk(common, output, async |desk| {
        dispatch(desk, command, output).await
    })
    .await
}

async fn dispatch(desk: &Desk, command: Apps, output: &Output) -> Result<(), CliError> {
    match command {
        Apps::List => {
            let apps = desk.apps().await?;
            output.answer(&apps, || {
                if apps.is_empty() {
                    return "No app yet: `tieline connect PROVIDER` or `tieline apps create PROVIDER` makes one.".into();
                }
                let cells = apps.iter().map(|app| [app.id.to_string(), app.provider.clone(), app.name.clone()]);
                table(["ID", "PROVIDER", "NAME"], &cells.collect::<Vec<_>>())
            })
        }
        Apps::Show { app } => show(desk, desk.app(app).await?, output).await,
        Apps::Create {
            provider,
            name,
            parameters,
        } => {
            let descriptor = desk.registry().provider(&provider)?.descriptor();
            let parameters = given(descriptor, &parameters, output).await?;
            let app = desk
                .create_app(NewApp {
                    provider,
                    name,
                    parameters,
                    ..NewApp::default()
                })
                .await?;
            show(desk, app, output).await
        }
        Apps::Set { app, parameters } => {
            let app = desk.app(app).await?;
            let descriptor = desk.registry().provider(&app.provider)?.descriptor();
            let given = given(descriptor, &parameters, output).await?;
            let changes = given.into_iter().map(|(key, value)| (key, Some(value)));
            let app = desk.change_app(&app, changes.collect()).await?;
            show(desk, app, output).await
        }
        Apps::Delete { app } => {
            desk.delete_app(app).await?;
            output.answer(&serde_json::json!({ "deleted": app }), || {
                format!("App {app} is deleted.")
            })
        }
    }
}

async fn show(desk: &Desk, app: App, output: &Output) -> Result<(), CliError> {
    let shown = desk.shown(app).await?;
    output.answer(&shown, || {
        let ShownApp { app, parameters } = &shown;
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
    })
}
