//! The revocation endpoint (RFC 7009).

use tieline_core::Timestamp;

use crate::ledger::Outcome;
use crate::reply::{Done, Failure, Reply};
use crate::rules::RevocationRules;
use crate::server::{Seen, State, Vendor};
use crate::token;

/// Ends a grant by its current refresh token, or one access token. What is not alive is answered as if it were
/// (section 2.2), and a spent refresh token is not alive: whoever kept it revokes nothing.
pub(crate) fn answer(
    vendor: &Vendor,
    rules: &RevocationRules,
    state: &mut State,
    seen: &Seen,
    now: Timestamp,
) -> Result<Done, Failure> {
    let form = token::form(vendor, seen)?;
    token::authenticate(vendor, seen, &rules.client_authentication)?;
    let invalid = &vendor.rules.token.errors.invalid_request;
    let text = token::required(form, "token", invalid, "token is missing")?;
    let outcome = if let Ok(grant) = state.grants.current(text, now) {
        state.grants.revoke(grant);
        Outcome::Revoked
    } else if state.grants.live(text, now).is_some() {
        state.grants.end_access_token(text);
        Outcome::Revoked
    } else {
        Outcome::NothingToRevoke
    };
    Ok(Done {
        reply: Reply {
            status: 200,
            headers: Vec::new(),
            body: Vec::new(),
        },
        outcome,
    })
}
