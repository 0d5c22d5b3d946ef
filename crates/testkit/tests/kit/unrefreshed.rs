//! A descriptor that is wrong about whether there are refresh tokens, or about errors under a status of success.

use tieline_core::descriptor::*;
use tieline_testkit::Promise;
use tieline_testkit::Promise::{
    DeadRefreshToken, Device, DocsCompleteness, Exchange, ExchangeWrongSecret, Redaction, Refresh,
    Revocation, Wire,
};

use super::{assert_broken, described};
use crate::departing::{strict, unrefreshed};
use crate::providers::acme;

#[track_caller]
fn breaks(change: impl FnOnce(&mut OAuth2), promises: &[Promise], words: &[&str]) {
    assert_broken(
        described(unrefreshed(|_, oauth2| change(oauth2))),
        promises,
        words,
    );
}

#[test]
fn refresh_tokens_that_never_come() {
    for rotates in [Rotates::Always, Rotates::Never] {
        let all = [
            Wire,
            Refresh,
            Promise::Rotation,
            DeadRefreshToken,
            Revocation,
            Redaction,
            // Where there is one, how long it lives is to be stated.
            DocsCompleteness,
        ];
        breaks(
            |oauth2| oauth2.rotation.rotates = rotates,
            &all,
            &["the vendor issues no refresh tokens", "`rotation.rotates`"],
        );
    }
}

#[test]
fn refresh_tokens_that_are_denied() {
    let words = &[
        "the descriptor states that there are none",
        "`rotation.rotates`",
    ];
    let denied = strict(|_, oauth2| oauth2.rotation.rotates = Rotates::NoRefreshToken);
    let all = &[
        Wire,
        Refresh,
        Promise::Rotation,
        DeadRefreshToken,
        Redaction,
    ];
    assert_broken(described(denied), all, words);
    let denied = acme(|_, oauth2| oauth2.rotation.rotates = Rotates::NoRefreshToken);
    let all = &[
        Wire,
        Refresh,
        Promise::Rotation,
        DeadRefreshToken,
        Revocation,
        Redaction,
    ];
    assert_broken(described(denied), all, words);
}

#[test]
fn something_else_that_is_taken_for_one() {
    breaks(
        |oauth2| oauth2.answer.fields = &[("refresh_token", "access_token")],
        &[
            Wire,
            Device,
            Exchange,
            Refresh,
            Promise::Rotation,
            DeadRefreshToken,
            Revocation,
            Redaction,
        ],
        &["the refresh token is not the one that the vendor issued"],
    );
}

#[test]
fn facts_about_what_there_is_not() {
    let changes: [fn(&mut Rotation); 4] = [
        |rotation| rotation.reuse_window = minutes(1),
        |rotation| rotation.idle_limit = Some(days(365)),
        |rotation| rotation.old_access_token_dies = Some(false),
        |rotation| rotation.on_reuse = OnReuse::Fails,
    ];
    for change in changes {
        breaks(
            |oauth2| change(&mut oauth2.rotation),
            &[Promise::Rotation],
            &["`rotation` states facts about them"],
        );
    }
    breaks(
        |oauth2| oauth2.rotation.refresh_token_lifetime = Stated::Known(days(1)),
        &[Promise::Rotation],
        &["`rotation.refresh_token_lifetime` is 86400 s, the vendor's is none"],
    );
    breaks(
        |oauth2| oauth2.rotation.access_token_lifetime = Stated::Known(days(1)),
        &[Promise::Rotation],
        &["`rotation.access_token_lifetime` is 86400 s, the vendor's is none"],
    );
    breaks(
        |oauth2| oauth2.answer.default_expires_in = Some(hours(1)),
        &[Device, Exchange],
        &["lives until it is ended and is taken to live 3600 s"],
    );
    breaks(
        |oauth2| {
            oauth2.answer.dead_refresh_token = &[DeadToken {
                error: Some("bad_refresh_token"),
                error_description: None,
            }];
        },
        &[DeadRefreshToken],
        &["`answer.dead_refresh_token` says what a dead one looks like"],
    );
}

#[test]
fn scopes_that_are_not_taken_apart() {
    breaks(
        |oauth2| oauth2.answer.scope_separator = " ",
        &[Exchange],
        &["\"read:user,user:email\"", "`answer.scope_separator`"],
    );
}

#[test]
fn errors_under_a_status_of_success() {
    breaks(
        |oauth2| oauth2.answer.errors = &[("bad_verification_code", "invalid_scope")],
        &[Exchange],
        &[
            "a code that was used before is judged \"rejected\"",
            "`answer.errors`",
        ],
    );
    breaks(
        |oauth2| oauth2.answer.errors = &[("incorrect_client_credentials", "invalid_scope")],
        &[ExchangeWrongSecret],
        &[
            "a wrong client secret is judged \"rejected\"",
            "`answer.errors`",
        ],
    );
}
