//! The device authorization endpoint (RFC 8628), and the devices that wait for somebody to decide.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use tieline_core::Timestamp;
use tieline_core::clock::saturating_add;
use tieline_core::random::{self, NoRandomness};

use crate::grants::Asked;
use crate::hosts::{Site, UNKNOWN_HOST, elsewhere};
use crate::ledger::Outcome;
use crate::reply::{Done, Failure, Reply, refuse};
use crate::rules::{AuthorizationRules, DeviceRules, TokenRules};
use crate::seen::Seen;
use crate::server::State;
use crate::token;
use crate::vendor::Vendor;

/// Longer with each poll that comes too early (section 3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// All devices that ever asked, by device code.
#[derive(Default)]
pub(crate) struct Devices(HashMap<String, Device>);

/// A device that asked for consent.
pub(crate) struct Device {
    user_code: String,
    /// Where it asked: only accounts that are there can approve.
    site: Site,
    asked: Asked,
    expires_at: Timestamp,
    interval: Duration,
    polled_at: Option<Timestamp>,
    decision: Decision,
}

/// How far a device has come.
enum Decision {
    Open,
    Approved(usize),
    Denied,
    /// Its code was spent.
    Done,
}

/// What a poll finds.
pub(crate) enum Poll {
    Unknown,
    Expired,
    TooEarly,
    Open,
    Denied,
    Spent,
    Approved(usize, Asked),
}

/// Why a device can't be decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotDecided(pub(crate) &'static str);

/// Answers a device that asks for its codes (section 3.1), in the format of the token endpoint.
pub(crate) fn answer(
    vendor: &Vendor,
    rules: (&DeviceRules, &TokenRules, &AuthorizationRules),
    state: &mut State,
    seen: &Seen,
    now: Timestamp,
) -> Done {
    let (device, tokens, scopes) = rules;
    if vendor
        .accounts_at(&seen.site, device.host.as_deref())
        .is_empty()
    {
        return elsewhere(UNKNOWN_HOST).into_done();
    }
    let errors = &tokens.errors;
    let done = token::form(errors, seen, "POST").and_then(|form| {
        token::authenticate(vendor, errors, seen, &device.client_authentication)?;
        let asked = scopes
            .asked(form)
            .map_err(|reason| refuse(&errors.invalid_scope, reason))?;
        let reply = start(vendor, device, state, seen, asked, now)?;
        Ok(Done {
            reply,
            outcome: Outcome::DeviceStarted,
        })
    });
    let done = done
        .map(token::not_stored)
        .unwrap_or_else(Failure::into_done);
    token::in_format(tokens, seen, done)
}

/// Section 3.2.
fn start(
    vendor: &Vendor,
    rules: &DeviceRules,
    state: &mut State,
    seen: &Seen,
    asked: Asked,
    now: Timestamp,
) -> Result<Reply, NoRandomness> {
    let device_code = random::token()?;
    let user_code = user_code()?;
    let origin = match &seen.site {
        Site::Own => vendor.base_url.clone(),
        Site::Named(host) => format!("https://{host}"),
    };
    let verification_uri = format!("{origin}{}", rules.verification_uri);
    let mut body = json!({
        "device_code": device_code.expose(),
        "user_code": user_code,
        "verification_uri": verification_uri,
        "expires_in": rules.lifetime_seconds,
        "interval": rules.interval_seconds,
    });
    if rules.verification_uri_complete {
        body["verification_uri_complete"] =
            format!("{verification_uri}?user_code={user_code}").into();
    }
    let device = Device {
        user_code,
        site: seen.site.clone(),
        asked,
        expires_at: saturating_add(now, Duration::from_secs(rules.lifetime_seconds)),
        interval: Duration::from_secs(rules.interval_seconds),
        polled_at: None,
        decision: Decision::Open,
    };
    state
        .devices
        .0
        .insert(device_code.expose().to_owned(), device);
    Ok(Reply::new(200, "application/json", body.to_string()))
}

/// Eight letters that spell nothing and look like no other (section 6.1).
fn user_code() -> Result<String, NoRandomness> {
    const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
    let letters =
        random::bytes::<8>()?.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let (left, right) = letters.split_at(4);
    Ok(left.iter().chain(&['-']).chain(right).collect())
}

impl Devices {
    /// A device asks how far it is.
    pub(crate) fn poll(&mut self, device_code: &str, now: Timestamp) -> Poll {
        let Some(device) = self.0.get_mut(device_code) else {
            return Poll::Unknown;
        };
        let before = device.polled_at.replace(now);
        let is_early = before.is_some_and(|before| now < saturating_add(before, device.interval));
        match device.decision {
            Decision::Done => Poll::Spent,
            _ if now >= device.expires_at => Poll::Expired,
            _ if is_early => {
                device.interval = device.interval.saturating_add(SLOWER);
                Poll::TooEarly
            }
            Decision::Open => Poll::Open,
            Decision::Denied => Poll::Denied,
            Decision::Approved(account) => Poll::Approved(account, device.asked.clone()),
        }
    }

    pub(crate) fn spend(&mut self, device_code: &str) {
        if let Some(device) = self.0.get_mut(device_code) {
            device.decision = Decision::Done;
        }
    }

    /// A user types the code in, and approves as the first account that is there, or the named one.
    pub(crate) fn approve(
        &mut self,
        vendor: &Vendor,
        user_code: &str,
        account: Option<&str>,
        now: Timestamp,
    ) -> Result<(), NotDecided> {
        let rules = vendor.rules.device.as_ref();
        let host = rules.and_then(|rules| rules.host.as_deref());
        let device = self.open(user_code, now)?;
        let account = vendor
            .account_named(&vendor.accounts_at(&device.site, host), account)
            .ok_or(NotDecided("nobody has this account"))?;
        device.decision = Decision::Approved(account);
        Ok(())
    }

    pub(crate) fn deny(&mut self, user_code: &str, now: Timestamp) -> Result<(), NotDecided> {
        self.open(user_code, now)?.decision = Decision::Denied;
        Ok(())
    }

    fn open(&mut self, user_code: &str, now: Timestamp) -> Result<&mut Device, NotDecided> {
        let device = self
            .0
            .values_mut()
            .find(|device| device.user_code == user_code)
            .ok_or(NotDecided("the user code is unknown"))?;
        match device.decision {
            Decision::Open if now < device.expires_at => Ok(device),
            Decision::Open => Err(NotDecided("the user code has expired")),
            _ => Err(NotDecided("somebody decided before")),
        }
    }

    /// Every code, dead or alive.
    pub(crate) fn all_secrets(&self) -> impl Iterator<Item = &String> {
        let codes = self.0.iter();
        codes.flat_map(|(device_code, device)| [device_code, &device.user_code])
    }
}
