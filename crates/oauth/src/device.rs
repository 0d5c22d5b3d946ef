//! The device authorization grant (RFC 8628): a code that a person types on another device, and polling until they have
//! decided.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use tieline_core::clock::saturating_add;
use tieline_core::descriptor::{ClientAuthentication, Step};
use tieline_core::{OAuthField, Secret, Timestamp, endpoint};

use crate::authorization::scopes;
use crate::decode::lookup;
use crate::outcome::{Outcome, Reason, TokenFailure};
use crate::token::{TokenClient, Tokens};

/// Between polls, unless the provider says otherwise (RFC 8628 section 3.2).
const INTERVAL: Duration = Duration::from_secs(5);
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// What `slow_down` adds, to this poll and all later ones (RFC 8628 section 3.5).
const SLOWER_BY: Duration = Duration::from_secs(5);
/// Between polls of a provider that can't be reached, unless it asks for more itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
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
    /// At least so long between polls, as the provider asks.
    interval: Duration,
    /// Instead, while the provider can't be reached.
    pause: Option<Duration>,
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
pub enum DeviceRefusal {
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
        let answer = self
            .send(&judge, &endpoint, &self.form(step, pairs))
            .await?;
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
            interval: seconds(&object, "interval")
                .unwrap_or(INTERVAL)
                .max(SHORTEST_INTERVAL),
            pause: None,
            scopes,
        })
    }

    /// Asks once whether the person has decided (RFC 8628 section 3.4). To be called after each [`wait`](DeviceAuthorization::wait).
    ///
    /// # Errors
    /// When polling is over: denied, too late, refused.
    pub async fn poll_device(
        &self,
        device: &mut DeviceAuthorization,
    ) -> Result<Poll, DeviceRefusal> {
        let provider = self.provider.descriptor().id;
        if device.expires_at <= self.clock.now() {
            return Err(DeviceRefusal::Expired { provider });
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
        let answer = match self.send(&judge, &endpoint, &self.form(step, pairs)).await {
            Ok(answer) => answer,
            Err(failure) => return device.later(failure),
        };
        match judge.tokens(&answer) {
            Ok(tokens) => Ok(Poll::Granted(Box::new(tokens))),
            Err(failure) => device.go_on(provider, failure),
        }
    }

    /// A form POST as the RFC has it, with the client's id and, where that belongs in the body, its secret; the descriptor
    /// shapes it further.
    fn form(&self, step: Step, pairs: Vec<(&str, String)>) -> http::Request<Vec<u8>> {
        let field = |field| self.parameters.field(field);
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(pairs);
        body.append_pair("client_id", field(OAuthField::ClientId).unwrap_or_default());
        if let (ClientAuthentication::Body, Some(secret)) = (
            self.style(step).client_authentication,
            field(OAuthField::ClientSecret),
        ) {
            body.append_pair("client_secret", secret);
        }
        http::Request::new(body.finish().into_bytes())
    }
}

impl DeviceAuthorization {
    /// How long to wait before the next poll. Never past the end: whoever polls then is told so.
    pub fn wait(&self, now: Timestamp) -> Duration {
        let left = Duration::try_from(self.expires_at.duration_since(now)).unwrap_or_default();
        self.pause.unwrap_or(self.interval).min(left)
    }

    /// What a refusal means for the polling (RFC 8628 section 3.5).
    fn go_on(
        &mut self,
        provider: &'static str,
        failure: TokenFailure,
    ) -> Result<Poll, DeviceRefusal> {
        match failure.details.error_code.as_deref() {
            Some("authorization_pending") => {}
            Some("slow_down") => self.interval = self.interval.saturating_add(SLOWER_BY),
            Some("access_denied") => return Err(DeviceRefusal::Denied { provider }),
            Some("expired_token") => return Err(DeviceRefusal::Expired { provider }),
            _ => return self.later(failure),
        }
        self.pause = None;
        Ok(Poll::Pending)
    }

    /// Whoever can't be reached is asked again, half as often until it answers (RFC 8628 section 3.5). A success that
    /// can't be read is no such thing: asked again, the code is spent.
    fn later(&mut self, failure: TokenFailure) -> Result<Poll, DeviceRefusal> {
        let is_read = !matches!(failure.details.reason, Reason::Unreadable(_));
        if !is_read || !failure.is_transient() {
            return Err(failure.into());
        }
        let doubled = self.pause.unwrap_or(self.interval).saturating_mul(2);
        let asked = match failure.outcome {
            Outcome::Busy { retry_after } => retry_after,
            _ => None,
        };
        let pause = asked.unwrap_or_else(|| doubled.min(LONGEST_PAUSE));
        self.pause = Some(pause.max(self.interval));
        Ok(Poll::Pending)
    }
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
