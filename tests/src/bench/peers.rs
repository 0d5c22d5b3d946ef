//! A bare axum route in a process of its own: what is least that a server in this language does, and the upstream of calls.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;

use axum::Router;
use axum::routing::any;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::spawn_blocking;

/// A process that answers every request with the same bytes; it ends when this is dropped.
#[derive(Debug)]
pub struct Peer {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Peer {
    /// Starts this same program as a peer.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(body: &str) -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["peer", body])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        let line = line.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Self {
            process,
            address: line.parse().map_err(io::Error::other)?,
        })
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.id()
    }
}

/// What a peer does: tells its address, and serves until standard input ends.
///
/// # Errors
/// When it can't listen.
pub async fn serve(body: String) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    let body = Bytes::from(body);
    let answer = any(async move || ([(CONTENT_TYPE, "application/json")], body.clone()));
    let router = Router::new().route("/{*path}", answer);
    let listener = listener.tap_io(|socket| {
        // As `tieline serve` does.
        let _ = socket.set_nodelay(true);
    });
    let ended = spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink()));
    tokio::select! {
        ended = axum::serve(listener, router) => ended,
        _ = ended => Ok(()),
    }
}

/// JSON of exactly so many bytes, and of no secret.
#[must_use]
pub fn filler(length: usize) -> String {
    let (begin, end) = (r#"{"filler":""#, r#""}"#);
    let rest = length.saturating_sub(begin.len() + end.len());
    format!("{begin}{}{end}", "x".repeat(rest))
}
