//! The app that an account is connected to.

use tieline::core::parameters::Given;
use tieline::engine::NewApp;
use tieline::store::App;
use tieline::{InstanceId, ParameterKey, ProviderDescriptor, Secret};

use super::callback_url;
use crate::args::Connect;
use crate::desk::Desk;
use crate::error::CliError;

/// The app to connect with. Where a browser comes back, it has the callback URL that this run is to use; so it has for a
/// device too, where the provider offers both: its other parameters are no use without that one.
pub(super) async fn app(
    desk: &Desk,
    descriptor: &ProviderDescriptor,
    connect: &Connect,
) -> Result<App, CliError> {
    let found = match connect.instance {
        Some(id) => Some(app_of(desk, descriptor, id).await?),
        None => app_named(desk, descriptor, connect.app.as_deref()).await?,
    };
    if descriptor.authentication.has_front_channel() {
        return with_callback_url(desk, descriptor, connect, found).await;
    }
    match found {
        Some(app) => Ok(app),
        None => made(desk, descriptor, connect, Given::new()).await,
    }
}

async fn with_callback_url(
    desk: &Desk,
    descriptor: &ProviderDescriptor,
    connect: &Connect,
    found: Option<App>,
) -> Result<App, CliError> {
    let key = ParameterKey::OAUTH_CALLBACK_URL;
    // What the app has of its own, not what is configured.
    let own = found.as_ref().and_then(|app| app.redirect_uri.as_deref());
    let configured = desk.configured(descriptor.id, key).await?;
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
    }
    let is_kept = own == url.as_deref();
    let url = url.map(Secret::from);
    match found {
        Some(app) if is_kept => Ok(app),
        Some(app) => desk.change_app(&app, [(key.to_string(), url)].into()).await,
        None => {
            let given = url.map(|url| (key.to_string(), url));
            made(desk, descriptor, connect, given.into_iter().collect()).await
        }
    }
}

async fn made(
    desk: &Desk,
    descriptor: &ProviderDescriptor,
    connect: &Connect,
    parameters: Given,
) -> Result<App, CliError> {
    let new = NewApp {
        provider: descriptor.id.to_owned(),
        name: connect.app.clone(),
        parameters,
        ..NewApp::default()
    };
    desk.create_app(new).await
}

/// The app of an instance that is to be reconnected.
pub(super) async fn app_of(
    desk: &Desk,
    descriptor: &ProviderDescriptor,
    id: InstanceId,
) -> Result<App, CliError> {
    let instance = desk.instance(id).await?;
    if instance.provider != descriptor.id {
        return Err(CliError::Usage(format!(
            "instance {id} is connected to {0}, not to {1}: `tieline connect {0} --instance {id}`",
            instance.provider, descriptor.id
        )));
    }
    desk.app(instance.app).await
}

/// The app that is named, else the provider's usual one, which may not be there yet.
async fn app_named(
    desk: &Desk,
    descriptor: &ProviderDescriptor,
    name: Option<&str>,
) -> Result<Option<App>, CliError> {
    let found = desk
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
        let refused = app_of(&stage.desk(), &other, instance.id)
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
        let app = app_of(&stage.desk(), acme.descriptor(), instance.id).await;
        assert_eq!(app.unwrap().id, instance.app);
        stage.engine.shutdown().await;
    }
}
