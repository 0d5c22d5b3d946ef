//! A descriptor that is wrong about what comes back through the browser, and where to.

use tieline_core::descriptor::CallbackSignature;
use tieline_testkit::Promise::*;

use super::{assert_broken, described};
use crate::departing::{per_tenant, strict};
use crate::providers::acme;

#[test]
fn a_signature_that_nobody_checks() {
    let trusting = per_tenant(|_, oauth2| oauth2.callback.signature = None);
    assert_broken(
        described(trusting),
        &[Callback],
        &[
            "the vendor signs its callbacks, and nobody looks",
            "a signed callback with another code is followed",
            "a signed callback with no timestamp is followed",
            "a signed callback with a parameter more is followed",
            "`callback.signature`",
        ],
    );
}

#[test]
fn a_signature_that_never_comes() {
    let waiting = strict(|_, oauth2| {
        oauth2.callback.signature = Some(CallbackSignature { parameter: "hmac" });
    });
    let all = &[
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
    let words = &[
        "the vendor doesn't sign its callbacks",
        "`callback.signature`",
    ];
    assert_broken(described(waiting), all, words);
}

#[test]
fn a_host_that_nobody_compares() {
    let trusting = per_tenant(|_, oauth2| oauth2.callback.host = None);
    assert_broken(
        described(trusting),
        &[Callback, Exchange],
        &[
            "a callback from \"evil.example\" is followed",
            "a callback from \"another.myshopify.com\" is followed",
            "`callback.host`",
        ],
    );
}

#[test]
fn redirect_uris_without_tls() {
    let lax = strict(|_, oauth2| oauth2.https_redirect_uri_only = false);
    assert_broken(
        described(lax),
        &[Callback],
        &[
            "no http redirect URI, not even on loopback",
            "state `https_redirect_uri_only`",
        ],
    );
    let prim = acme(|_, oauth2| oauth2.https_redirect_uri_only = true);
    assert_broken(
        described(prim),
        &[Callback],
        &[
            "takes http on loopback",
            "look at `https_redirect_uri_only`",
        ],
    );
}
