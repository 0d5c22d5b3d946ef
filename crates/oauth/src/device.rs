//! The device authorization grant (RFC 8628): a code that a person types on another device, and polling until they have
//! decided.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use tieline_core::clock::saturating_add;
use tieline_core::descriptor::Step;
use tieline_core::{OAuthField, Secret, Timestamp, endpoint};

use crate::authorization::scopes;
use crate::decode::lookup;
use crate::outcome::{Outcome, Reason, TokenFailure};
use crate::token::{TokenClient, Tokens};

/// Between polls, unless the provider says otherwise (RFC 8628 section 3.2).
const INTERVAL: Duration = Duration::from_secs(5);
/// What `slow_down` adds, to this poll and all later ones (RFC 8628 section 3.5).
const SLOWER_BY: Duration = Duration::from_secs(5);
/// No provider asks for more, and no interval that does is kept.
const LONGEST_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// A user code is good for so long unless the provider says otherwise. RFC 8628 demands `expires_in`; not all send it.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A user code, and what is needed to poll for the tokens that it stands for.
pub struct DeviceAuthorization {
    /// What the person types.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: String,
    /// The same with the code in it, for a QR code, where the provider has one.
    pub verification_uri_complete: Option<String>,
    /// When it is too late.
    pub expires_at: Timestamp,
    /// How long to wait before the next poll. Grows when the provider asks for that, or can't be reached.
    pub interval: Duration,
    /// The scopes that are asked for.
    pub scopes: Vec<String>,
    device_code: Secret,
}

/// What a poll brought.
#[derive(Debug)]
pub enum Poll {
    /// The person has not decided yet: poll again after the interval.
    Pending,
    /// They consented.
    Granted(Box<Tokens>),
}

/// Why polling is over.
#[derive(Debug, thiserror::Error)]
pub enum DevicePoll {
    /// The person said no (RFC 8628 section 3.5).
    #[error("{provider}: access was denied; start again if that was a mistake")]
    Denied {
        /// The provider.
        provider: &'static str,
    },
    /// Nobody typed the code in time (RFC 8628 section 3.5).
    #[error("{provider}: nobody typed the code in time; start again")]
    Expired {
        /// The provider.
        provider: &'static str,
    },
    /// The provider refused, or answered something that can't be read.
    #[error(transparent)]
    Failed(#[from] TokenFailure),
}

impl TokenClient<'_> {
    /// Asks for a user code (RFC 8628 section 3.1).
    ///
    /// # Errors
    /// When the provider offers no such grant, refuses, or answers something that can't be read.
    pub async fn device_authorization(&self) -> Result<DeviceAuthorization, TokenFailure> {
        let nothing = Secret::new("");
        let step = Step::DeviceAuthorization;
        let scopes = scopes(self.provider, self.parameters, None);
        let mut pairs = Vec::new();
        if !scopes.is_empty() {
            let separator = self.provider.descriptor().oauth2().scope_separator;
            pairs.push(("scope", scopes.join(separator)));
        }
        let endpoint = self.endpoint(step, &nothing)?;
        let host = endpoint.url.host_str().unwrap_or_default().to_owned();
        let judge = self.judge(step, host, &nothing, None);
        let answer = self.send(&judge, &endpoint, &self.form(pairs)).await?;
        let object = judge.object(&answer)?;
        let text = |field: &str| string(&object, field).ok_or_else(|| judge.lacks(&answer, field));
        let verification_uri = string(&object, "verification_uri")
            // Before the RFC it had this name.
            .or_else(|| string(&object, "verification_url"))
            .filter(|uri| endpoint::is_endpoint(uri))
            .ok_or_else(|| judge.lacks(&answer, "verification_uri"))?;
        let lifetime = seconds(&object, "expires_in").unwrap_or(LIFETIME);
        Ok(DeviceAuthorization {
            device_code: Secret::new(text("device_code")?),
            user_code: text("user_code")?,
            verification_uri,
            verification_uri_complete: string(&object, "verification_uri_complete")
                .filter(|uri| endpoint::is_endpoint(uri)),
            expires_at: saturating_add(self.clock.now(), lifetime),
            interval: seconds(&object, "interval").map_or(INTERVAL, bounded),
            scopes,
        })
    }

    /// Asks once whether the person has decided (RFC 8628 section 3.4). To be called after each `interval`.
    ///
    /// # Errors
    /// When polling is over: denied, too late, refused.
    pub async fn poll_device(&self, device: &mut DeviceAuthorization) -> Result<Poll, DevicePoll> {
        let provider = self.provider.descriptor().id;
        if device.expires_at <= self.clock.now() {
            return Err(DevicePoll::Expired { provider });
        }
        let step = Step::DeviceToken;
        let code = device.device_code.duplicate();
        let endpoint = self.endpoint(step, &code)?;
        let host = endpoint.url.host_str().unwrap_or_default().to_owned();
        let judge = self.judge(step, host, &code, None);
        let pairs = vec![
            ("grant_type", GRANT_TYPE.to_owned()),
            ("device_code", code.expose().to_owned()),
        ];
        let answer = match self.send(&judge, &endpoint, &self.form(pairs)).await {
            Ok(answer) => answer,
            Err(failure) => return device.later(failure),
        };
        match judge.tokens(&answer) {
            Ok(tokens) => Ok(Poll::Granted(Box::new(tokens))),
            Err(failure) => device.go_on(provider, failure),
        }
    }

    /// A form POST as the RFC has it, the client's id in it; the descriptor shapes it further.
    fn form(&self, pairs: Vec<(&str, String)>) -> http::Request<Vec<u8>> {
        let id = self
            .parameters
            .field(OAuthField::ClientId)
            .unwrap_or_default();
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .append_pair("client_id", id)
            .finish();
        http::Request::new(body.into_bytes())
    }
}

impl DeviceAuthorization {
    /// What a refusal means for the polling (RFC 8628 section 3.5).
    fn go_on(&mut self, provider: &'static str, failure: TokenFailure) -> Result<Poll, DevicePoll> {
        match failure.details.error_code.as_deref() {
            Some("authorization_pending") => Ok(Poll::Pending),
            Some("slow_down") => {
                self.interval = bounded(self.interval + SLOWER_BY);
                Ok(Poll::Pending)
            }
            Some("access_denied") => Err(DevicePoll::Denied { provider }),
            Some("expired_token") => Err(DevicePoll::Expired { provider }),
            _ => self.later(failure),
        }
    }

    /// Whoever can't be reached is asked again, half as often (RFC 8628 section 3.5). A success that can't be read is no
    /// such thing: asked again, the code is spent.
    fn later(&mut self, failure: TokenFailure) -> Result<Poll, DevicePoll> {
        let is_read = !matches!(failure.details.reason, Reason::Unreadable(_));
        if is_read && failure.is_transient() {
            let asked = match failure.outcome {
                Outcome::Busy { retry_after } => retry_after,
                _ => None,
            };
            self.interval = bounded(asked.unwrap_or(self.interval * 2).max(self.interval));
            return Ok(Poll::Pending);
        }
        Err(failure.into())
    }
}

fn bounded(interval: Duration) -> Duration {
    interval.clamp(Duration::from_secs(1), LONGEST_INTERVAL)
}

fn string(object: &Map<String, Value>, field: &str) -> Option<String> {
    let text = lookup(object, field)?.as_str()?;
    (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
}

/// A number of seconds, or its text.
fn seconds(object: &Map<String, Value>, field: &str) -> Option<Duration> {
    let value = lookup(object, field)?;
    let seconds = value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    Some(Duration::from_secs(seconds))
}

/// Without the device code.
impl fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAuthorization")
            .field("verification_uri", &self.verification_uri)
            .field("expires_at", &self.expires_at)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
