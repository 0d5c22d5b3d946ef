//! What can come of a request of the back channel that brought no tokens: a closed list.

use std::fmt;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tieline_core::descriptor::Step;
use tieline_core::{ParameterKey, Secret};

use crate::edge::Answer;

/// What a failed request means for the token that it carried.
#[derive(Debug)]
pub enum Outcome {
    /// Not a byte was sent: name resolution, connecting or TLS failed. The token is not spent.
    NotSent,
    /// 429 or 503, or an error that says as much: the token is not spent.
    Busy {
        /// When to try again, as the provider asked; at most a day.
        retry_after: Option<Duration>,
    },
    /// The app, not the token, was refused: client authentication, a wrong endpoint, a redirect, or our own refusal to
    /// go on. Instances stay as they are; the operator must act.
    AppRefused,
    /// The code or refresh token is dead: a person must consent again.
    Dead,
    /// Any other refusal. Nobody can tell whose fault it is: try a few times, then ask a person.
    Rejected,
    /// Whether the token was spent is not known: another 5xx, a timeout, a broken connection, a success that can't be read
    /// or must not be used.
    OutcomeUnknown {
        /// The body of a success that could not be read or must not be used, as much of it as came: it may hold tokens
        /// that exist nowhere else.
        unreadable: Option<Secret>,
    },
}

/// Why a request of the back channel brought no tokens. Never holds a secret in the clear, nor any of the body.
#[derive(Debug)]
pub struct TokenFailure {
    /// What it means.
    pub outcome: Outcome,
    /// What happened.
    pub details: Box<FailureDetails>,
}

/// What happened, as far as it may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureDetails {
    /// The provider.
    pub provider: &'static str,
    /// What was asked for.
    pub step: Step,
    /// The endpoint's host; empty where no endpoint could be told.
    pub host: String,
    /// Why there are no tokens.
    pub reason: Reason,
    /// The error code, as the RFC has it where the descriptor translates.
    pub error_code: Option<String>,
    /// The provider's own code, where the descriptor translates it.
    pub provider_code: Option<String>,
    /// What can be told of the answer, if one came.
    pub answer: Option<AnswerFacts>,
    /// What to do about it, naming parameters in the provider's words and in ours.
    pub cure: String,
}

/// Why there are no tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The provider refused; the error code says why, if there is one.
    Refused,
    /// A redirect, which is never followed.
    Redirect,
    /// Too many requests, or not available.
    Busy,
    /// The server failed.
    ServerError,
    /// A success that is not a token answer; says what is wrong with it.
    Unreadable(String),
    /// The ID token was issued by somebody else than the provider (OpenID Connect Core 1.0 section 12.2).
    IssuerMismatch,
    /// The transport failed; says how.
    Transport(&'static str),
    /// We would not send it; says why.
    NotAllowed(String),
}

/// What can be told of an answer without telling what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerFacts {
    /// The status.
    pub status: u16,
    /// The media type, without parameters.
    pub content_type: Option<String>,
    /// How many bytes of body were read.
    pub length: usize,
    /// The first 16 hexadecimal digits of the body's SHA-256: enough to see that two answers are the same.
    pub digest: String,
}

/// Why a token was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeFailure {
    /// The provider offers no revocation.
    #[error("{provider}: the provider offers no revocation; set {key} if it does, or let the user end the access in the provider's own settings", key = ParameterKey::OAUTH_TOKEN_REVOKE_URL)]
    NotOffered {
        /// The provider.
        provider: &'static str,
    },
    /// The provider can't revoke this kind of token (RFC 7009 section 2.2.1): try the other one.
    #[error("{0}")]
    UnsupportedTokenType(TokenFailure),
    /// The token must be taken to be alive.
    #[error("{0}")]
    Failed(TokenFailure),
}

impl Outcome {
    /// The body of a success that could not be read or must not be used.
    pub fn unreadable(&self) -> Option<&Secret> {
        match self {
            Self::OutcomeUnknown { unreadable } => unreadable.as_ref(),
            _ => None,
        }
    }

    /// Whether the same thing may come out differently later without anybody changing anything.
    ///
    /// True for [`OutcomeUnknown`](Self::OutcomeUnknown) too, whose token may be spent all the same.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::NotSent | Self::Busy { .. } | Self::OutcomeUnknown { .. }
        )
    }
}

impl TokenFailure {
    /// As [`Outcome::is_transient`].
    pub fn is_transient(&self) -> bool {
        self.outcome.is_transient()
    }
}

impl RevokeFailure {
    /// Whether the token was dead already. RFC 7009 section 2.2 wants success for that; not everybody does it.
    pub fn is_dead_already(&self) -> bool {
        let Self::Failed(failure) = self else {
            return false;
        };
        matches!(failure.outcome, Outcome::Dead)
            || failure.details.error_code.as_deref() == Some("invalid_token")
    }

    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.is_transient())
    }
}

impl AnswerFacts {
    pub(crate) fn of(answer: &Answer) -> Self {
        let media_type = answer
            .headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let media_type = media_type
            .and_then(|text| text.split(';').next())
            .map(str::trim);
        let digest = Sha256::digest(&answer.body);
        Self {
            status: answer.status.as_u16(),
            content_type: media_type
                .filter(|text| is_media_type(text))
                .map(str::to_ascii_lowercase),
            length: answer.body.len(),
            digest: digest
                .iter()
                .take(8)
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        }
    }
}

fn is_media_type(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/+-._".contains(&byte))
}

impl std::error::Error for TokenFailure {}

/// One fragment: who, what, where, what came of it, and the cure.
impl fmt::Display for TokenFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FailureDetails {
            provider,
            step,
            host,
            reason,
            error_code,
            provider_code,
            answer,
            cure,
        } = &*self.details;
        let step = match step {
            Step::Exchange => "exchange",
            Step::Refresh => "refresh",
            Step::Revoke => "revocation",
            Step::ClientCredentials => "token request",
            Step::DeviceAuthorization => "request for a user code",
            Step::DeviceToken => "token request with a device code",
        };
        write!(f, "{provider}: {step}")?;
        if !host.is_empty() {
            write!(f, " at {host}")?;
        }
        write!(f, ": {}: {reason}", self.outcome)?;
        if let Some(code) = error_code {
            write!(f, ", error {code}")?;
        }
        if let Some(code) = provider_code {
            write!(f, " (the provider's {code})")?;
        }
        if let Some(AnswerFacts {
            status,
            content_type,
            length,
            digest,
        }) = answer
        {
            let content_type = content_type.as_deref().unwrap_or("of no type");
            write!(
                f,
                " [status {status}, {length} bytes {content_type}, sha256 {digest}]"
            )?;
        }
        write!(f, "; {cure}")
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSent => "not sent",
            Self::Busy { .. } => "busy",
            Self::AppRefused => "app refused",
            Self::Dead => "dead",
            Self::Rejected => "rejected",
            Self::OutcomeUnknown { .. } => "outcome unknown",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the provider refused"),
            Self::Redirect => f.write_str("the endpoint redirects"),
            Self::Busy => f.write_str("the provider can't take it now"),
            Self::ServerError => f.write_str("the server failed"),
            Self::Unreadable(what) => write!(f, "a success that can't be read: {what}"),
            Self::IssuerMismatch => f.write_str("the id_token was issued by somebody else"),
            Self::Transport(what) => f.write_str(what),
            Self::NotAllowed(why) => f.write_str(why),
        }
    }
}
