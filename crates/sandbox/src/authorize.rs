//! The authorization endpoint: checks the request, asks the user, sends them back with a code.

use std::time::Duration;

use http::Method;
use tieline_core::clock::saturating_add;
use tieline_core::{Timestamp, random};
use url::{Host, Url};

use crate::form::Form;
use crate::grants::{Approved, Challenge, Code};
use crate::ledger::Outcome;
use crate::page;
use crate::reply::{Done, Failure, Reply};
use crate::rules::PkceMethod;
use crate::server::{Seen, State, Vendor};
use crate::template::fill_text;
use crate::token::is_pkce;

/// An authorization request that waits for the user's decision.
pub(crate) struct Pending {
    callback: Callback,
    scope: String,
    challenge: Option<Challenge>,
}

/// Where the user goes back to.
struct Callback {
    /// As the client wrote it: the token request must repeat it to the letter.
    redirect_uri: String,
    url: Url,
    state: Option<String>,
}

/// A request that is sent back to the client with an error (RFC 6749, section 4.1.2.1).
struct Flaw {
    error: &'static str,
    reason: &'static str,
}

/// Answers a request to the authorization endpoint, or the consent form that it showed.
pub(crate) fn answer(
    vendor: &Vendor,
    state: &mut State,
    seen: &Seen,
    now: Timestamp,
) -> Result<Done, Failure> {
    match seen.method {
        Method::GET => ask(vendor, state, seen),
        Method::POST => decide(vendor, state, seen, now),
        _ => Err(Reply::method_not_allowed("GET, POST")),
    }
}

fn ask(vendor: &Vendor, state: &mut State, seen: &Seen) -> Result<Done, Failure> {
    let query = seen
        .query
        .as_ref()
        .ok_or_else(|| shown(vendor, "the query is not UTF-8"))?;
    let callback = callback(vendor, query).map_err(|reason| shown(vendor, reason))?;
    let (scope, challenge) = match check(vendor, query) {
        Ok(checked) => checked,
        Err(Flaw { error, reason }) => {
            let parameters = [
                ("error", error.to_owned()),
                ("error_description", reason.to_owned()),
            ];
            let reply = callback.redirect(vendor, parameters.into_iter());
            return Ok(Done {
                reply,
                outcome: Outcome::Refused { reason },
            });
        }
    };
    let ticket = random::token()?.expose().to_owned();
    let page = page::consent(vendor, &callback.url, &scope, &ticket);
    state.pending.insert(
        ticket,
        Pending {
            callback,
            scope,
            challenge,
        },
    );
    Ok(Done {
        reply: page::reply(200, page),
        outcome: Outcome::Asked,
    })
}

/// Whatever is wrong with `client_id` or `redirect_uri` is shown and never redirected.
fn callback(vendor: &Vendor, query: &Form) -> Result<Callback, &'static str> {
    if query.repeats("client_id") || query.repeats("redirect_uri") {
        return Err("client_id or redirect_uri is repeated");
    }
    let id = query.get("client_id").ok_or("client_id is missing")?;
    if id != vendor.client.id {
        return Err("client_id is unknown");
    }
    let redirect_uri = query.get("redirect_uri").ok_or("redirect_uri is missing")?;
    let url = Url::parse(redirect_uri).map_err(|_| "redirect_uri is not an absolute URI")?;
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("redirect_uri has a fragment or a user in it");
    }
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        return Err("redirect_uri must be https, or http on loopback");
    }
    let state = query.get("state").map(str::to_owned);
    Ok(Callback {
        redirect_uri: redirect_uri.to_owned(),
        url,
        state,
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn check(vendor: &Vendor, query: &Form) -> Result<(String, Option<Challenge>), Flaw> {
    let rules = &vendor.rules.authorization;
    let flaw = |error, reason| Err(Flaw { error, reason });
    if query.repeats_any() {
        return flaw("invalid_request", "a parameter is repeated");
    }
    match query.get("response_type") {
        Some("code") => {}
        None => return flaw("invalid_request", "response_type is missing"),
        Some(_) => return flaw("unsupported_response_type", "response_type must be code"),
    }
    let scope = match query.get("scope") {
        None if rules.scope_required => return flaw("invalid_scope", "scope is missing"),
        None => rules.scopes.join(" "),
        Some(scope)
            if scope
                .split(' ')
                .all(|one| rules.scopes.iter().any(|known| known == one)) =>
        {
            scope.to_owned()
        }
        Some(_) => return flaw("invalid_scope", "scope has a value that doesn't exist"),
    };
    Ok((scope, challenge(vendor, query)?))
}

/// PKCE (RFC 7636, section 4.3): without `code_challenge_method` the method is plain.
fn challenge(vendor: &Vendor, query: &Form) -> Result<Option<Challenge>, Flaw> {
    let rules = &vendor.rules.authorization.pkce;
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

/// The consent form: one decision to a page.
fn decide(
    vendor: &Vendor,
    state: &mut State,
    seen: &Seen,
    now: Timestamp,
) -> Result<Done, Failure> {
    let form = seen
        .form
        .as_ref()
        .ok_or_else(|| shown(vendor, "the form is not UTF-8"))?;
    let approves = match form.get("decision") {
        Some("approve") => true,
        Some("deny") => false,
        _ => return Err(shown(vendor, "the decision is neither approve nor deny")),
    };
    let name = form.get("account");
    let account = vendor
        .rules
        .accounts
        .iter()
        .position(|account| name.is_none_or(|name| name == account.name));
    let account = account.ok_or_else(|| shown(vendor, "nobody has this account"))?;
    let pending = form
        .get("ticket")
        .and_then(|ticket| state.pending.remove(ticket));
    let pending = pending.ok_or_else(|| {
        shown(
            vendor,
            "this page was answered before, or is from elsewhere",
        )
    })?;
    if !approves {
        let reply = pending
            .callback
            .redirect(vendor, [("error", "access_denied".to_owned())].into_iter());
        return Ok(Done {
            reply,
            outcome: Outcome::Denied,
        });
    }
    let rules = &vendor.rules.authorization;
    let code = random::token()?.expose().to_owned();
    let mut values = vendor.account_values(account);
    values.insert("scope".to_owned(), pending.scope.as_str().into());
    let extra = rules
        .callback
        .iter()
        .map(|(name, text)| (name.as_str(), fill_text(text, &values)));
    let reply = pending
        .callback
        .redirect(vendor, std::iter::once(("code", code.clone())).chain(extra));
    let lifetime = Duration::from_secs(rules.code_lifetime_seconds);
    state.grants.codes.insert(
        code,
        Code {
            approved: Approved {
                account,
                scope: pending.scope,
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

fn shown(vendor: &Vendor, reason: &'static str) -> Failure {
    let reply = page::reply(400, page::refusal(vendor, reason));
    Failure::Refused(Done {
        reply,
        outcome: Outcome::Refused { reason },
    })
}

impl Callback {
    /// 303, so that the browser drops the form (RFC 9700, section 4.12).
    fn redirect<'a>(
        &self,
        vendor: &Vendor,
        parameters: impl Iterator<Item = (&'a str, String)>,
    ) -> Reply {
        let mut url = self.url.clone();
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(parameters);
            query.extend_pairs(self.state.iter().map(|state| ("state", state)));
            if vendor.rules.authorization.issuer_in_callback {
                query.append_pair("iss", &vendor.base_url);
            }
        }
        let location = ("location".to_owned(), url.into());
        Reply {
            status: 303,
            headers: vec![location],
            body: Vec::new(),
        }
    }
}
