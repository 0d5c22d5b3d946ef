//! A descriptor that is wrong about how an app asks for a token of its own.

use tieline_core::descriptor::{ExpiresInUnit, Stated, TokenRequest};
use tieline_testkit::Promise::*;

use super::{assert_broken, described};
use crate::kinds::app;

#[test]
fn an_app_that_asks_in_the_wrong_way() {
    let all = [Wire, Exchange, HealthCheck, Redaction];
    let body = app(|_, oauth2| oauth2.exchange = TokenRequest::BODY);
    assert_broken(
        described(body),
        &all,
        &[
            "as basic at this step, and got body",
            "`exchange.client_authentication`",
        ],
    );
    let silent = app(|_, oauth2| oauth2.exchange.extra = &[]);
    assert_broken(
        described(silent),
        &all,
        &[
            "a parameter that this vendor asks for is missing",
            "`exchange`",
        ],
    );
}

#[test]
fn what_an_app_gets_and_reaches() {
    let unit = app(|_, oauth2| oauth2.answer.expires_in_unit = ExpiresInUnit::Milliseconds);
    assert_broken(
        described(unit),
        &[Exchange],
        &[
            "lives 600 s and is taken to live",
            "`answer.expires_in_unit`",
        ],
    );
    let nobody = app(|descriptor, _| descriptor.api.health_check = Stated::Unknown);
    assert_broken(
        described(nobody),
        &[Wire, HealthCheck, DocsCompleteness],
        &["state `api.health_check`"],
    );
}
