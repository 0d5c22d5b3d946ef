//! `tieline serve`: holds the data folder for as long as it runs, and works for whoever may ask.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use tieline::engine::Engine;
use tieline::server::{ControlSocket, control, health};
use tieline::store::HeldFolder;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::args::{Common, Serve};
use crate::error::CliError;
use crate::output::{Output, shown};
use crate::session;
use crate::signal::{FINISHED_HERE, Signals};

/// How long requests that are under way have to end: a refresh has 30 seconds to be answered. What spends a token is waited
/// for beyond that.
const TIME_TO_ANSWER: Duration = Duration::from_secs(40);

pub(crate) async fn run(common: &Common, serve: Serve, output: &Output) -> Result<(), CliError> {
    let signals = Signals::listen()?;
    let engine = session::own_engine(common, output).await?;
    let served = serve_until(signals, &engine, common, &serve, output).await;
    engine.shutdown().await;
    served
}

/// Serves until a signal comes; then takes no new requests, and lets those that are under way end.
async fn serve_until(
    mut signals: Signals,
    engine: &Engine,
    common: &Common,
    serve: &Serve,
    output: &Output,
) -> Result<(), CliError> {
    let data_dir = session::data_dir(common)?;
    // Of several servers on one database, each has a folder of its own for its socket.
    let _held = match engine.store().data_dir() {
        Some(_) => None,
        None => Some(HeldFolder::take(&data_dir)?),
    };
    let socket = ControlSocket::bind(&data_dir)
        .map_err(|error| CliError::Configuration(error.to_string()))?;
    let public = match serve.listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    engine.start_upkeep();
    tell_ready(engine, &socket, public.as_ref(), output)?;

    let (stop, stopped) = watch::channel(());
    let mut serving = JoinSet::new();
    let (listener, name) = socket.into_parts();
    let serve = axum::serve(listener, control(engine.clone()));
    serving.spawn(
        serve
            .with_graceful_shutdown(dropped(stopped.clone()))
            .into_future(),
    );
    if let Some(listener) = public {
        let serve = axum::serve(listener, health());
        serving.spawn(serve.with_graceful_shutdown(dropped(stopped)).into_future());
    }
    signals.next().await;
    engine.take_no_more();
    // From now on whoever asks is told that the folder is held, and by whom.
    drop(name);
    drop(stop);
    output.notice(FINISHED_HERE);
    let ended = async { while serving.join_next().await.is_some() {} };
    if tokio::time::timeout(TIME_TO_ANSWER, ended).await.is_err() {
        tracing::warn!("requests that did not end in time are cut off");
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, CliError> {
    TcpListener::bind(address).await.map_err(|error| {
        CliError::Failure(format!(
            "can't listen on {address}: {error}; free that port, or choose another with --listen"
        ))
    })
}

/// When the other end is dropped.
async fn dropped(mut stopped: watch::Receiver<()>) {
    if stopped.changed().await.is_ok() {
        // Nobody ever sends.
        pending::<()>().await;
    }
}

/// Says where it listens. The sockets take connections already.
fn tell_ready(
    engine: &Engine,
    socket: &ControlSocket,
    public: Option<&TcpListener>,
    output: &Output,
) -> Result<(), CliError> {
    let listen = public.map(TcpListener::local_addr).transpose()?;
    let path = socket.path().display().to_string();
    let ready = serde_json::json!({ "ready": true, "socket": path, "listen": listen });
    output.line(&ready, || {
        let place = match engine.store().data_dir() {
            Some(data_dir) => data_dir.display().to_string(),
            None => "the database that TIELINE_STORE names".to_owned(),
        };
        let mut text = format!(
            "Serving {}.\n  control  {} (other `tieline` commands work through it)\n",
            shown(&place),
            shown(&path)
        );
        if let Some(address) = listen {
            text.push_str(&format!("  health   http://{address}/healthz\n"));
        }
        text + "Ctrl-C or SIGTERM ends it, when what is under way with providers is finished."
    })
}
