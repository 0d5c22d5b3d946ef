//! The authorization endpoint: checks the request, asks the user, sends them back with a code.

use std::time::Duration;

use http::Method;
use tieline_core::clock::saturating_add;
use tieline_core::{Timestamp, random};

use crate::callback::Callback;
use crate::form::Form;
use crate::grants::{Approved, Asked, Challenge, Code};
use crate::hosts::{Site, UNKNOWN_HOST};
use crate::ledger::Outcome;
use crate::page;
use crate::pkce::is_pkce;
use crate::reply::{Done, Failure, Reply};
use crate::rules::{AuthorizationRules, PkceMethod};
use crate::seen::Seen;
use crate::server::State;
use crate::template::fill_text;
use crate::vendor::Vendor;

/// An authorization request that waits for the user's decision.
pub(crate) struct Pending {
    /// Where the page was shown: it is answered there.
    site: Site,
    callback: Callback,
    asked: Asked,
    challenge: Option<Challenge>,
}

/// A request that is sent back to the client with an error (RFC 6749, section 4.1.2.1).
struct Flaw {
    error: &'static str,
    reason: &'static str,
}

/// Answers a request to the authorization endpoint, or the consent form that it showed.
pub(crate) fn answer(
    vendor: &Vendor,
    rules: &AuthorizationRules,
    state: &mut State,
    seen: &Seen,
    now: Timestamp,
) -> Result<Done, Failure> {
    let accounts = vendor.accounts_at(&seen.site, rules.host.as_deref());
    if accounts.is_empty() {
        return Err(shown(vendor, 404, UNKNOWN_HOST));
    }
    match seen.method {
        Method::GET => ask(vendor, rules, &accounts, state, seen),
        Method::POST => {
            let (account, pending, approves) = decision(vendor, &accounts, state, seen)?;
            if approves {
                approve(vendor, rules, state, pending, account, now)
            } else {
                let denied = [("error", "access_denied".to_owned())];
                Ok(Done {
                    reply: pending.callback.redirect(vendor, rules, denied.into_iter()),
                    outcome: Outcome::Denied,
                })
            }
        }
        _ => Err(Reply::method_not_allowed("GET, POST")),
    }
}

fn ask(
    vendor: &Vendor,
    rules: &AuthorizationRules,
    accounts: &[usize],
    state: &mut State,
    seen: &Seen,
) -> Result<Done, Failure> {
    let query = seen
        .query
        .as_ref()
        .ok_or_else(|| shown(vendor, 400, "the query is not UTF-8"))?;
    let callback =
        Callback::read(vendor, rules, query).map_err(|reason| shown(vendor, 400, reason))?;
    let (asked, challenge) = match check(rules, query) {
        Ok(checked) => checked,
        Err(Flaw { error, reason }) => {
            let parameters = [
                ("error", error.to_owned()),
                ("error_description", reason.to_owned()),
            ];
            let reply = callback.redirect(vendor, rules, parameters.into_iter());
            return Ok(Done {
                reply,
                outcome: Outcome::Refused { reason },
            });
        }
    };
    let ticket = random::token()?.expose().to_owned();
    let asks = page::Asks {
        action: &rules.path,
        accounts,
        redirect: &callback.url,
        scope: &asked.all(),
        ticket: &ticket,
    };
    let page = page::consent(vendor, &asks);
    state.pending.insert(
        ticket,
        Pending {
            site: seen.site.clone(),
            callback,
            asked,
            challenge,
        },
    );
    Ok(Done {
        reply: page::reply(200, page),
        outcome: Outcome::Asked,
    })
}

fn check(rules: &AuthorizationRules, query: &Form) -> Result<(Asked, Option<Challenge>), Flaw> {
    let flaw = |error, reason| Err(Flaw { error, reason });
    if query.repeats_any() {
        return flaw("invalid_request", "a parameter is repeated");
    }
    match query.get("response_type") {
        Some("code") => {}
        None => return flaw("invalid_request", "response_type is missing"),
        Some(_) => return flaw("unsupported_response_type", "response_type must be code"),
    }
    let asked = rules.asked(query).map_err(|reason| Flaw {
        error: "invalid_scope",
        reason,
    })?;
    Ok((asked, challenge(rules, query)?))
}

/// PKCE (RFC 7636, section 4.3): without `code_challenge_method` the method is plain.
fn challenge(rules: &AuthorizationRules, query: &Form) -> Result<Option<Challenge>, Flaw> {
    let rules = &rules.pkce;
    let flaw = |reason| {
        Err(Flaw {
            error: "invalid_request",
            reason,
        })
    };
    let method = match query.get("code_challenge_method") {
        Some("S256") => PkceMethod::S256,
        None | Some("plain") => PkceMethod::Plain,
        Some(_) => return flaw("code_challenge_method is unknown"),
    };
    match query.get("code_challenge") {
        None if rules.required => flaw("code_challenge is missing"),
        None => Ok(None),
        Some(_) if !rules.methods.contains(&method) => {
            flaw("code_challenge_method is not accepted")
        }
        Some(text) if !is_pkce(text) => flaw("code_challenge is malformed"),
        Some(text) => Ok(Some(Challenge {
            method,
            challenge: text.to_owned(),
        })),
    }
}

/// What the consent form says: who decides on what, and whether they approve. One decision to a page.
fn decision(
    vendor: &Vendor,
    accounts: &[usize],
    state: &mut State,
    seen: &Seen,
) -> Result<(usize, Pending, bool), Failure> {
    let refuse = |reason| shown(vendor, 400, reason);
    let form = seen
        .form
        .as_ref()
        .ok_or_else(|| refuse("the form is not UTF-8"))?;
    let approves = match form.get("decision") {
        Some("approve") => true,
        Some("deny") => false,
        _ => return Err(refuse("the decision is neither approve nor deny")),
    };
    let account = vendor
        .account_named(accounts, form.get("account"))
        .ok_or_else(|| refuse("nobody has this account"))?;
    let ticket = form.get("ticket").filter(
        |ticket| matches!(state.pending.get(*ticket), Some(pending) if pending.site == seen.site),
    );
    let pending = ticket.and_then(|ticket| state.pending.remove(ticket));
    let pending =
        pending.ok_or_else(|| refuse("this page was answered before, or is from elsewhere"))?;
    Ok((account, pending, approves))
}

fn approve(
    vendor: &Vendor,
    rules: &AuthorizationRules,
    state: &mut State,
    pending: Pending,
    account: usize,
    now: Timestamp,
) -> Result<Done, Failure> {
    let code = random::token()?.expose().to_owned();
    let mut values = vendor.account_values(account);
    let scope = pending.asked.scope.as_deref().unwrap_or_default();
    let scope = scope.replace(' ', &rules.scope_separator);
    values.insert("scope".to_owned(), scope.into());
    values.insert("timestamp".to_owned(), now.as_second().into());
    let extra = rules
        .callback
        .iter()
        .map(|(name, text)| (name.as_str(), fill_text(text, &values)));
    let parameters = std::iter::once(("code", code.clone())).chain(extra);
    let reply = pending.callback.redirect(vendor, rules, parameters);
    let lifetime = Duration::from_secs(rules.code_lifetime_seconds);
    state.grants.codes.insert(
        code,
        Code {
            approved: Approved {
                account,
                asked: pending.asked,
            },
            redirect_uri: pending.callback.redirect_uri,
            challenge: pending.challenge,
            expires_at: saturating_add(now, lifetime),
            spent: None,
        },
    );
    Ok(Done {
        reply,
        outcome: Outcome::Approved,
    })
}

fn shown(vendor: &Vendor, status: u16, reason: &'static str) -> Failure {
    let reply = page::reply(status, page::refusal(vendor, reason));
    Failure::Refused(Done {
        reply,
        outcome: Outcome::Refused { reason },
    })
}
