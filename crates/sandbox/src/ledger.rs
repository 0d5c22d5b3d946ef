//! The ledger: what the server saw and committed, whether or not the client ever learned of it.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::{Serialize, Serializer};
use tieline_core::Timestamp;

use crate::client_auth::ClientAuth;
use crate::script::Endpoint;

/// A snapshot of the facts on the server's side.
///
/// Requests are appended at the moment the server decides them, including those whose answer is lost, and
/// never change. Tokens and secrets can be compared with, and [listed](Self::secrets) for searching other
/// places for them; neither `Debug` nor `Serialize` shows one.
#[derive(Clone, Serialize)]
pub struct Ledger {
    pub(crate) requests: Vec<Request>,
    pub(crate) grants_alive: usize,
    pub(crate) max_in_flight_overall: usize,
    #[serde(skip)]
    pub(crate) max_in_flight: HashMap<String, usize>,
    #[serde(skip)]
    pub(crate) current_refresh_tokens: HashSet<String>,
    #[serde(skip)]
    pub(crate) live_access_tokens: HashSet<String>,
    #[serde(skip)]
    pub(crate) secrets: Vec<String>,
}

/// One request, as the server saw and decided it.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    /// When it was decided, by the sandbox's clock.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// Where it went.
    pub endpoint: Endpoint,
    /// The HTTP method.
    pub method: String,
    /// The host that it names, as it is written in the request; blank when it names none.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// Names of its headers, lower-case, in order.
    pub headers: Vec<String>,
    /// Names of its parameters, in order: of the query, then of the form body. Never a value.
    pub params: Vec<String>,
    /// `grant_type`, where the request has one.
    pub grant_type: Option<String>,
    /// The style of client authentication it shows.
    pub client_auth: ClientAuth,
    /// Length of its body.
    pub body_bytes: usize,
    /// What the server did.
    pub outcome: Outcome,
    /// The status of the answer, sent or lost; none where there was to be no answer.
    pub status: Option<u16>,
    /// What became of the answer.
    pub delivery: Delivery,
}

/// What the server did with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Outcome {
    /// Showed the consent page.
    Asked,
    /// The user approved: a code exists.
    Approved,
    /// The user denied.
    Denied,
    /// A code, of a browser or of a device, was spent for the first tokens of a grant.
    Exchanged,
    /// A refresh token was taken for new tokens.
    Refreshed,
    /// A client was given an access token of its own (RFC 6749, section 4.4).
    ClientTokenIssued,
    /// A device got its codes (RFC 8628, section 3.2).
    DeviceStarted,
    /// A device asked before anybody decided (RFC 8628, section 3.5).
    Pending,
    /// A grant or an access token was revoked.
    Revoked,
    /// The token was not alive; the client is told it is revoked (RFC 7009, section 2.2).
    NothingToRevoke,
    /// The API did as asked.
    Served,
    /// Too many requests; nothing was done.
    Throttled,
    /// Nothing was done. (A reused code or refresh token may have ended its grant nevertheless.)
    Refused {
        /// Why, in the sandbox's words.
        reason: &'static str,
    },
    /// A scripted answer stood in for the work; nothing was done.
    Scripted,
    /// The connection was reset on purpose before any work; nothing was done.
    Dropped,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Handed to the connection, at once or after being held.
    Sent,
    /// Lost: the connection was reset before a byte of it.
    Reset,
    /// Cut after so many bytes of its body.
    Cut {
        /// Bytes of the body that were sent.
        after: usize,
    },
}

impl Ledger {
    /// All requests so far, in the order they were decided.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Requests to one endpoint, in order.
    pub fn requests_to(&self, endpoint: Endpoint) -> impl Iterator<Item = &Request> {
        self.requests
            .iter()
            .filter(move |request| request.endpoint == endpoint)
    }

    /// How many requests the token endpoint decided with this `grant_type`, whatever came of them.
    pub fn token_requests(&self, grant_type: &str) -> usize {
        self.requests_to(Endpoint::Token)
            .filter(|request| request.grant_type.as_deref() == Some(grant_type))
            .count()
    }

    /// Codes that were exchanged for tokens.
    pub fn exchanges(&self) -> usize {
        self.count(Outcome::Exchanged)
    }

    /// Refresh tokens that were taken for new tokens, whether or not the answer arrived.
    pub fn refreshes(&self) -> usize {
        self.count(Outcome::Refreshed)
    }

    /// Revocations that ended something.
    pub fn revocations(&self) -> usize {
        self.count(Outcome::Revoked)
    }

    /// Calls that the API served.
    pub fn served(&self) -> usize {
        self.count(Outcome::Served)
    }

    /// Requests with this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.requests
            .iter()
            .filter(|request| request.outcome == outcome)
            .count()
    }

    /// Whether it could be spent at the moment of the snapshot: known, unspent, unexpired, its grant alive. One that a
    /// vendor takes once more after it was spent is not.
    pub fn is_current_refresh_token(&self, token: &str) -> bool {
        self.current_refresh_tokens.contains(token)
    }

    /// Whether the API accepted it, a token or an account's key, at the moment of the snapshot.
    pub fn is_live_access_token(&self, token: &str) -> bool {
        self.live_access_tokens.contains(token)
    }

    /// Grants that still have a refresh token that could be spent. A user's own tokens belong to the grant of their
    /// consent.
    pub fn grants_alive(&self) -> usize {
        self.grants_alive
    }

    /// The most requests that were at the server at once with this refresh token, at the token endpoint.
    pub fn max_in_flight(&self, refresh_token: &str) -> usize {
        self.max_in_flight
            .get(refresh_token)
            .copied()
            .unwrap_or_default()
    }

    /// The highest [`max_in_flight`](Self::max_in_flight) of any refresh token, known to the server or not.
    pub fn max_in_flight_of_any(&self) -> usize {
        self.max_in_flight
            .values()
            .copied()
            .max()
            .unwrap_or_default()
    }

    /// The most requests that were at the token endpoint at once.
    pub fn max_in_flight_overall(&self) -> usize {
        self.max_in_flight_overall
    }

    /// The client secret, every account's key and every code and token ever issued, for searching databases and logs for them.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("requests", &self.requests)
            .field("grants_alive", &self.grants_alive)
            .field("max_in_flight_overall", &self.max_in_flight_overall)
            .finish_non_exhaustive()
    }
}

/// A name that a client sent, unless it looks as if it could be a secret in the wrong place.
pub(crate) fn printable(name: &str) -> String {
    let plain = name.len() <= 40
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte));
    if plain {
        name.to_owned()
    } else {
        "[withheld]".to_owned()
    }
}

fn as_text<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}
