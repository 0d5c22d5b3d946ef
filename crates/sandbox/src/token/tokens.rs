//! The answer that carries tokens.

use serde_json::Value;
use tieline_core::Secret;

use super::Ask;
use crate::grants::{Approved, GrantId, Pair, SetId};
use crate::reply::{Failure, Reply};
use crate::rules::Answer;
use crate::server::State;
use crate::template::{Values, without};

/// What a client is told of one token set.
pub(super) struct Issued {
    pub(super) set: SetId,
    pub(super) access_token: Secret,
    /// New, or the one it sent; none where there are none.
    pub(super) refresh_token: Option<Secret>,
}

/// Opens a grant, and answers with its first tokens.
pub(super) fn of_new_grant(
    ask: &Ask<'_>,
    state: &mut State,
    approved: Approved,
) -> Result<(GrantId, Reply), Failure> {
    let refreshes = ask.rules.refresh.is_some();
    let (main, user) = (Pair::random(refreshes)?, Pair::random(refreshes)?);
    let opened = state.grants.open(approved);
    let mut issue = |set: Option<SetId>, pair: Pair| {
        let set = set?;
        state.grants.issue(set, &pair, ask.rules, ask.now);
        Some(Issued {
            set,
            access_token: pair.access_token,
            refresh_token: pair.refresh_token,
        })
    };
    let (main, user) = (issue(opened.main, main), issue(opened.user, user));
    let reply = reply(ask, state, &ask.rules.answer, main.as_ref(), user.as_ref());
    Ok((opened.grant, reply))
}

/// Fills `answer`; what it says of tokens that are not there is left out.
pub(super) fn reply(
    ask: &Ask<'_>,
    state: &State,
    answer: &Answer,
    main: Option<&Issued>,
    user: Option<&Issued>,
) -> Reply {
    let rules = ask.rules;
    let mut values = Values::new();
    let set = main.or(user).map(|issued| state.grants.set(issued.set));
    if let Some(set) = set {
        values = ask.vendor.account_values(set.account);
    }
    let refresh_token = |issued: Option<&Issued>| {
        issued.and_then(|issued| Some(issued.refresh_token.as_ref()?.expose().to_owned()))
    };
    let access_token =
        |issued: Option<&Issued>| issued.map(|issued| issued.access_token.expose().to_owned());
    let scope = |issued: Option<&Issued>| {
        issued.map(|issued| {
            let scope = &state.grants.set(issued.set).scope;
            scope.replace(' ', &rules.scope_separator)
        })
    };
    let left = refresh_token(main)
        .or_else(|| refresh_token(user))
        .and_then(|token| state.grants.seconds_left(&token, ask.now));
    let stated: [(&str, Option<Value>); 8] = [
        ("access_token", access_token(main).map(Value::from)),
        ("refresh_token", refresh_token(main).map(Value::from)),
        ("scope", scope(main).map(Value::from)),
        ("user_access_token", access_token(user).map(Value::from)),
        ("user_refresh_token", refresh_token(user).map(Value::from)),
        ("user_scope", scope(user).map(Value::from)),
        ("refresh_expires_in", left.map(Value::from)),
        (
            "expires_in",
            rules.access_token_lifetime_seconds.map(Value::from),
        ),
    ];
    let mut missing = Vec::new();
    for (name, value) in stated {
        match value {
            Some(value) => drop(values.insert(name.to_owned(), value)),
            None => missing.push(name),
        }
    }
    let answer = Answer {
        body: without(&answer.body, &missing),
        ..answer.clone()
    };
    Reply::fill(&answer, &values)
}
