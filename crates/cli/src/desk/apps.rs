//! Apps.

use http::Method;
use serde_json::{Value, json};
use tieline::core::parameters::Given;
use tieline::engine::{Changes, NewApp};
use tieline::server::wire::{AppQuery, Apps, ShownApp, Wanted, WantedQuery};
use tieline::store::App;
use tieline::{AppId, InstanceId, Secret};

use super::control::with_query;
use super::{Desk, written};
use crate::error::CliError;

impl Desk {
    pub(crate) async fn apps(&self) -> Result<Vec<App>, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.apps().await?),
            Self::There { control, .. } => Ok(control.get::<Apps>("/v1/apps").await?.apps),
        }
    }

    pub(crate) async fn app(&self, id: AppId) -> Result<App, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.app(id).await?),
            Self::There { control, .. } => {
                let shown: ShownApp = control.get(&format!("/v1/apps/{id}")).await?;
                Ok(shown.app)
            }
        }
    }

    pub(crate) async fn app_named(
        &self,
        provider: &str,
        name: &str,
    ) -> Result<Option<App>, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.app_named(provider, name).await?),
            Self::There { control, .. } => {
                let query = AppQuery {
                    provider: Some(provider.to_owned()),
                    name: Some(name.to_owned()),
                };
                let found: Apps = control.get(&with_query("/v1/apps", &query)?).await?;
                Ok(found.apps.into_iter().next())
            }
        }
    }

    /// With its own parameters, in which secrets stay hidden.
    pub(crate) async fn shown(&self, app: App) -> Result<ShownApp, CliError> {
        match self {
            Self::Here(engine) => {
                let parameters = engine.app_parameters_shown(&app).await?;
                Ok(ShownApp { app, parameters })
            }
            Self::There { control, .. } => control.get(&format!("/v1/apps/{}", app.id)).await,
        }
    }

    pub(crate) async fn create_app(&self, new: NewApp) -> Result<App, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.create_app(new).await?),
            Self::There { control, .. } => {
                let body = json!({
                    "provider": new.provider,
                    "name": new.name,
                    "parameters": written(&new.parameters),
                });
                let shown: ShownApp = control.post("/v1/apps", Some(&body)).await?;
                Ok(shown.app)
            }
        }
    }

    /// Sets what is named, takes away what is `None`, and leaves the rest.
    pub(crate) async fn change_app(&self, app: &App, changes: Changes) -> Result<App, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.change_app_parameters(app, changes).await?),
            Self::There { control, .. } => {
                let parameters: serde_json::Map<String, Value> = changes
                    .into_iter()
                    .map(|(key, value)| (key, json!(value.as_ref().map(Secret::expose))))
                    .collect();
                let path = format!("/v1/apps/{}", app.id);
                let body = json!({ "parameters": parameters });
                let shown: ShownApp = control.ask(Method::PATCH, &path, Some(&body)).await?;
                Ok(shown.app)
            }
        }
    }

    pub(crate) async fn delete_app(&self, id: AppId) -> Result<(), CliError> {
        match self {
            Self::Here(engine) => Ok(engine.delete_app(id).await?),
            Self::There { control, .. } => {
                let path = format!("/v1/apps/{id}");
                control.ask(Method::DELETE, &path, None).await
            }
        }
    }

    /// The keys of what the account's owner must give, without which it can't be connected, and nobody has given yet.
    pub(crate) async fn wanted(
        &self,
        app: &App,
        again: Option<InstanceId>,
        given: &Given,
    ) -> Result<Vec<String>, CliError> {
        let mut wanted = match self {
            Self::Here(engine) => {
                let keys = engine.wanted_to_connect(app, again).await?;
                keys.iter().map(ToString::to_string).collect()
            }
            Self::There { control, .. } => {
                let path = format!("/v1/apps/{}/wanted", app.id);
                let path = with_query(&path, &WantedQuery { instance: again })?;
                control.get::<Wanted>(&path).await?.parameters
            }
        };
        wanted.retain(|key| !given.contains_key(key));
        Ok(wanted)
    }
}
