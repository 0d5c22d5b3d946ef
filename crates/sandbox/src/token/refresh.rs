//! A refresh token is taken for new tokens (RFC 6749, section 6).

use std::time::Duration;

use tieline_core::Secret;
use tieline_core::clock::saturating_add;

use super::tokens::{self, Issued};
use super::{Ask, required};
use crate::grants::{Dead, Pair, Refreshable};
use crate::ledger::Outcome;
use crate::reply::{Done, Failure, refuse};
use crate::rules::Reuse;
use crate::server::State;

pub(super) fn answer(ask: &Ask<'_>, state: &mut State) -> Result<Done, Failure> {
    let rules = ask.rules;
    let token = required(
        ask.form,
        "refresh_token",
        &rules.errors.invalid_request,
        "refresh_token is missing",
    )?;
    if let Some((_, set)) = state.grants.known(token) {
        ask.check_host(state.grants.set(set).account)?;
    }
    let window = Duration::from_secs(rules.refresh_token_reuse_window_seconds);
    let found = state.grants.refreshable(token, window, ask.now);
    let Refreshable {
        set,
        issued_at,
        again,
    } = found.map_err(|dead| refused(ask, state, dead))?;
    check_scope(ask, &state.grants.set(set).scope)?;
    let stays_until = Duration::from_secs(rules.refresh_token_rotates_after_seconds);
    let stays = ask.now < saturating_add(issued_at, stays_until);
    let pair = Pair::random(rules.refresh_token_rotates && !stays)?;
    if pair.refresh_token.is_some() {
        state.grants.spend(token, ask.now);
    }
    // Within the window, what the first refresh gave stays good.
    if rules.old_access_token_dies == Some(true) && !again {
        state.grants.end_access_tokens(Some(set));
    }
    state.grants.issue(set, &pair, rules, ask.now);
    state.grants.count_refresh(set);
    let issued = Issued {
        set,
        access_token: pair.access_token,
        refresh_token: pair.refresh_token.or_else(|| Some(Secret::from(token))),
    };
    let answer = rules.refresh_answer.as_ref().unwrap_or(&rules.answer);
    let reply = tokens::reply(ask, state, answer, Some(&issued), None);
    Ok(Done {
        reply,
        outcome: Outcome::Refreshed,
    })
}

/// One that was spent before may take its grant along.
fn refused(ask: &Ask<'_>, state: &mut State, dead: Dead) -> Failure {
    if let (Dead::Spent(grant), Some(Reuse::RevokesGrant)) = (dead, ask.rules.refresh_token_reuse) {
        state.grants.revoke(grant);
    }
    let spellings = &ask.rules.errors.dead_refresh_token;
    refuse(state.dead_refresh_token.next(spellings), dead.reason())
}

/// A request may narrow the scope; the answer does not show it.
fn check_scope(ask: &Ask<'_>, granted: &str) -> Result<(), Failure> {
    let separator = ask.vendor.scope_separator();
    let within = |scope: &str| {
        scope
            .split(separator)
            .all(|scope| granted.split(' ').any(|granted| granted == scope))
    };
    if ask.form.get("scope").is_none_or(within) {
        Ok(())
    } else {
        Err(refuse(
            &ask.rules.errors.invalid_scope,
            "scope exceeds what was granted",
        ))
    }
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
