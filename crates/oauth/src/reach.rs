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
pub struct Unreached(String);

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
fn in_words(error: &reqwest::Error) -> String {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(refusal) = inner.downcast_ref::<EgressRefusal>() {
            return refusal.to_string();
        }
        if let Some(error) = inner.downcast_ref::<io::Error>() {
            let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
            if let Some(error) = tls {
                let error: &rustls::Error = error;
                return format!("TLS failed: {error}");
            }
            if error.kind() == io::ErrorKind::ConnectionRefused {
                return "the connection was refused".to_owned();
            }
        }
        source = inner.source();
    }
    match error {
        error if error.is_dns() => "its name can't be resolved",
        error if error.is_timeout() => "connecting took too long",
        error if error.is_connect() => "it can't be connected to",
        _ => "the connection broke before an answer came",
    }
    .to_owned()
}
