//! Whether a host answers at all: name, connection, TLS. Any status will do, and nothing is told to it.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::header::DATE;
use tieline_core::Timestamp;
use tokio::time::timeout;

use crate::egress::EgressRefusal;
use crate::{Edge, Endpoint};

/// A host that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// What its clock shows, by its `Date` (RFC 9110 section 6.6.1), where it has one that can be read.
    pub date: Option<Timestamp>,
}

/// Why a host doesn't answer, as what follows "it can't be reached: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreached(pub(crate) String);

impl Edge {
    /// Asks the host of an endpoint for the head of its root, once: a request without query, body or credential.
    ///
    /// # Errors
    /// Says at which step it ended: address rules, name resolution, connection, TLS, or no answer in time.
    pub async fn reach(&self, endpoint: &Endpoint, within: Duration) -> Result<Reached, Unreached> {
        let client = self
            .back_channel_for(endpoint)
            .map_err(|refusal| Unreached(refusal.to_string()))?;
        let mut root = endpoint.url.clone();
        root.set_path("/");
        root.set_query(None);
        let sent = timeout(within, client.head(root).send());
        match sent.await {
            Ok(Ok(answer)) => Ok(Reached {
                date: answer
                    .headers()
                    .get(DATE)
                    .and_then(|date| date.to_str().ok())
                    .and_then(|date| httpdate::parse_http_date(date).ok())
                    .and_then(|date| Timestamp::try_from(date).ok()),
            }),
            Ok(Err(error)) => Err(Unreached(in_words(&error))),
            Err(_) => Err(Unreached(format!(
                "no answer within {} s",
                within.as_secs()
            ))),
        }
    }
}

/// The error types of reqwest hold URLs: what is told is what they are about.
pub(crate) fn in_words(error: &reqwest::Error) -> String {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(refusal) = inner.downcast_ref::<EgressRefusal>() {
            return refusal.to_string();
        }
        if let Some(error) = inner.downcast_ref::<rustls::Error>() {
            return format!("TLS failed: {error}");
        }
        // What an error of the system wraps is not its source.
        let io = inner.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return "the connection was refused".to_owned();
        }
        source = match io.and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => inner.source(),
        };
    }
    match error {
        error if error.is_dns() => "its name can't be resolved",
        error if error.is_timeout() => "connecting took too long",
        error if error.is_connect() => "it can't be connected to",
        _ => "the connection broke before an answer came",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use url::Url;

    use super::*;
    use crate::{EdgeOptions, NamedBy};

    const WITHIN: Duration = Duration::from_secs(10);

    /// Asks a host that gives this answer to whatever it is sent, and hands back what it was sent.
    async fn asked(scheme: &str, answer: &'static str) -> (Result<Reached, Unreached>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = vec![0; 4_096];
            let length = stream.read(&mut heard).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&heard[..length]).into_owned()
        });
        let url = format!("{scheme}://127.0.0.1:{port}/token?key=CANARY");
        let reached = reach(&url, NamedBy::Operator).await;
        (reached, host.await.unwrap())
    }

    async fn reach(url: &str, named_by: NamedBy) -> Result<Reached, Unreached> {
        let url = Url::parse(url).unwrap();
        let edge = Edge::new(EdgeOptions::default()).unwrap();
        edge.reach(&Endpoint { url, named_by }, WITHIN).await
    }

    #[tokio::test]
    async fn any_status_will_do_and_nothing_but_the_host_is_told() {
        let answer = "HTTP/1.1 503 Busy\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        let (reached, heard) = asked("http", answer).await;
        let date = "1994-11-06T08:49:37Z".parse().ok();
        assert_eq!(reached, Ok(Reached { date }));
        assert!(heard.starts_with("HEAD / HTTP/1.1\r\n"), "{heard}");
        assert!(!heard.contains("CANARY"), "{heard}");
        let (reached, _) = asked("http", "HTTP/1.1 200 OK\r\ndate: soon\r\n\r\n").await;
        assert_eq!(reached, Ok(Reached { date: None }));
    }

    #[tokio::test]
    async fn it_is_told_where_it_ended() {
        let (unreached, _) = asked("https", "HTTP/1.1 400 Bad\r\n\r\n").await;
        let unreached = unreached.unwrap_err().to_string();
        assert!(unreached.starts_with("TLS failed: "), "{unreached}");
        let (unreached, _) = asked("http", "").await;
        let broke = "the connection broke before an answer came";
        assert_eq!(unreached.unwrap_err().to_string(), broke);
        let refused = reach("https://127.0.0.1:1/", NamedBy::Operator).await;
        let refused = refused.unwrap_err().to_string();
        assert_eq!(refused, "the connection was refused");
        let unresolved = reach("https://nowhere.invalid/", NamedBy::Anyone).await;
        let unresolved = unresolved.unwrap_err().to_string();
        assert_eq!(unresolved, "its name can't be resolved");
        let private = reach("https://127.0.0.1:1/", NamedBy::Anyone).await;
        let private = private.unwrap_err().to_string();
        assert!(private.contains("no address that may be"), "{private}");
    }
}
