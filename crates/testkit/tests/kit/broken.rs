//! A descriptor that is wrong about what goes over the wire breaks the promise that is about it.

use tieline_core::ParameterKey;
use tieline_core::descriptor::*;
use tieline_testkit::Promise::{self, *};

use super::{assert_broken, described};
use crate::departing::strict;
use crate::providers::acme;

#[track_caller]
fn strict_breaks(change: impl FnOnce(&mut OAuth2), promises: &[Promise], words: &[&str]) {
    assert_broken(
        described(strict(|_, oauth2| change(oauth2))),
        promises,
        words,
    );
}

#[track_caller]
fn acme_breaks(change: impl FnOnce(&mut OAuth2), promises: &[Promise], words: &[&str]) {
    assert_broken(described(acme(|_, oauth2| change(oauth2))), promises, words);
}

#[test]
fn client_authentication_of_the_exchange() {
    let all_that_connect = &[
        Wire,
        Exchange,
        ExchangeWrongSecret,
        Refresh,
        Rotation,
        DeadRefreshToken,
        HealthCheck,
        Redaction,
    ];
    strict_breaks(
        |oauth2| oauth2.exchange = TokenRequest::BASIC,
        all_that_connect,
        &[
            "takes the client's credentials as body at this step, and got basic",
            "`exchange.client_authentication`",
        ],
    );
}

#[test]
fn client_authentication_of_the_refresh() {
    strict_breaks(
        |oauth2| oauth2.refresh = TokenRequest::BODY,
        &[Wire, Refresh, Rotation, DeadRefreshToken],
        &[
            "takes the client's credentials as basic at this step, and got body",
            "`refresh.client_authentication`",
        ],
    );
}

#[test]
fn a_dead_refresh_token_that_is_not_understood() {
    strict_breaks(
        |oauth2| oauth2.answer.dead_refresh_token = &[],
        &[DeadRefreshToken],
        &[
            r#""Invalid Refresh Token""#,
            "judged \"rejected\"",
            "`answer.dead_refresh_token`",
        ],
    );
}

#[test]
fn an_error_that_is_mistaken_for_a_dead_refresh_token() {
    strict_breaks(
        |oauth2| {
            oauth2.answer.dead_refresh_token = &[DeadToken {
                error: Some("invalid_request"),
                error_description: None,
            }];
        },
        &[DeadRefreshToken],
        &[
            "taken for a dead refresh token",
            "(no_grant_type)",
            "(invalid_request)",
        ],
    );
}

#[test]
fn a_fact_about_the_account_that_nobody_keeps() {
    strict_breaks(
        // What is left comes through the browser alone.
        |oauth2| oauth2.answer.captures = &[],
        &[Descriptor, Exchange],
        &["\"scope\"", "`answer.captures`"],
    );
    strict_breaks(
        |oauth2| oauth2.callback.captures = &[],
        &[Exchange],
        &["\"scope\"", "`callback.captures`"],
    );
    strict_breaks(
        |oauth2| (oauth2.callback.captures, oauth2.answer.captures) = (&[], &[]),
        &[Exchange, HealthCheck],
        &["`callback.captures`", "`answer.captures`"],
    );
}

#[test]
fn a_capture_that_keeps_too_much_or_nothing() {
    const MUCH: &[Capture] = &[Capture::whole("tenant", "scope")];
    const NOTHING: &[Capture] = &[Capture::between(
        "tenant",
        "scope",
        "full|",
        ".strict.example",
    )];
    strict_breaks(
        |oauth2| oauth2.answer.captures = MUCH,
        &[Exchange],
        &[
            "\"full|hl214.infusionsoft.com\" is kept as \"tenant\"",
            "`after` and `before`",
        ],
    );
    strict_breaks(
        |oauth2| oauth2.answer.captures = NOTHING,
        &[Exchange, Refresh],
        &["`answer.captures` finds no \"tenant\" in the field \"scope\""],
    );
}

#[test]
fn scopes() {
    strict_breaks(
        |oauth2| oauth2.answer.scope_ends_at = None,
        &[Exchange],
        &[
            "\"full|hl214.infusionsoft.com\" is taken for a granted scope",
            "`answer.scope_ends_at`",
        ],
    );
    let all = &[
        AuthorizationUrl,
        Wire,
        Callback,
        Exchange,
        ExchangeWrongSecret,
        Refresh,
        Rotation,
        DeadRefreshToken,
        HealthCheck,
        Redaction,
    ];
    strict_breaks(
        |oauth2| oauth2.scopes = &["half"],
        all,
        &["no scope \"half\"", "`scopes`"],
    );
    let all = &[
        AuthorizationUrl,
        Wire,
        Callback,
        Exchange,
        ExchangeWrongSecret,
        Refresh,
        Rotation,
        DeadRefreshToken,
        Revocation,
        HealthCheck,
        Redaction,
    ];
    acme_breaks(
        |oauth2| oauth2.scope_separator = ",",
        all,
        &["scope=read%2Coffline_access"],
    );
}

#[test]
fn pkce_that_is_given_up_without_need() {
    strict_breaks(
        |oauth2| oauth2.code_challenge = CodeChallenge::Refused("a manual"),
        &[AuthorizationUrl, Wire],
        &["the vendor takes PKCE", "`code_challenge`"],
    );
    strict_breaks(
        |oauth2| oauth2.code_challenge = CodeChallenge::Plain,
        &[AuthorizationUrl, Wire],
        &["the vendor takes S256", "`code_challenge`"],
    );
}

#[test]
fn a_secret_in_the_authorization_url() {
    let leak = &[("key", Extra::Parameter(ParameterKey::OAUTH_API_SECRET))];
    strict_breaks(
        |oauth2| oauth2.authorization.extra = leak,
        &[AuthorizationUrl, Wire],
        &[
            "the client secret stands in the URL",
            "`authorization.extra`",
        ],
    );
}

#[test]
fn an_issuer_that_nobody_would_miss() {
    acme_breaks(
        |oauth2| oauth2.authorization_response_iss_parameter_supported = false,
        &[Exchange],
        &["`authorization_response_iss_parameter_supported`"],
    );
}

#[test]
fn lifetimes_of_tokens() {
    strict_breaks(
        |oauth2| oauth2.answer.expires_in_unit = ExpiresInUnit::Milliseconds,
        &[Exchange, Refresh],
        &[
            "the access token lives 86400 s and is taken to live 86 s",
            "`answer.expires_in_unit`",
        ],
    );
    strict_breaks(
        |oauth2| oauth2.rotation.refresh_token_lifetime = Stated::Known(days(60)),
        &[Rotation],
        &["`rotation.refresh_token_lifetime` is 5184000 s, the vendor's is 3888000 s"],
    );
}

#[test]
fn rotation() {
    strict_breaks(
        |oauth2| oauth2.rotation.rotates = Rotates::Never,
        &[Rotation],
        &["`rotation.rotates` is Never, the vendor's is Always"],
    );
    strict_breaks(
        |oauth2| oauth2.rotation.on_reuse = OnReuse::RevokesFamily,
        &[Rotation],
        &["`rotation.on_reuse` is RevokesFamily, the vendor's is Fails"],
    );
    acme_breaks(
        |oauth2| {
            oauth2.rotation.on_reuse = OnReuse::Fails;
            oauth2.rotation.reuse_window = minutes(1);
            oauth2.rotation.old_access_token_dies = Some(false);
        },
        &[Rotation],
        &[
            "`rotation.on_reuse` is Fails",
            "`rotation.reuse_window` is 60 s",
            "`rotation.old_access_token_dies`",
        ],
    );
}

#[test]
fn revocation() {
    strict_breaks(
        |oauth2| oauth2.revocation_endpoint = Stated::Known("https://api.infusionsoft.com/revoke"),
        &[Wire, Revocation],
        &["the vendor has none"],
    );
    strict_breaks(
        |oauth2| oauth2.revocation_endpoint = Stated::Unknown,
        &[Revocation, DocsCompleteness],
        &["state `revocation_endpoint`"],
    );
    acme_breaks(
        |oauth2| oauth2.revocation_endpoint = Stated::None("a manual"),
        &[Wire, Revocation],
        &["the vendor has a revocation endpoint"],
    );
    acme_breaks(
        |oauth2| oauth2.revoke = TokenRequest::with(ClientAuthentication::Public),
        &[Wire, Revocation],
        &["and got id", "`revoke.client_authentication`"],
    );
}
