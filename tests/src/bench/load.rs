//! The client that asks all contenders alike: a closed loop, each connection kept alive and asking again when it is answered.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What is asked of a contender, in turn.
#[derive(Debug, Clone)]
pub struct Target {
    address: SocketAddr,
    requests: Arc<[Request<Empty<Bytes>>]>,
}

impl Target {
    /// Requests of these paths, with an API key if there is one.
    ///
    /// # Errors
    /// When a path or the key can't be sent, or there is no path.
    pub fn new(
        address: SocketAddr,
        method: &Method,
        paths: &[String],
        key: Option<&str>,
    ) -> io::Result<Self> {
        let mut requests = Vec::with_capacity(paths.len());
        for path in paths {
            let mut request = Request::builder()
                .method(method)
                .uri(path)
                .header(HOST, address.to_string());
            if let Some(key) = key {
                request = request.header(AUTHORIZATION, format!("Bearer {key}"));
            }
            requests.push(request.body(Empty::new()).map_err(io::Error::other)?);
        }
        if requests.is_empty() {
            return Err(io::Error::other("a contender must be asked something"));
        }
        Ok(Self {
            address,
            requests: requests.into(),
        })
    }

    /// The body of the answer to the first request.
    ///
    /// # Errors
    /// When it is not answered, or not with 200.
    pub async fn ask_once(&self) -> io::Result<Bytes> {
        let mut sender = connect(self.address).await?;
        ask(&mut sender, &self.requests[0]).await
    }

    /// Asks for so long over so many connections; returns how long each answer took, and how long it took altogether.
    ///
    /// # Errors
    /// When a connection is lost or an answer is not 200: what fails fast must not count as fast.
    pub async fn load(
        &self,
        connections: usize,
        time: Duration,
    ) -> io::Result<(Vec<Duration>, Duration)> {
        let mut senders = Vec::with_capacity(connections);
        for _ in 0..connections {
            senders.push(connect(self.address).await?);
        }
        let start = Instant::now();
        let mut loops = JoinSet::new();
        for (first, mut sender) in senders.into_iter().enumerate() {
            let requests = Arc::clone(&self.requests);
            loops.spawn(async move {
                let mut took = Vec::new();
                for request in requests.iter().cycle().skip(first % requests.len()) {
                    let asked = Instant::now();
                    if asked.duration_since(start) >= time {
                        break;
                    }
                    ask(&mut sender, request).await?;
                    took.push(asked.elapsed());
                }
                Ok::<_, io::Error>(took)
            });
        }
        let mut took = Vec::new();
        while let Some(ended) = loops.join_next().await {
            took.extend(ended.map_err(io::Error::other)??);
        }
        Ok((took, start.elapsed()))
    }
}

async fn connect(address: SocketAddr) -> io::Result<SendRequest<Empty<Bytes>>> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(socket))
        .await
        .map_err(io::Error::other)?;
    // It ends with the sender; what goes wrong there, the sender tells.
    tokio::spawn(connection);
    Ok(sender)
}

/// One request, until the last byte of its answer.
async fn ask(
    sender: &mut SendRequest<Empty<Bytes>>,
    request: &Request<Empty<Bytes>>,
) -> io::Result<Bytes> {
    sender.ready().await.map_err(io::Error::other)?;
    let answer = sender.send_request(request.clone()).await;
    let answer = answer.map_err(io::Error::other)?;
    let status = answer.status();
    let body = answer.into_body().collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    if status == StatusCode::OK {
        return Ok(body);
    }
    let (path, told) = (request.uri(), String::from_utf8_lossy(&body));
    Err(io::Error::other(format!(
        "{path} was answered {status}: {told}"
    )))
}
