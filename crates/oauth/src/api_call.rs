//! One request to a provider's API, its body and that of the answer in pieces, as they come.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, Method, Response};
use tieline_core::http::ProviderHttpError;
use tokio::time::{Instant, sleep_until, timeout};
use url::Url;

use crate::egress::EgressRefusal;
use crate::{Edge, Endpoint};

/// Pieces of a request's body.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Pieces of an answer's body.
pub type PieceStream = Pin<Box<dyn Stream<Item = Result<Bytes, ProviderHttpError>> + Send>>;

/// The body of a request.
pub enum CallBody {
    /// All of it.
    Bytes(Bytes),
    /// In pieces. Unless the request has a `content-length`, it is sent in chunks (RFC 9112 section 7.1).
    Stream(ByteStream),
}

/// A request to a provider's API, as it is sent.
#[derive(Debug)]
pub struct ApiRequest {
    /// The method.
    pub method: Method,
    /// Where it goes: below the API's base.
    pub url: Url,
    /// All headers, the one with the access token included.
    pub headers: HeaderMap,
    /// The body.
    pub body: CallBody,
}

impl Edge {
    /// Sends one request to the API at `base`, once, and answers as soon as the head of the answer is there. No redirect is
    /// followed, and names resolve to public addresses only, unless the operator named the base.
    ///
    /// While the body is being sent and while the answer's is read, neither side may be silent for longer than the deadline
    /// of [`EdgeOptions`](crate::EdgeOptions). How long the whole may take is not limited.
    ///
    /// # Errors
    /// When the URL is not at the base's origin, its host may not be connected to, or no answer came.
    pub async fn call(
        &self,
        base: &Endpoint,
        request: ApiRequest,
    ) -> Result<Response<PieceStream>, ProviderHttpError> {
        if request.url.origin() != base.url.origin() {
            return Err(ProviderHttpError::permanent(
                "the request leaves the provider's API",
            ));
        }
        let client = self
            .api_for(base)
            .map_err(|refusal| ProviderHttpError::permanent(refusal.to_string()))?;
        let (longest, sending) = (self.longest_silence(), Sending::default());
        let mut sent = reqwest::Request::new(request.method, request.url);
        *sent.headers_mut() = request.headers;
        *sent.body_mut() = Some(sending.watch(request.body));
        let answer = tokio::select! {
            answer = client.execute(sent) => answer.map_err(|error| sending.failure(&error))?,
            () = sending.silence(longest) => return Err(silent()),
        };
        Ok(streamed(answer, longest))
    }
}

fn streamed(mut answer: reqwest::Response, longest: Duration) -> Response<PieceStream> {
    let mut response = Response::new(());
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    let pieces = stream::try_unfold(answer, move |mut answer| async move {
        match timeout(longest, answer.chunk()).await {
            Ok(Ok(piece)) => Ok(piece.map(|piece| (piece, answer))),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(silent()),
        }
    });
    response.map(|()| Box::pin(pieces) as PieceStream)
}

/// How the sending of a body goes.
#[derive(Clone, Default)]
struct Sending(Arc<Mutex<Progress>>);

struct Progress {
    /// When the last piece was taken from the caller.
    last: Instant,
    /// The caller's own body broke off.
    broken: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            last: Instant::now(),
            broken: false,
        }
    }
}

impl Sending {
    fn watch(&self, body: CallBody) -> reqwest::Body {
        match body {
            CallBody::Bytes(bytes) => bytes.into(),
            CallBody::Stream(pieces) => {
                let (taken, failed) = (self.clone(), self.clone());
                let pieces = pieces
                    .inspect(move |_| taken.note(|progress| progress.last = Instant::now()))
                    .inspect_err(move |_| failed.note(|progress| progress.broken = true));
                reqwest::Body::wrap_stream(pieces)
            }
        }
    }

    /// Ends when nothing was taken from the caller, and no answer came, for so long.
    async fn silence(&self, longest: Duration) {
        loop {
            let end = self.note(|progress| progress.last) + longest;
            if Instant::now() >= end {
                return;
            }
            sleep_until(end).await;
        }
    }

    fn failure(&self, error: &reqwest::Error) -> ProviderHttpError {
        if self.note(|progress| progress.broken) {
            return ProviderHttpError::permanent(
                "the body of the request broke off before its end; whether the call took effect is unknown",
            );
        }
        failure(error)
    }

    fn note<T>(&self, what: impl FnOnce(&mut Progress) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn silent() -> ProviderHttpError {
    ProviderHttpError::transient("the provider's API did not answer in time; try again")
}

/// Without the URL: its query may hold what only the caller should see.
fn failure(error: &reqwest::Error) -> ProviderHttpError {
    if let Some(refusal) = EgressRefusal::behind(error) {
        return ProviderHttpError::permanent(refusal.to_string());
    }
    ProviderHttpError::transient(if error.is_connect() {
        "the provider's API can't be reached; check the network and the provider's status page"
    } else {
        "the connection to the provider's API broke off; whether the call took effect is unknown"
    })
}

impl From<Bytes> for CallBody {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl fmt::Debug for CallBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Stream(_) => f.write_str("a stream"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::{EdgeOptions, NamedBy};

    fn request(url: &str) -> ApiRequest {
        ApiRequest {
            method: Method::GET,
            url: Url::parse(url).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::new().into(),
        }
    }

    async fn call(
        base: &str,
        named_by: NamedBy,
        url: &str,
    ) -> Result<Response<PieceStream>, ProviderHttpError> {
        let edge = Edge::new(EdgeOptions {
            deadline: Duration::from_millis(300),
            ..EdgeOptions::default()
        });
        let base = Endpoint {
            url: Url::parse(base).unwrap(),
            named_by,
        };
        edge.unwrap().call(&base, request(url)).await
    }

    /// Whoever is told a host by a tenant connects to nothing inside, by whatever name.
    #[tokio::test]
    async fn a_name_that_leads_inside_is_never_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433"] {
            let url = format!("http://{host}:{port}/");
            let refused = call(&url, NamedBy::Anyone, &url).await;
            let refused = refused.map(|_| ()).unwrap_err();
            assert!(!refused.is_transient(), "{host}: {refused}");
            assert!(
                refused.to_string().contains("only public ones"),
                "{refused}"
            );
        }
        let nobody = timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(nobody.is_err(), "somebody connected");
    }

    #[tokio::test]
    async fn a_request_stays_at_the_bases_origin_and_follows_nobody() {
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = elsewhere.local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let refused = call(&base, NamedBy::Operator, &format!("http://{to}/")).await;
        assert!(!refused.map(|_| ()).unwrap_err().is_transient());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = [0; 4_096];
            let _ = stream.read(&mut heard).await.unwrap();
            let answer =
                format!("HTTP/1.1 307 Go\r\nlocation: http://{to}/\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let answer = call(&base, NamedBy::Operator, &base).await.unwrap();
        assert_eq!(answer.status(), 307);
        server.await.unwrap();
        let nobody = timeout(Duration::from_millis(50), elsewhere.accept()).await;
        assert!(nobody.is_err(), "somebody connected");
    }

    #[tokio::test]
    async fn whoever_is_silent_for_too_long_is_waited_for_no_longer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (first, _) = listener.accept().await.unwrap();
            let (mut second, _) = listener.accept().await.unwrap();
            // What is answered before anything was asked is no answer.
            let asked = second.read(&mut [0; 1_024]).await.unwrap();
            assert!(asked > 0);
            let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
            second.write_all(half).await.unwrap();
            (first, second)
        });
        let silent = call(&base, NamedBy::Operator, &base).await;
        let silent = silent.map(|_| ()).unwrap_err();
        assert!(silent.to_string().contains("in time"), "{silent}");
        let mut answer = call(&base, NamedBy::Operator, &base).await.unwrap();
        assert_eq!(answer.body_mut().next().await.unwrap().unwrap(), "half");
        let silent = answer.body_mut().next().await.unwrap().unwrap_err();
        assert!(silent.is_transient() && silent.to_string().contains("in time"));
        drop(server.await.unwrap());
    }
}
