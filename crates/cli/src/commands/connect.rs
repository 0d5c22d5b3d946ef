//! `tieline connect`: the real thing, from a terminal.

use std::io::Write as _;

use tieline::core::http::CallbackQuery;
use tieline::core::parameters::{Given, State};
use tieline::engine::{
    Arrival, AuthorizeOptions, CallbackRefusal, Engine, EngineError, NewApp, Started,
};
use tieline::store::{App, Instance};
use tieline::{ParameterKey, ProviderDescriptor, Secret};
use url::Url;

use super::connect_callback::{Arrived, CallbackListener};
use super::instances::described;
use crate::args::{Common, Connect};
use crate::error::CliError;
use crate::output::{BOLD, GOOD, Output};
use crate::session;

pub(crate) async fn run(
    common: &Common,
    connect: Connect,
    output: &Output,
) -> Result<(), CliError> {
    let engine = session::engine(common, output).await?;
    let done = dispatch(&engine, &connect, output).await;
    engine.shutdown().await;
    done
}

async fn dispatch(engine: &Engine, connect: &Connect, output: &Output) -> Result<(), CliError> {
    let descriptor = engine.registry().provider(&connect.provider)?.descriptor();
    let app = app(engine, descriptor, connect).await?;
    let options = AuthorizeOptions {
        instance: connect.instance,
        instance_name: connect.name.clone(),
        ..AuthorizeOptions::LOCAL
    };
    let started = engine.authorize(&app, options).await?;
    let redirect_uri = Url::parse(&started.redirect_uri)
        .map_err(|_| CliError::Configuration(format!("{} is not a URL", started.redirect_uri)))?;
    let instance = if is_ours(&redirect_uri, connect.callback_port) {
        listen(engine, connect, &started, &redirect_uri, output).await?
    } else {
        paste(engine, connect, &started, output).await?
    };
    output.answer(&instance, || {
        format!(
            "{GOOD}Connected.{GOOD:#}\n{}\n\nTry: tieline instances check {}",
            described(&instance),
            instance.id
        )
    })
}

/// The app to authorize: the one that is named, else the provider's usual one, which is made when it isn't there yet.
async fn app(
    engine: &Engine,
    descriptor: &ProviderDescriptor,
    connect: &Connect,
) -> Result<App, CliError> {
    if let Some(id) = connect.instance {
        return Ok(engine.app(engine.instance(id).load().await?.app).await?);
    }
    let name = connect.app.as_deref().unwrap_or(descriptor.id);
    let found = engine.app_named(descriptor.id, name).await?;
    if found.is_none() && connect.app.is_some() {
        return Err(CliError::Usage(format!(
            "you have no app {name:?} at {}: `tieline apps list` shows them, `tieline apps create {} --name {name}` \
             makes it",
            descriptor.name, descriptor.id
        )));
    }
    let mut given = match &found {
        Some(app) => engine.store().app_parameters(app).await?,
        None => Given::new(),
    };
    let key = ParameterKey::OAUTH_CALLBACK_URL;
    match &connect.callback_url {
        Some(url) => given.insert(key.to_string(), Secret::from(url.as_str())),
        None if is_configured(engine, descriptor, key) => None,
        // Ours follows --callback-port; whatever else the app was given stays.
        None if given
            .get(key.as_str())
            .is_none_or(|url| is_local_default(url.expose())) =>
        {
            given.insert(
                key.to_string(),
                Secret::new(local_callback_url(descriptor, connect.callback_port)),
            )
        }
        None => None,
    };
    Ok(match found {
        Some(app) => engine.set_app_parameters(&app, given).await?,
        None => {
            engine
                .create_app(NewApp {
                    provider: descriptor.id.to_owned(),
                    name: Some(name.to_owned()),
                    parameters: given,
                })
                .await?
        }
    })
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

/// Where the provider sends the browser of whoever runs this command.
fn local_callback_url(descriptor: &ProviderDescriptor, port: u16) -> String {
    if descriptor.oauth2().https_redirect_uri_only {
        format!("https://localhost:{port}/callback")
    } else {
        format!("http://127.0.0.1:{port}/callback")
    }
}

fn is_local_default(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        matches!(url.host_str(), Some("127.0.0.1" | "localhost")) && url.path() == "/callback"
    })
}

/// Whether this process can receive the callback itself: plain http on a loopback address, at the port we were given.
fn is_ours(redirect_uri: &Url, port: u16) -> bool {
    redirect_uri.scheme() == "http" && redirect_uri.port_or_known_default() == Some(port)
}

async fn listen(
    engine: &Engine,
    connect: &Connect,
    started: &Started,
    redirect_uri: &Url,
    output: &Output,
) -> Result<Instance, CliError> {
    let mut listener = CallbackListener::bind(redirect_uri).await.map_err(|error| {
        CliError::Failure(format!(
            "can't listen on {redirect_uri}: {error}; choose another port with --callback-port, and register the \
             callback URL with that port at the provider"
        ))
    })?;
    output.notice(&format!(
        "Callback URL to register with the provider, exactly: {BOLD}{redirect_uri}{BOLD:#}\nOpen this page, and consent:\n\n  {}\n",
        started.authorization_url
    ));
    if !connect.no_browser && open::that_detached(&started.authorization_url).is_err() {
        output.notice("No browser could be opened: open the page yourself.");
    }
    output.notice("Waiting for you to come back (ten minutes at most; Ctrl-C gives up) …");
    let arrival = Arrival::Local(started.id);
    let wait = tokio::time::sleep(tieline::engine::authorize::TIME_TO_CONSENT);
    tokio::pin!(wait);
    loop {
        let Arrived { query, answer } = tokio::select! {
            arrived = listener.next() => arrived?,
            () = &mut wait => return Err(CliError::Failure("nobody came back within ten minutes; start again".into())),
            _ = tokio::signal::ctrl_c() => return Err(CliError::Failure("given up; nothing was connected".into())),
        };
        match engine
            .call_back(&arrival, &CallbackQuery::parse(&query))
            .await
        {
            // Anybody on this machine can knock: only a callback with our state ends the waiting.
            Err(
                error @ (EngineError::UnknownState
                | EngineError::NotYours { .. }
                | EngineError::Callback(
                    CallbackRefusal::StateMissing
                    | CallbackRefusal::Repeated { .. }
                    | CallbackRefusal::NotAskedFor { .. },
                )),
            ) => {
                output.notice(&format!("A callback was ignored: {error}"));
                answer.finish(Err(error.to_string()));
            }
            Err(error) => {
                answer.finish(Err(error.to_string()));
                listener.close().await;
                return Err(error.into());
            }
            Ok(instance) => {
                answer.finish(Ok(()));
                listener.close().await;
                return Ok(instance);
            }
        }
    }
}

/// Nothing of ours listens at the redirect URI: the person brings the address back by hand.
async fn paste(
    engine: &Engine,
    connect: &Connect,
    started: &Started,
    output: &Output,
) -> Result<Instance, CliError> {
    output.notice(&format!(
        "Callback URL to register with the provider, exactly: {BOLD}{}{BOLD:#}\nOpen this page, and consent:\n\n  {}\n\n\
         Afterwards the browser is sent to the callback URL. If nothing answers there it shows an error page: that is \
         expected.\nCopy the whole address from its address bar, paste it here and press Enter:",
        started.redirect_uri, started.authorization_url
    ));
    if !connect.no_browser && open::that_detached(&started.authorization_url).is_err() {
        output.notice("No browser could be opened: open the page yourself.");
    }
    std::io::stderr().flush()?;
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    let line = line.await.map_err(std::io::Error::other)??;
    let query = line.trim().split_once('?').map(|(_, query)| query.split('#').next().unwrap_or(query)).ok_or_else(|| {
        CliError::Usage("that is not the address of the callback: it has a question mark, then code=… and state=…".into())
    })?;
    Ok(engine
        .call_back(&Arrival::Local(started.id), &CallbackQuery::parse(query))
        .await?)
}
