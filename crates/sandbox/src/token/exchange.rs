//! A code is spent for the first tokens of a grant (RFC 6749, section 4.1.3).

use super::{Ask, required, tokens};
use crate::ledger::Outcome;
use crate::pkce::prove;
use crate::reply::{Done, Failure, refuse};
use crate::rules::Reuse;
use crate::server::State;

pub(super) fn answer(ask: &Ask<'_>, state: &mut State) -> Result<Done, Failure> {
    let errors = &ask.rules.errors;
    let dead = |reason| refuse(&errors.dead_code, reason);
    let text = required(ask.form, "code", &errors.invalid_request, "code is missing")?;
    let redirect_uri = required(
        ask.form,
        "redirect_uri",
        &errors.invalid_request,
        "redirect_uri is missing",
    )?;
    let grants = &mut state.grants;
    let code = grants
        .codes
        .get(text)
        .ok_or_else(|| dead("the code is unknown"))?;
    ask.check_host(code.approved.account)?;
    if let Some(grant) = code.spent {
        let rules = ask.vendor.rules.authorization.as_ref();
        if rules.is_some_and(|rules| rules.code_reuse == Reuse::RevokesGrant) {
            grants.revoke(grant);
        }
        return Err(dead("the code was used before"));
    }
    if ask.now >= code.expires_at {
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
    prove(code.challenge.as_ref(), ask.form.get("code_verifier")).map_err(dead)?;
    let approved = code.approved.clone();
    let (grant, reply) = tokens::of_new_grant(ask, state, approved)?;
    if let Some(code) = state.grants.codes.get_mut(text) {
        code.spent = Some(grant);
    }
    Ok(Done {
        reply,
        outcome: Outcome::Exchanged,
    })
}
