//! The app that an account is connected to.

use tieline::core::parameters::{Given, State};
use tieline::engine::{Engine, NewApp};
use tieline::store::App;
use tieline::{InstanceId, ParameterKey, ProviderDescriptor, Secret};

use super::callback_url;
use crate::args::Connect;
use crate::error::CliError;

/// The app to connect with. Where a browser comes back, it has the callback URL that this run is to use; so it has for a
/// device too, where the provider offers both: its other parameters are no use without that one.
pub(super) async fn app(
    engine: &Engine,
    descriptor: &ProviderDescriptor,
    connect: &Connect,
) -> Result<App, CliError> {
    let found = match connect.instance {
        Some(id) => Some(app_of(engine, descriptor, id).await?),
        None => app_named(engine, descriptor, connect.app.as_deref()).await?,
    };
    if descriptor.authentication.has_front_channel() {
        return with_callback_url(engine, descriptor, connect, found).await;
    }
    match found {
        Some(app) => Ok(app),
        None => made(engine, descriptor, connect, Given::new()).await,
    }
}

async fn with_callback_url(
    engine: &Engine,
    descriptor: &ProviderDescriptor,
    connect: &Connect,
    found: Option<App>,
) -> Result<App, CliError> {
    let mut given = match &found {
        Some(app) => engine.app_own_parameters(app).await?,
        None => Given::new(),
    };
    let key = ParameterKey::OAUTH_CALLBACK_URL;
    let own = given.remove(key.as_str());
    let own = own.as_ref().map(Secret::expose);
    let configured = configured(engine, descriptor, key);
    callback_url::judge_port(
        descriptor,
        connect,
        found.as_ref(),
        own,
        configured.as_deref(),
    )?;
    let url = callback_url::choose(descriptor, connect, own, configured.is_some());
    if let Some(url) = &url {
        // Before it is stored: one that can't be used would be in the way of every later run.
        callback_url::judge(descriptor, connect, found.as_ref(), url)?;
        given.insert(key.to_string(), Secret::from(url.as_str()));
    }
    Ok(match found {
        Some(app) if own == url.as_deref() => app,
        Some(app) => engine.set_app_parameters(&app, given).await?,
        None => made(engine, descriptor, connect, given).await?,
    })
}

async fn made(
    engine: &Engine,
    descriptor: &ProviderDescriptor,
    connect: &Connect,
    parameters: Given,
) -> Result<App, CliError> {
    let new = NewApp {
        provider: descriptor.id.to_owned(),
        name: connect.app.clone(),
        parameters,
    };
    Ok(engine.create_app(new).await?)
}

/// The app of an instance that is to be reconnected.
pub(super) async fn app_of(
    engine: &Engine,
    descriptor: &ProviderDescriptor,
    id: InstanceId,
) -> Result<App, CliError> {
    let instance = engine.instance(id).load().await?;
    if instance.provider != descriptor.id {
        return Err(CliError::Usage(format!(
            "instance {id} is connected to {0}, not to {1}: `tieline connect {0} --instance {id}`",
            instance.provider, descriptor.id
        )));
    }
    Ok(engine.app(instance.app).await?)
}

/// The app that is named, else the provider's usual one, which may not be there yet.
async fn app_named(
    engine: &Engine,
    descriptor: &ProviderDescriptor,
    name: Option<&str>,
) -> Result<Option<App>, CliError> {
    let found = engine
        .app_named(descriptor.id, name.unwrap_or(descriptor.id))
        .await?;
    match (found, name) {
        (None, Some(name)) => Err(CliError::Usage(format!(
            "you have no app {name:?} at {}: `tieline apps list` shows them, `tieline apps create {} --name {name}` \
             makes it",
            descriptor.name, descriptor.id
        ))),
        (found, _) => Ok(found),
    }
}

/// Where the parameter is configured, if it is.
fn configured(
    engine: &Engine,
    descriptor: &ProviderDescriptor,
    key: ParameterKey,
) -> Option<String> {
    let provider = engine.registry().provider(descriptor.id).ok()?;
    let explained = engine.configuration().explain(provider);
    let row = explained.into_iter().find(|row| row.parameter == key)?;
    match row.state {
        State::Set { origin, .. } => Some(origin),
        State::Missing { .. } | State::Unset { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use tieline::core::http::CallbackQuery;
    use tieline::engine::Arrival;

    use super::super::stage::Stage;
    use super::*;

    #[tokio::test]
    async fn an_instance_of_another_provider_is_not_reconnected() {
        let (stage, _listener) = Stage::set("/callback").await;
        let callback = stage.sandbox.consent(&stage.started.authorization_url);
        let callback = callback.await.unwrap();
        let query = CallbackQuery::parse(callback.split_once('?').unwrap().1);
        let arrival = Arrival::Local(stage.started.id);
        let instance = stage.engine.call_back(&arrival, &query).await.unwrap();
        let other = ProviderDescriptor::new("other", "Other", &[]);
        let refused = app_of(&stage.engine, &other, instance.id)
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), refused.to_string()),
            (
                2,
                format!(
                    "instance {0} is connected to acme, not to other: `tieline connect acme --instance {0}`",
                    instance.id
                )
            )
        );
        let acme = stage.engine.registry().provider("acme").unwrap();
        let app = app_of(&stage.engine, acme.descriptor(), instance.id).await;
        assert_eq!(app.unwrap().id, instance.app);
        stage.engine.shutdown().await;
    }
}
