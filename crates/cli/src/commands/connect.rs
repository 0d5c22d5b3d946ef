//! `tieline connect`: the real thing, from a terminal.

mod callback_url;
mod listen;
mod page;
mod paste;
#[cfg(test)]
mod stage;

use tieline::core::parameters::{Given, Problem, State};
use tieline::engine::{AuthorizeOptions, CallbackRefusal, Engine, EngineError, NewApp, Started};
use tieline::store::{App, Instance};
use tieline::{InstanceId, ParameterKey, ProviderDescriptor, Secret};
use url::Url;

use self::page::CallbackListener;
use super::instances::described;
use crate::args::{Common, Connect};
use crate::error::CliError;
use crate::output::{GOOD, Output, shown};
use crate::session;

pub(crate) async fn run(
    common: &Common,
    connect: Connect,
    output: &Output,
) -> Result<(), CliError> {
    session::with_engine(common, output, async |engine| {
        let instance = dispatch(engine, &connect, output).await?;
        output.line(&instance, || {
            format!(
                "{GOOD}Connected.{GOOD:#}\n{}\n\nTry: tieline instances check {}",
                described(&instance),
                instance.id
            )
        })
    })
    .await
}

async fn dispatch(
    engine: &Engine,
    connect: &Connect,
    output: &Output,
) -> Result<Instance, CliError> {
    let descriptor = engine.registry().provider(&connect.provider)?.descriptor();
    let app = app(engine, descriptor, connect).await?;
    let options = AuthorizeOptions {
        instance: connect.instance,
        instance_name: connect.name.clone(),
        ..AuthorizeOptions::LOCAL
    };
    let started = engine.authorize(&app, options).await.map_err(with_cure)?;
    let redirect_uri = Url::parse(&started.redirect_uri)
        .map_err(|_| CliError::Configuration(format!("{} is not a URL", started.redirect_uri)))?;
    if !callback_url::is_ours(&redirect_uri) {
        invite(connect, &started, PASTE, output)?;
        return paste::paste(engine, &started, output).await;
    }
    let listener = CallbackListener::bind(&redirect_uri).await.map_err(|error| {
        CliError::Failure(format!(
            "can't listen on {redirect_uri}: {error}; free that port, or choose another with --callback-port or \
             --callback-url, and register the callback URL with that port at the provider"
        ))
    })?;
    invite(connect, &started, WAIT, output)?;
    listen::listen(engine, &started, listener, output).await
}

/// The app to authorize, with the callback URL that this run is to use.
async fn app(
    engine: &Engine,
    descriptor: &ProviderDescriptor,
    connect: &Connect,
) -> Result<App, CliError> {
    let found = match connect.instance {
        Some(id) => Some(app_of(engine, descriptor, id).await?),
        None => app_named(engine, descriptor, connect.app.as_deref()).await?,
    };
    let mut given = match &found {
        Some(app) => engine.app_own_parameters(app).await?,
        None => Given::new(),
    };
    let key = ParameterKey::OAUTH_CALLBACK_URL;
    let own = given.remove(key.as_str());
    let own = own.as_ref().map(Secret::expose);
    let configured = is_configured(engine, descriptor, key);
    let url = callback_url::choose(descriptor, connect, own, configured);
    if let Some(url) = &url {
        // Before it is stored: one that can't be used would be in the way of every later run.
        callback_url::judge(descriptor, connect, found.as_ref(), url)?;
        given.insert(key.to_string(), Secret::from(url.as_str()));
    }
    Ok(match found {
        Some(app) if own == url.as_deref() => app,
        Some(app) => engine.set_app_parameters(&app, given).await?,
        None => {
            let new = NewApp {
                provider: descriptor.id.to_owned(),
                name: connect.app.clone(),
                parameters: given,
            };
            engine.create_app(new).await?
        }
    })
}

/// The app of an instance that is to be reconnected.
async fn app_of(
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

fn is_configured(engine: &Engine, descriptor: &ProviderDescriptor, key: ParameterKey) -> bool {
    let Ok(provider) = engine.registry().provider(descriptor.id) else {
        return false;
    };
    let explained = engine.configuration().explain(provider);
    explained
        .iter()
        .any(|row| row.parameter == key && matches!(row.state, State::Set { .. }))
}

/// Says where what is missing is to be found.
fn with_cure(error: EngineError) -> CliError {
    let EngineError::Parameters(problems) = &error else {
        return error.into();
    };
    let missing = problems
        .0
        .iter()
        .find(|told| told.problem == Problem::Missing);
    match missing {
        Some(told) => CliError::Configuration(format!(
            "{problems}\n`tieline providers show {}` says where the provider shows them",
            told.provider
        )),
        None => error.into(),
    }
}

const WAIT: &str = "Waiting for you to come back (ten minutes at most; Ctrl-C gives up) …";
const PASTE: &str = "Afterwards the browser is sent to the callback URL. If nothing answers there it shows an error page: that is \
     expected.\nCopy the whole address from its address bar, paste it here and press Enter:";

/// Sends the person, or the program that reads our JSON, to the consent page.
fn invite(
    connect: &Connect,
    started: &Started,
    and_then: &str,
    output: &Output,
) -> Result<(), CliError> {
    if output.is_json() {
        let line = serde_json::json!({
            "authorization_url": started.authorization_url,
            "redirect_uri": started.redirect_uri,
            "expires_at": started.expires_at,
        });
        output.line(&line, String::new).map_err(|error| {
            if error.is_closed_pipe() {
                CliError::Failure("nobody reads where to consent; nothing was connected".to_owned())
            } else {
                error
            }
        })?;
    }
    output.notice(&format!(
        "The callback URL to register with the provider, exactly:\n\n  {}\n\nOpen this page, and consent:\n\n  {}\n",
        shown(&started.redirect_uri),
        shown(&started.authorization_url)
    ));
    if !connect.no_browser && open::that_detached(&started.authorization_url).is_err() {
        output.notice("No browser could be opened: open the page yourself.");
    }
    output.notice(and_then);
    Ok(())
}

/// Whether the authorization is still under way after this. Anybody on this machine can knock, and any address can be
/// pasted: only a callback with our state ends it.
fn is_foreign(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::UnknownState
            | EngineError::NotYours { .. }
            | EngineError::Callback(
                CallbackRefusal::StateMissing
                    | CallbackRefusal::Repeated { .. }
                    | CallbackRefusal::NotAskedFor { .. },
            )
    )
}

fn too_late() -> CliError {
    CliError::Failure("nobody came back within ten minutes; start again".to_owned())
}

#[cfg(test)]
mod tests {
    use tieline::core::http::CallbackQuery;
    use tieline::engine::Arrival;

    use super::stage::Stage;
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
