//! The token endpoint: something is spent for new tokens.

mod client_credentials;
mod device;
mod exchange;
mod refresh;
mod tokens;

use http::HeaderMap;
use http::header::{ACCEPT, CACHE_CONTROL};
use tieline_core::Timestamp;

use crate::client_auth::ClientAuth;
use crate::form::Form;
use crate::hosts::{OTHER_HOST, UNKNOWN_HOST, elsewhere};
use crate::reply::{Done, Failure, Reply, refuse};
use crate::rules::{Answer, StepRules, TokenErrors, TokenRules};
use crate::seen::Seen;
use crate::server::State;
use crate::vendor::Vendor;

/// A request for tokens.
struct Ask<'a> {
    vendor: &'a Vendor,
    rules: &'a TokenRules,
    seen: &'a Seen,
    form: &'a Form,
    now: Timestamp,
}

/// Answers a request to the token endpoint (RFC 6749, section 3.2), in the format that the vendor chooses.
pub(crate) fn answer(
    vendor: &Vendor,
    rules: &TokenRules,
    state: &mut State,
    seen: &Seen,
    now: Timestamp,
) -> Done {
    if vendor
        .accounts_at(&seen.site, rules.host.as_deref())
        .is_empty()
    {
        return elsewhere(UNKNOWN_HOST).into_done();
    }
    let done = form(&rules.errors, seen, "POST").and_then(|form| {
        let ask = Ask {
            vendor,
            rules,
            seen,
            form,
            now,
        };
        grant(&ask, state)
    });
    let done = done.map(not_stored).unwrap_or_else(Failure::into_done);
    in_format(rules, seen, done)
}

/// Turns an answer into a form where the vendor does.
pub(crate) fn in_format(rules: &TokenRules, seen: &Seen, mut done: Done) -> Done {
    if rules.form_unless_json_accepted && !accepts_json(&seen.headers) {
        done.reply.turn_into_form();
    }
    done
}

/// RFC 6749, section 5.1.
pub(crate) fn not_stored(mut done: Done) -> Done {
    done.reply
        .headers
        .push((CACHE_CONTROL.to_string(), "no-store".to_owned()));
    done
}

/// Only a request that names JSON gets it.
fn accepts_json(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn grant(ask: &Ask<'_>, state: &mut State) -> Result<Done, Failure> {
    let rules = ask.rules;
    let steps = (
        &rules.exchange,
        &rules.refresh,
        &rules.device,
        &rules.client_credentials,
    );
    match (ask.form.get("grant_type"), steps) {
        (None, _) => Err(refuse(&rules.errors.no_grant_type, "grant_type is missing")),
        (Some("authorization_code"), (Some(step), ..)) => {
            ask.admit(step)?;
            exchange::answer(ask, state)
        }
        (Some("refresh_token"), (_, Some(step), ..)) => {
            ask.admit(step)?;
            refresh::answer(ask, state)
        }
        (Some("urn:ietf:params:oauth:grant-type:device_code"), (_, _, Some(step), _)) => {
            ask.admit(step)?;
            device::answer(ask, state)
        }
        (Some("client_credentials"), (.., Some(step))) => {
            ask.admit(step)?;
            client_credentials::answer(ask, state)
        }
        (Some(_), _) => Err(refuse(
            &rules.errors.unsupported_grant_type,
            "grant_type is not supported",
        )),
    }
}

impl Ask<'_> {
    /// Lets a client in that proves itself, and whose request has what this step needs.
    fn admit(&self, step: &StepRules) -> Result<(), Failure> {
        let errors = &self.rules.errors;
        authenticate(self.vendor, errors, self.seen, &step.client_authentication)?;
        let mut parameters = step.parameters.iter();
        if !parameters.all(|(name, value)| self.form.get(name) == Some(value.as_str())) {
            let reason = "a parameter that this vendor asks for is missing or has another value";
            return Err(refuse(&errors.invalid_request, reason));
        }
        Ok(())
    }

    /// Refuses what was issued for an account at another host.
    fn check_host(&self, account: usize) -> Result<(), Failure> {
        let host = self.rules.host.as_deref();
        if self.vendor.is_at(&self.seen.site, host, account) {
            Ok(())
        } else {
            Err(elsewhere(OTHER_HOST))
        }
    }
}

/// The parameters of a request that must have this method and repeat none.
pub(crate) fn form<'a>(
    errors: &TokenErrors,
    seen: &'a Seen,
    method: &str,
) -> Result<&'a Form, Failure> {
    if seen.method.as_str() != method {
        return Err(Reply::method_not_allowed(method));
    }
    let form = seen
        .form
        .as_ref()
        .ok_or_else(|| refuse(&errors.invalid_request, "the body is not UTF-8"))?;
    if form.repeats_any() {
        return Err(refuse(&errors.invalid_request, "a parameter is repeated"));
    }
    Ok(form)
}

/// Checks the style of client authentication first, then the credentials.
pub(crate) fn authenticate(
    vendor: &Vendor,
    errors: &TokenErrors,
    seen: &Seen,
    accepted: &[ClientAuth],
) -> Result<(), Failure> {
    if !accepted.contains(&seen.client.style) {
        let reason = match seen.client.style {
            ClientAuth::None => "client authentication is missing",
            ClientAuth::Id => "the client secret is missing",
            ClientAuth::Body => "client credentials in the body are not accepted here",
            ClientAuth::Basic => "an Authorization header is not accepted here",
            ClientAuth::BasicAndId => {
                "client_id beside an Authorization header is not accepted here"
            }
            ClientAuth::Both => "client credentials are given twice",
            ClientAuth::Other => "the Authorization header is not understood",
        };
        return Err(refuse(&errors.wrong_client_authentication, reason));
    }
    if !seen.client.is(&vendor.client) {
        return Err(refuse(&errors.wrong_client, "client id or secret is wrong"));
    }
    Ok(())
}

pub(crate) fn required<'a>(
    form: &'a Form,
    name: &str,
    answer: &Answer,
    reason: &'static str,
) -> Result<&'a str, Failure> {
    form.get(name).ok_or_else(|| refuse(answer, reason))
}
