//! One signed request, and what came of it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use tieline_core::Secret;

use crate::Engine;
use crate::webhooks::message::Message;
use crate::webhooks::signature::signature;

/// How long a receiver may take, from the first byte of name resolution to its answer.
const WITHIN: Duration = Duration::from_secs(15);

/// What came of it.
#[derive(Debug)]
pub(super) enum Sent {
    Answered(StatusCode),
    /// What was in the way.
    Unanswered(String),
}

impl Engine {
    /// Sends a message once.
    pub(super) async fn post(&self, url: &str, secret: &Secret, message: &Message) -> Sent {
        // What the operator opens to webhooks may be less than it was when the webhook was created.
        let place = match self.shared.edge.place(url) {
            Ok(place) => place,
            Err(problem) => return Sent::Unanswered(problem.to_string()),
        };
        let Some(headers) = self.headers(secret, message) else {
            return Sent::Unanswered("its secret is not one".to_owned());
        };
        let body = Bytes::from(message.body.clone());
        match self.shared.edge.post(&place, headers, body, WITHIN).await {
            Ok(posted) => Sent::Answered(posted.status),
            Err(unreached) => Sent::Unanswered(unreached.to_string()),
        }
    }

    /// Signed at the time of this attempt, since receivers refuse what is old.
    fn headers(&self, secret: &Secret, message: &Message) -> Option<HeaderMap> {
        let now = self.shared.clock.now();
        let signature = signature(secret, &message.id, now, &message.body)?;
        let text = |text: &str| HeaderValue::from_str(text).ok();
        Some(HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("webhook-id"), text(&message.id)?),
            (
                HeaderName::from_static("webhook-timestamp"),
                now.as_second().into(),
            ),
            (
                HeaderName::from_static("webhook-signature"),
                text(&signature)?,
            ),
        ]))
    }
}

impl Sent {
    /// Whether the receiver has it.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self, Self::Answered(status) if status.is_success())
    }

    /// A word for what came of it.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            _ if self.is_taken() => "taken",
            _ if self.is_farewell() => "gone",
            Self::Answered(_) => "refused",
            Self::Unanswered(_) => "unanswered",
        }
    }

    /// Whether the receiver wants nothing more, ever.
    pub(super) fn is_farewell(&self) -> bool {
        matches!(self, Self::Answered(StatusCode::GONE))
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status) if status.is_redirection() => {
                let status = status.as_u16();
                write!(f, "answered {status}, and redirects are not followed")
            }
            Self::Answered(status) => write!(f, "answered {}", status.as_u16()),
            Self::Unanswered(why) => f.write_str(why),
        }
    }
}
