//! The small REST API behind the access tokens and keys.

use http::header::{CONTENT_TYPE, USER_AGENT};
use tieline_core::Timestamp;

use crate::credential;
use crate::hosts::{OTHER_HOST, UNKNOWN_HOST, elsewhere};
use crate::ledger::Outcome;
use crate::reply::{Done, Failure, Reply, refuse};
use crate::rules::Answer;
use crate::seen::Seen;
use crate::server::State;
use crate::template::fill_text;
use crate::vendor::Vendor;

/// Serves a call: who asks, where the vendor wants that told, then the token, the limits and the route. A gateway
/// doesn't tell strangers what exists.
pub(crate) fn answer(vendor: &Vendor, state: &mut State, seen: &Seen, now: Timestamp) -> Done {
    if let Some(answer) = &vendor.rules.api.errors.no_user_agent
        && !names_user_agent(seen)
    {
        return refuse(answer, "no User-Agent header").into_done();
    }
    let host = vendor.rules.api.host.as_deref();
    if vendor.accounts_at(&seen.site, host).is_empty() {
        return elsewhere(UNKNOWN_HOST).into_done();
    }
    let account = account(vendor, state, seen, now);
    let mut done = match account {
        Err(unknown) => Err(unknown.refusal(vendor)),
        Ok(account) => serve(vendor, state, seen, account, now),
    }
    .unwrap_or_else(Failure::into_done);
    add_headers(vendor, state, account.ok(), now, &mut done.reply);
    done
}

fn names_user_agent(seen: &Seen) -> bool {
    let header = seen.headers.get(USER_AGENT);
    header.is_some_and(|value| !value.as_bytes().trim_ascii().is_empty())
}

/// Answers "too many requests" without looking any further.
pub(crate) fn throttle(vendor: &Vendor, state: &mut State, seen: &Seen, now: Timestamp) -> Done {
    let account = account(vendor, state, seen, now).ok();
    let mut done = throttled(vendor, state, account);
    add_headers(vendor, state, account, now, &mut done.reply);
    done
}

/// Why a call speaks for nobody.
#[derive(Debug, Clone, Copy)]
enum Unknown {
    NoToken,
    Dead,
    /// The account is at another host.
    Elsewhere,
}

impl Unknown {
    fn refusal(self, vendor: &Vendor) -> Failure {
        let errors = &vendor.rules.api.errors;
        match self {
            Self::NoToken => refuse(&errors.no_token, "no access token"),
            Self::Dead => refuse(&errors.dead_token, "the access token is not alive"),
            Self::Elsewhere => refuse(&errors.dead_token, OTHER_HOST),
        }
    }
}

/// The account that a call's token or key speaks for.
fn account(vendor: &Vendor, state: &State, seen: &Seen, now: Timestamp) -> Result<usize, Unknown> {
    let rules = &vendor.rules.api;
    let credential = credential::read(&rules.token, &seen.headers).ok_or(Unknown::NoToken)?;
    let of_token = || {
        let set = state.grants.live(&credential, now)?;
        Some(state.grants.set(set).account)
    };
    let of_key = || {
        let account = vendor.rules.keys().position(|key| key == credential)?;
        (!state.keys_ended).then_some(account)
    };
    let account = of_token().or_else(of_key).ok_or(Unknown::Dead)?;
    if vendor.is_at(&seen.site, rules.host.as_deref(), account) {
        Ok(account)
    } else {
        Err(Unknown::Elsewhere)
    }
}

fn serve(
    vendor: &Vendor,
    state: &mut State,
    seen: &Seen,
    account: usize,
    now: Timestamp,
) -> Result<Done, Failure> {
    let rules = &vendor.rules.api;
    if !state.enforce_limits {
        state.counters.count(&rules.limits, account, now);
    } else if !state.counters.take(&rules.limits, account, now) {
        return Ok(throttled(vendor, state, Some(account)));
    }
    let values = vendor.account_values(account);
    let found = rules.routes.iter().find(|route| {
        route.method == seen.method.as_str() && fill_text(&route.path, &values) == seen.path
    });
    let Some(route) = found else {
        return Err(refuse(&rules.errors.not_found, "nothing is there"));
    };
    let reply = if route.echoes() {
        let content_type = seen
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        Reply::new(
            200,
            content_type.unwrap_or("application/octet-stream"),
            seen.body.clone(),
        )
    } else {
        let answer = Answer {
            status: 200,
            headers: Default::default(),
            body: route.body.clone(),
        };
        Reply::fill(&answer, &values)
    };
    Ok(Done {
        reply,
        outcome: Outcome::Served,
    })
}

fn throttled(vendor: &Vendor, state: &mut State, account: Option<usize>) -> Done {
    let answer = state.throttled.next(&vendor.rules.api.errors.throttled);
    let values = account
        .map(|account| vendor.account_values(account))
        .unwrap_or_default();
    Done {
        reply: Reply::fill(answer, &values),
        outcome: Outcome::Throttled,
    }
}

fn add_headers(
    vendor: &Vendor,
    state: &State,
    account: Option<usize>,
    now: Timestamp,
    reply: &mut Reply,
) {
    let rules = &vendor.rules.api;
    let mut values = account
        .map(|account| vendor.account_values(account))
        .unwrap_or_default();
    state
        .counters
        .describe(&rules.limits, account, now, &mut values);
    reply.headers.extend(
        rules
            .headers
            .iter()
            .map(|(name, text)| (name.clone(), fill_text(text, &values))),
    );
}
