//! The token endpoint: a code or a refresh token is spent for new tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, Method};
use sha2::{Digest as _, Sha256};
use tieline_core::{Secret, Timestamp};

use crate::client_auth::ClientAuth;
use crate::form::Form;
use crate::grants::{Challenge, Dead, GrantId, Pair};
use crate::ledger::Outcome;
use crate::reply::{Done, Failure, Reply, refuse};
use crate::rules::{Answer, PkceMethod, Reuse};
use crate::server::{Seen, State, Vendor};
use crate::template::Values;

/// Answers a request to the token endpoint (RFC 6749, section 3.2), in the format that the vendor chooses.
pub(crate) fn answer(vendor: &Vendor, state: &mut State, seen: &Seen, now: Timestamp) -> Done {
    let mut done = grant(vendor, state, seen, now)
        .map(not_stored)
        .unwrap_or_else(Failure::into_done);
    if vendor.rules.token.form_unless_json_accepted && !accepts_json(&seen.headers) {
        done.reply.turn_into_form();
    }
    done
}

/// RFC 6749, section 5.1.
fn not_stored(mut done: Done) -> Done {
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

fn grant(vendor: &Vendor, state: &mut State, seen: &Seen, now: Timestamp) -> Result<Done, Failure> {
    let errors = &vendor.rules.token.errors;
    let form = form(vendor, seen)?;
    match (form.get("grant_type"), &vendor.rules.token.refresh) {
        (None, _) => Err(refuse(&errors.no_grant_type, "grant_type is missing")),
        (Some("authorization_code"), _) => exchange(vendor, state, seen, form, now),
        (Some("refresh_token"), Some(step)) => {
            authenticate(vendor, seen, &step.client_authentication)?;
            refresh(vendor, state, form, now)
        }
        (Some(_), _) => Err(refuse(
            &errors.unsupported_grant_type,
            "grant_type is not supported",
        )),
    }
}

/// The form of a request that must be a POST without repeated parameters.
pub(crate) fn form<'a>(vendor: &Vendor, seen: &'a Seen) -> Result<&'a Form, Failure> {
    let errors = &vendor.rules.token.errors;
    if seen.method != Method::POST {
        return Err(Reply::method_not_allowed("POST"));
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
    seen: &Seen,
    accepted: &[ClientAuth],
) -> Result<(), Failure> {
    let errors = &vendor.rules.token.errors;
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

fn exchange(
    vendor: &Vendor,
    state: &mut State,
    seen: &Seen,
    form: &Form,
    now: Timestamp,
) -> Result<Done, Failure> {
    let errors = &vendor.rules.token.errors;
    authenticate(
        vendor,
        seen,
        &vendor.rules.token.exchange.client_authentication,
    )?;
    let dead = |reason| refuse(&errors.dead_code, reason);
    let text = required(form, "code", &errors.invalid_request, "code is missing")?;
    let redirect_uri = required(
        form,
        "redirect_uri",
        &errors.invalid_request,
        "redirect_uri is missing",
    )?;
    let grants = &mut state.grants;
    let code = grants
        .codes
        .get(text)
        .ok_or_else(|| dead("the code is unknown"))?;
    if let Some(grant) = code.spent {
        if vendor.rules.authorization.code_reuse == Reuse::RevokesGrant {
            grants.revoke(grant);
        }
        return Err(dead("the code was used before"));
    }
    if now >= code.expires_at {
        return Err(dead("the code has expired"));
    }
    if redirect_uri != code.redirect_uri {
        return Err(refuse(
            errors
                .redirect_uri_mismatch
                .as_ref()
                .unwrap_or(&errors.dead_code),
            "redirect_uri is not the one of the authorization request",
        ));
    }
    prove(code.challenge.as_ref(), form.get("code_verifier")).map_err(dead)?;
    let pair = Pair::random(&vendor.rules.token)?;
    let grant = grants.open(code.approved.clone());
    if let Some(code) = grants.codes.get_mut(text) {
        code.spent = Some(grant);
    }
    grants.issue(grant, &pair, &vendor.rules.token, now);
    Ok(Done {
        reply: tokens(vendor, state, grant, &pair),
        outcome: Outcome::Exchanged,
    })
}

fn refresh(
    vendor: &Vendor,
    state: &mut State,
    form: &Form,
    now: Timestamp,
) -> Result<Done, Failure> {
    let rules = &vendor.rules.token;
    let token = required(
        form,
        "refresh_token",
        &rules.errors.invalid_request,
        "refresh_token is missing",
    )?;
    let grant = match state.grants.current(token, now) {
        Ok(grant) => grant,
        Err(dead) => {
            if let (Dead::Spent(grant), Some(Reuse::RevokesGrant)) =
                (dead, rules.refresh_token_reuse)
            {
                state.grants.revoke(grant);
            }
            let spelling = state
                .dead_refresh_token
                .next(&rules.errors.dead_refresh_token);
            return Err(refuse(spelling, dead.reason()));
        }
    };
    let granted = &state.grants.approved(grant).scope;
    let within = |scope: &str| {
        scope
            .split(' ')
            .all(|scope| granted.split(' ').any(|granted| granted == scope))
    };
    if !form.get("scope").is_none_or(within) {
        return Err(refuse(
            &rules.errors.invalid_scope,
            "scope exceeds what was granted",
        ));
    }
    let pair = Pair::random(rules)?;
    state.grants.spend(token);
    if rules.old_access_token_dies == Some(true) {
        state.grants.end_access_tokens(Some(grant));
    }
    state.grants.issue(grant, &pair, rules, now);
    Ok(Done {
        reply: tokens(vendor, state, grant, &pair),
        outcome: Outcome::Refreshed,
    })
}

pub(crate) fn required<'a>(
    form: &'a Form,
    name: &str,
    answer: &Answer,
    reason: &'static str,
) -> Result<&'a str, Failure> {
    form.get(name).ok_or_else(|| refuse(answer, reason))
}

/// PKCE (RFC 7636, section 4.6). A verifier without a challenge is refused too: somebody took the challenge out
/// of the authorization request (RFC 9700, section 4.8).
fn prove(challenge: Option<&Challenge>, verifier: Option<&str>) -> Result<(), &'static str> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err("code_verifier without a challenge"),
        (Some(_), None) => Err("code_verifier is missing"),
        (Some(_), Some(verifier)) if !is_pkce(verifier) => Err("code_verifier is malformed"),
        (Some(given), Some(verifier)) => {
            let proven = match given.method {
                PkceMethod::Plain => verifier == given.challenge,
                PkceMethod::S256 => {
                    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == given.challenge
                }
            };
            if proven {
                Ok(())
            } else {
                Err("code_verifier doesn't match the challenge")
            }
        }
    }
}

/// 43 to 128 unreserved characters (RFC 7636, section 4.1).
pub(crate) fn is_pkce(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn tokens(vendor: &Vendor, state: &State, grant: GrantId, pair: &Pair) -> Reply {
    let rules = &vendor.rules.token;
    let approved = state.grants.approved(grant);
    let mut values = vendor.account_values(approved.account);
    let refresh_token = pair.refresh_token.as_ref().map(Secret::expose);
    let scope = approved.scope.replace(' ', &rules.scope_separator);
    values.extend(Values::from_iter([
        ("access_token".to_owned(), pair.access_token.expose().into()),
        ("refresh_token".to_owned(), refresh_token.into()),
        (
            "expires_in".to_owned(),
            rules.access_token_lifetime_seconds.into(),
        ),
        (
            "refresh_expires_in".to_owned(),
            rules.refresh_token_lifetime_seconds.into(),
        ),
        ("scope".to_owned(), scope.into()),
    ]));
    Reply::fill(&rules.answer, &values)
}

impl Dead {
    fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "the refresh token is unknown",
            Self::Expired => "the refresh token has expired",
            Self::Revoked => "the grant was revoked",
            Self::Spent(_) => "the refresh token was used before",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pkce_of_the_rfc() {
        // RFC 7636, appendix B.
        let given = Challenge {
            method: PkceMethod::S256,
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
        };
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(prove(Some(&given), Some(verifier)), Ok(()));
        assert!(prove(Some(&given), Some(&verifier.replace('d', "e"))).is_err());
        assert!(prove(Some(&given), Some("short")).is_err());
        assert!(prove(Some(&given), None).is_err());
        assert!(prove(None, Some(verifier)).is_err());
    }
}
