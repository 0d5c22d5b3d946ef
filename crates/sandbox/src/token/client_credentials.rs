//! A client asks for an access token of its own (RFC 6749, section 4.4).

use super::tokens::{self, Issued};
use super::{Ask, elsewhere};
use crate::grants::{Approved, Asked, Pair};
use crate::hosts::UNKNOWN_HOST;
use crate::ledger::Outcome;
use crate::reply::{Done, Failure, refuse};
use crate::server::State;

/// It speaks for the first account that is there, and is never refreshed.
pub(super) fn answer(ask: &Ask<'_>, state: &mut State) -> Result<Done, Failure> {
    let rules = ask.rules;
    let accounts = ask
        .vendor
        .accounts_at(&ask.seen.site, rules.host.as_deref());
    let account = *accounts.first().ok_or_else(|| elsewhere(UNKNOWN_HOST))?;
    let scope = ask
        .vendor
        .client_scope(ask.form.get("scope"))
        .map_err(|reason| refuse(&rules.errors.invalid_scope, reason))?;
    let pair = Pair::random(false)?;
    let opened = state.grants.open(Approved {
        account,
        asked: Asked {
            scope: Some(scope),
            user_scope: None,
        },
    });
    let issued = opened.main.map(|set| {
        state.grants.issue(set, &pair, rules, ask.now);
        Issued {
            set,
            access_token: pair.access_token,
            refresh_token: None,
        }
    });
    let answer = rules
        .client_credentials_answer
        .as_ref()
        .unwrap_or(&rules.answer);
    Ok(Done {
        reply: tokens::reply(ask, state, answer, issued.as_ref(), None),
        outcome: Outcome::ClientTokenIssued,
    })
}
