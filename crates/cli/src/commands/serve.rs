//! `tieline serve`: holds the data folder for as long as it runs, and works for whoever may ask.

mod host;
mod tried;

use std::future::pending;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tieline::engine::{EdgeOptions, Egress, Engine};
use tieline::server::{
    ApiOptions, ControlSocket, Limits, Metrics, api, control, open_metrics, serve, serve_tcp,
};
use tieline::store::HeldFolder;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

use crate::args::{Common, Serve};
use crate::error::CliError;
use crate::output::{Output, shown};
use crate::session;
use crate::signal::{FINISHED_HERE, Signals};
use tried::Tried;

/// How long requests that are under way have to end: a refresh has 30 seconds to be answered. What spends a token is waited
/// for beyond that.
const TIME_TO_ANSWER: Duration = Duration::from_secs(40);

/// Where a sandbox is served if nobody says.
const TRIED_AT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

pub(crate) async fn run(common: &Common, serve: Serve, output: &Output) -> Result<(), CliError> {
    let signals = Signals::listen()?;
    let front = Front::open(&serve).await?;
    let edge = edge(&serve);
    if serve.sandbox {
        session::refuse_store(common)?;
        let tried = Tried::begin(front.public_url.clone(), edge).await?;
        let (engine, data_dir) = (tried.engine.clone(), tried.data_dir());
        let served = serve_until(signals, &engine, &data_dir, front, Some(&tried), output).await;
        engine.shutdown().await;
        return served.and_then(|()| tried.tell_end(output));
    }
    let data_dir = session::data_dir(common)?;
    let engine = session::own_engine(common, front.public_url.clone(), edge, output).await?;
    let served = serve_until(signals, &engine, &data_dir, front, None, output).await;
    engine.shutdown().await;
    served
}

/// As far as the engine may go by what was typed.
fn edge(serve: &Serve) -> EdgeOptions {
    EdgeOptions {
        egress: Egress {
            webhooks: serve.webhook_ranges.clone(),
            ..Egress::default()
        },
        ..EdgeOptions::default()
    }
}

/// What faces outside, if anything does.
struct Front {
    listener: Option<TcpListener>,
    metrics: Option<TcpListener>,
    public_url: Option<Url>,
}

impl Front {
    async fn open(serve: &Serve) -> Result<Self, CliError> {
        let address = serve.listen.or(serve.sandbox.then_some(TRIED_AT));
        let listener = match address {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let own = listener.as_ref().map(TcpListener::local_addr).transpose()?;
        let metrics = match serve.metrics_listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        // Browsers on this machine reach it there; for others only its operator knows.
        let own = own.filter(|address| address.ip().is_loopback());
        let own = own.and_then(|address| Url::parse(&format!("http://{address}")).ok());
        Ok(Self {
            listener,
            metrics,
            public_url: serve.public_url.clone().or(own),
        })
    }
}

/// Serves until a signal comes; then takes no new requests, and lets those that are under way end.
async fn serve_until(
    mut signals: Signals,
    engine: &Engine,
    data_dir: &Path,
    front: Front,
    tried: Option<&Tried>,
    output: &Output,
) -> Result<(), CliError> {
    // Of several servers on one database, each has a folder of its own for its socket.
    let _held = match engine.store().data_dir() {
        Some(_) => None,
        None => Some(HeldFolder::take(data_dir)?),
    };
    let socket = ControlSocket::bind(data_dir)
        .map_err(|error| CliError::Configuration(error.to_string()))?;
    engine.start_upkeep();
    tell_ready(engine, &socket, &front, tried, output)?;

    let (stop, stopped) = watch::channel(());
    let mut serving = JoinSet::new();
    let (listener, name) = socket.into_parts();
    let (router, limits) = (control(engine.clone()), Limits::default());
    serving.spawn(serve(listener, router, limits, dropped(stopped.clone())));
    let metrics = match front.listener.is_some() || front.metrics.is_some() {
        true => Some(Metrics::install().map_err(|error| CliError::Failure(error.to_string()))?),
        false => None,
    };
    if let (Some(listener), Some(metrics)) = (front.metrics, &metrics) {
        let router = open_metrics(engine.clone(), metrics.clone());
        serving.spawn(serve_tcp(
            listener,
            router,
            limits,
            dropped(stopped.clone()),
        ));
    }
    if let Some(listener) = front.listener {
        let options = ApiOptions {
            metrics,
            pages: true,
            ..ApiOptions::default()
        };
        let router = match tried {
            Some(tried) => api(engine.clone(), options).merge(tried.host()),
            None => api(engine.clone(), options),
        };
        serving.spawn(serve_tcp(listener, router, limits, dropped(stopped)));
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

/// Says where it listens. The sockets take requests already.
fn tell_ready(
    engine: &Engine,
    socket: &ControlSocket,
    front: &Front,
    tried: Option<&Tried>,
    output: &Output,
) -> Result<(), CliError> {
    let listen = front.listener.as_ref().map(TcpListener::local_addr);
    let listen = listen.transpose()?;
    let metrics = front.metrics.as_ref().map(TcpListener::local_addr);
    let metrics = metrics.transpose()?;
    let path = socket.path().display().to_string();
    let mut ready = serde_json::json!({
        "ready": true,
        "socket": path,
        "listen": listen,
        "metrics": metrics,
        "public_url": engine.public_url(),
    });
    if let Some(tried) = tried {
        ready["tried"] = tried.ready();
    }
    output.line(&ready, || {
        let place = match engine.store().data_dir() {
            Some(data_dir) => data_dir.display().to_string(),
            None => "the database that --store or TIELINE_STORE names".to_owned(),
        };
        let mut text = format!(
            "Serving {}.\n  control  {} (other `tieline` commands work through it)\n",
            shown(&place),
            shown(&path)
        );
        if let Some(address) = listen {
            text.push_str(&format!(
                "  pages    http://{address}/\n  API      http://{address}/v1\n"
            ));
            match engine.public_url() {
                Some(public) => text.push_str(&format!("  public   {}\n", shown(public))),
                None => text.push_str(
                    "  public   unknown: set --public-url, so that browsers find the way back\n",
                ),
            }
        }
        if let Some(address) = metrics {
            text.push_str(&format!("  metrics  http://{address}/metrics\n"));
        }
        if let Some(tried) = tried {
            text.push_str(&tried.told());
        }
        text + "Ctrl-C or SIGTERM ends it, when what is under way with providers is finished."
    })
}
