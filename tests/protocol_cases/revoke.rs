//! Rows about revocation (RFC 7009).

use std::time::Duration;

use tieline_core::descriptor::{OAuth2, Stated};
use tieline_oauth::{Outcome, Reason, RevokeFailure, TokenClient, TokenTypeHint};

use crate::acme::{Acme, Bench, STANDARD, edge, parameters, secret};
use crate::responder::Responder;

async fn revoke(status: u16, headers: &[(&str, &str)], body: &str) -> Result<(), RevokeFailure> {
    let responder = Responder::answering(status, headers, body.as_bytes()).await;
    let bench = Bench::new(STANDARD, &responder.origin, &edge());
    let result = bench
        .client()
        .revoke(&secret("R0"), TokenTypeHint::RefreshToken)
        .await;
    let sent = responder.only();
    assert_eq!(sent.line, "POST /revoke HTTP/1.1");
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        sent.form(),
        [
            pair("token", "R0"),
            pair("token_type_hint", "refresh_token")
        ]
    );
    assert!(
        sent.header("authorization")
            .is_some_and(|header| header.starts_with("Basic "))
    );
    result
}

#[tokio::test]
async fn v01_a_success_is_a_success_whatever_it_says() {
    for body in ["", "{}", "12/34", r#"{"error":"invalid_request"}"#] {
        revoke(200, &[("content-type", "text/plain")], body)
            .await
            .unwrap();
    }
    revoke(204, &[], "").await.unwrap();
}

#[tokio::test]
async fn v02_a_kind_of_token_that_cannot_be_revoked_is_told_apart() {
    let failure = revoke(400, &[], r#"{"error":"unsupported_token_type"}"#)
        .await
        .unwrap_err();
    assert!(
        matches!(failure, RevokeFailure::UnsupportedTokenType(_)),
        "{failure}"
    );
    assert!(!failure.is_transient());
}

#[tokio::test]
async fn v03_a_busy_server_means_that_the_token_lives() {
    let failure = revoke(503, &[("retry-after", "30")], "").await.unwrap_err();
    assert!(failure.is_transient());
    let RevokeFailure::Failed(failure) = failure else {
        panic!("{failure}")
    };
    let Outcome::Busy { retry_after } = failure.outcome else {
        panic!("{failure}")
    };
    assert_eq!(retry_after, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn v04_nothing_is_revoked_over_plain_http() {
    let responder = Responder::answering(200, &[], b"").await;
    let plain: &'static str = Box::leak(format!("{}/revoke", responder.origin).into_boxed_str());
    let provider = Acme::with(OAuth2 {
        revocation_endpoint: Stated::Known(plain),
        ..STANDARD
    });
    let parameters = parameters(&provider, "key", Some("secret"), &[]);
    let (edge, clock) = (edge(), tieline_core::SystemClock);
    let client = TokenClient::new(&provider, &parameters, &edge, &clock);
    let failure = client
        .revoke(&secret("R0"), TokenTypeHint::RefreshToken)
        .await
        .unwrap_err();
    let RevokeFailure::Failed(failure) = failure else {
        panic!("{failure}")
    };
    assert!(matches!(failure.outcome, Outcome::AppRefused), "{failure}");
    assert!(
        matches!(failure.details.reason, Reason::NotAllowed(_)),
        "{failure}"
    );
    assert!(
        failure
            .to_string()
            .contains("the revocation endpoint is not an https URL"),
        "{failure}"
    );
    assert!(responder.received().is_empty());
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_revoked() {
    let provider = Acme::with(STANDARD);
    let parameters = parameters(&provider, "key", Some("secret"), &[]);
    let (edge, clock) = (edge(), tieline_core::SystemClock);
    let client = TokenClient::new(&provider, &parameters, &edge, &clock);
    assert!(!client.can_revoke());
    let failure = client
        .revoke(&secret("R0"), TokenTypeHint::RefreshToken)
        .await
        .unwrap_err();
    assert!(
        matches!(failure, RevokeFailure::NotOffered { provider: "acme" }),
        "{failure}"
    );
}
