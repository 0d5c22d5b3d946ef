//! The authorization endpoint as `acme` has it: checks, the page, and the way back.

use crate::client::{ACME, Auth, CALLBACK, Played, query};
use tieline_sandbox::ConsentError;

#[tokio::test]
async fn pkce_is_required_with_s256() {
    let acme = Played::start(ACME).await;
    let none = [("code_challenge", ""), ("code_challenge_method", "")];
    for changes in [
        &none[..],
        &[("code_challenge_method", "plain")],
        &[("code_challenge_method", "")],
    ] {
        let callback = acme
            .sandbox
            .consent(&acme.authorization_url(changes))
            .await
            .unwrap();
        assert_eq!(
            query(&callback, "error").unwrap(),
            "invalid_request",
            "{changes:?}"
        );
        assert_eq!(query(&callback, "iss").unwrap(), acme.sandbox.base_url());
    }
}

#[tokio::test]
async fn denial_and_issuer_come_back_in_the_callback() {
    let acme = Played::start(ACME).await;
    let callback = acme
        .sandbox
        .deny(&acme.authorization_url(&[]))
        .await
        .unwrap();
    assert!(callback.starts_with(CALLBACK), "{callback}");
    assert_eq!(query(&callback, "error").unwrap(), "access_denied");
    assert_eq!(query(&callback, "state").unwrap(), "st&te");
    assert_eq!(query(&callback, "iss").unwrap(), acme.sandbox.base_url());
    assert_eq!(query(&callback, "code"), None);
    let callback = acme
        .sandbox
        .consent(&acme.authorization_url(&[("state", "")]))
        .await
        .unwrap();
    assert_eq!(query(&callback, "state"), None);
    assert_eq!(query(&callback, "iss").unwrap(), acme.sandbox.base_url());
}

#[tokio::test]
async fn a_wrong_client_or_redirect_uri_is_shown_and_never_redirected() {
    let acme = Played::start(ACME).await;
    for (change, what) in [
        (("client_id", "other"), "client_id is unknown"),
        (("client_id", ""), "client_id is missing"),
        (("redirect_uri", ""), "redirect_uri is missing"),
        (
            ("redirect_uri", "/callback"),
            "redirect_uri is not an absolute URI",
        ),
        (
            ("redirect_uri", "http://host.example/"),
            "redirect_uri must be https, or http on loopback where that is taken",
        ),
        (
            ("redirect_uri", "http://127.0.0.1.host.example/"),
            "redirect_uri must be https, or http on loopback where that is taken",
        ),
        (
            ("redirect_uri", "javascript:alert(1)"),
            "redirect_uri must be https, or http on loopback where that is taken",
        ),
        (
            ("redirect_uri", "https://host.example/#a"),
            "redirect_uri has a fragment or a user in it",
        ),
        (
            ("redirect_uri", "https://a@host.example/"),
            "redirect_uri has a fragment or a user in it",
        ),
    ] {
        match acme
            .sandbox
            .consent(&acme.authorization_url(&[change]))
            .await
        {
            Err(ConsentError::Refused { status: 400, says }) => assert_eq!(says, what),
            other => panic!("{change:?}: {other:?}"),
        }
    }
    let twice = format!(
        "{}&redirect_uri=https%3A%2F%2Fevil.example%2F",
        acme.authorization_url(&[])
    );
    assert!(matches!(
        acme.sandbox.consent(&twice).await,
        Err(ConsentError::Refused { .. })
    ));
    for loopback in [
        "http://localhost:81/cb",
        "http://127.0.0.1:2412/cb",
        "http://[::1]/cb",
    ] {
        let callback = acme
            .sandbox
            .consent(&acme.authorization_url(&[("redirect_uri", loopback)]))
            .await
            .unwrap();
        assert!(callback.starts_with(loopback), "{callback}");
    }
    let elsewhere = acme
        .sandbox
        .consent("http://127.0.0.1:1/oauth/authorize")
        .await;
    assert!(matches!(elsewhere, Err(ConsentError::Elsewhere { .. })));
}

#[tokio::test]
async fn a_person_sees_a_page_that_is_answered_once() {
    let acme = Played::start(ACME).await;
    let page = acme
        .send("GET", &acme.authorization_url(&[]), &[], b"")
        .await
        .unwrap();
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html;charset=utf-8")
    );
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    let text = page.text();
    for expected in [
        acme.sandbox.client().0,
        "read write",
        "https://host.example",
        "Approve",
        "Deny",
        "<option>grace",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let ticket = text
        .split("name=\"ticket\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let form = [
        ("ticket", ticket),
        ("decision", "approve"),
        ("account", "ada"),
    ];
    let endpoint = acme.sandbox.authorization_endpoint();
    let first = acme.post(&endpoint, Auth::None, &form).await.unwrap();
    assert_eq!(first.status, 303);
    let again = acme.post(&endpoint, Auth::None, &form).await.unwrap();
    assert_eq!(again.status, 400, "the ticket is used up");
    assert_eq!(
        acme.post(&endpoint, Auth::None, &[("decision", "maybe")])
            .await
            .unwrap()
            .status,
        400
    );
}
