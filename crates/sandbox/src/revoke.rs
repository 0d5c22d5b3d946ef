//! The revocation endpoint (RFC 7009), and vendors' variants of it.

use tieline_core::Timestamp;

use crate::hosts::{OTHER_HOST, UNKNOWN_HOST, elsewhere};
use crate::ledger::Outcome;
use crate::reply::{Done, Failure, Reply, refuse};
use crate::rules::{RevocationRules, TokenRules};
use crate::seen::Seen;
use crate::server::State;
use crate::template::Values;
use crate::token;
use crate::vendor::Vendor;

/// Ends a token set by its current refresh token, or one access token. What is not alive is answered as if it were
/// (section 2.2) unless the vendor does otherwise, and a spent refresh token is not alive: whoever kept it revokes nothing.
pub(crate) fn answer(
    vendor: &Vendor,
    rules: &RevocationRules,
    tokens: &TokenRules,
    state: &mut State,
    seen: &Seen,
    now: Timestamp,
) -> Result<Done, Failure> {
    let host = rules.host.as_deref();
    if vendor.accounts_at(&seen.site, host).is_empty() {
        return Err(elsewhere(UNKNOWN_HOST));
    }
    let errors = &tokens.errors;
    let form = token::form(errors, seen, rules.method.name())?;
    token::authenticate(vendor, errors, seen, &rules.client_authentication)?;
    let text = token::required(
        form,
        &rules.token_parameter,
        &errors.invalid_request,
        "the token is missing",
    )?;
    if let Some((kind, set)) = state.grants.known(text) {
        if !vendor.is_at(&seen.site, host, state.grants.set(set).account) {
            return Err(elsewhere(OTHER_HOST));
        }
        if !rules.takes.contains(&kind) {
            return Err(wrong_kind(rules, tokens));
        }
    }
    let outcome = end(state, text, now);
    let answer = match (&rules.dead_token, outcome) {
        (Some(dead), Outcome::NothingToRevoke) => Some(dead),
        _ => rules.answer.as_ref(),
    };
    Ok(Done {
        outcome,
        reply: match answer {
            Some(answer) => Reply::fill(answer, &Values::new()),
            None => Reply {
                status: 200,
                headers: Vec::new(),
                body: Vec::new(),
            },
        },
    })
}

fn wrong_kind(rules: &RevocationRules, tokens: &TokenRules) -> Failure {
    let answer = rules.wrong_token.as_ref();
    refuse(
        answer.unwrap_or(&tokens.errors.invalid_request),
        "tokens of this kind are not revoked here",
    )
}

fn end(state: &mut State, token: &str, now: Timestamp) -> Outcome {
    if let Ok(set) = state.grants.current(token, now) {
        state.grants.revoke_set(set);
        Outcome::Revoked
    } else if state.grants.live(token, now).is_some() {
        state.grants.end_access_token(token);
        Outcome::Revoked
    } else {
        Outcome::NothingToRevoke
    }
}
