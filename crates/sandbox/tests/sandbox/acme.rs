//! The vendor `acme`: what the RFCs ask, the careful way.

use std::sync::Arc;

use crate::client::{ACME, Auth, Played, VERIFIER, exchange_form, pair};
use tieline_sandbox::Outcome;

#[tokio::test]
async fn either_style_is_taken_at_either_step_but_not_both() {
    let acme = Played::start(ACME).await;
    for auth in [Auth::Body, Auth::Basic, Auth::BasicAndId] {
        let code = acme.code().await;
        let answer = acme.token(auth, &exchange_form(&code)).await.unwrap();
        assert_eq!(answer.json()["scope"], "read write");
        assert_eq!(answer.json()["expires_in"], 3_600);
        let (_, refresh) = pair(&answer);
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.as_str()),
        ];
        let both = acme.token(Auth::Both, &form).await.unwrap();
        assert_eq!(
            both.error(),
            "400 invalid_request/client credentials are given twice"
        );
        pair(&acme.token(auth, &form).await.unwrap());
    }
    let (id, _) = acme.sandbox.client();
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let wrong = acme
        .post_as(
            (id, "x"),
            &acme.sandbox.token_endpoint(),
            Auth::Basic,
            &form,
        )
        .await
        .unwrap();
    assert_eq!(
        (wrong.status, wrong.header("www-authenticate")),
        (401, "Basic realm=\"acme\"")
    );
}

#[tokio::test]
async fn a_reused_refresh_token_takes_its_grant_along() {
    let acme = Played::start(ACME).await;
    let (_, bystander) = acme.connect().await;
    let (first_access, first) = acme.connect().await;
    let (access, second) = pair(&acme.refresh(&first).await.unwrap());
    assert_eq!(
        acme.call("/me", &first_access).await.unwrap().status,
        401,
        "a refresh ends the access token before"
    );
    assert_eq!(
        acme.call("/me", &access).await.unwrap().json()["sub"],
        "u-1001"
    );
    assert!(
        acme.refresh(&first)
            .await
            .unwrap()
            .error()
            .starts_with("400 invalid_grant")
    );
    assert!(
        acme.refresh(&second)
            .await
            .unwrap()
            .error()
            .starts_with("400 invalid_grant")
    );
    assert_eq!(acme.call("/me", &access).await.unwrap().status, 401);
    let ledger = acme.sandbox.ledger();
    assert_eq!(
        (
            ledger.refreshes(),
            ledger.token_requests("refresh_token"),
            ledger.grants_alive()
        ),
        (1, 3, 1)
    );
    assert!(ledger.is_current_refresh_token(&bystander));
}

#[tokio::test]
async fn a_code_is_good_once_and_briefly_and_for_its_own_request() {
    let acme = Played::start(ACME).await;
    let code = acme.code().await;
    for (change, reason) in [
        (
            ("redirect_uri", "https://host.example/callback"),
            "redirect_uri is not the one of the authorization request",
        ),
        (("redirect_uri", ""), "redirect_uri is missing"),
        (("code_verifier", ""), "code_verifier is missing"),
        (("code_verifier", "short"), "code_verifier is malformed"),
        (
            ("code_verifier", &VERIFIER.replace('a', "b")),
            "code_verifier doesn't match the challenge",
        ),
        (("code", "nonsense"), "the code is unknown"),
        (("code", ""), "code is missing"),
    ] {
        let form = exchange_form(&code).map(|(name, value)| {
            if name == change.0 {
                change
            } else {
                (name, value)
            }
        });
        assert_eq!(
            acme.token(Auth::Body, &form).await.unwrap().status,
            400,
            "{reason}"
        );
        assert_eq!(
            acme.sandbox.ledger().requests().last().unwrap().outcome,
            Outcome::Refused { reason }
        );
    }
    let mut twice = exchange_form(&code).to_vec();
    twice.push(("code", &code));
    let answer = acme.token(Auth::Body, &twice).await.unwrap();
    assert_eq!(
        answer.error(),
        "400 invalid_request/a parameter is repeated"
    );
    acme.later(59);
    let (access, refresh) = pair(&acme.exchange(&code).await.unwrap());
    assert!(acme.sandbox.ledger().is_live_access_token(&access));
    assert!(
        acme.exchange(&code)
            .await
            .unwrap()
            .error()
            .starts_with("400 invalid_grant")
    );
    let ledger = acme.sandbox.ledger();
    assert!(
        !ledger.is_live_access_token(&access) && !ledger.is_current_refresh_token(&refresh),
        "reuse of a code"
    );

    let code = acme.code().await;
    acme.later(60);
    assert!(
        acme.exchange(&code)
            .await
            .unwrap()
            .error()
            .starts_with("400 invalid_grant")
    );
}

#[tokio::test]
async fn revocation_ends_what_is_alive_and_is_quiet_about_the_rest() {
    let acme = Played::start(ACME).await;
    let endpoint = acme.sandbox.revocation_endpoint().unwrap();
    let (access, first) = acme.connect().await;
    let (second_access, second) = pair(&acme.refresh(&first).await.unwrap());
    for nothing in ["nonsense", &first, &access] {
        let answer = acme
            .post(&endpoint, Auth::Basic, &[("token", nothing)])
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
    }
    let ledger = acme.sandbox.ledger();
    assert_eq!(
        (
            ledger.revocations(),
            ledger.count(Outcome::NothingToRevoke),
            ledger.grants_alive()
        ),
        (0, 3, 1)
    );

    assert_eq!(
        acme.post(&endpoint, Auth::Body, &[("token", &second_access)])
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(acme.call("/me", &second_access).await.unwrap().status, 401);
    assert_eq!(
        acme.sandbox.ledger().grants_alive(),
        1,
        "an access token alone"
    );

    assert_eq!(
        acme.post(&endpoint, Auth::None, &[("token", &second)])
            .await
            .unwrap()
            .status,
        400
    );
    assert_eq!(
        acme.post(&endpoint, Auth::Basic, &[]).await.unwrap().status,
        400
    );
    assert_eq!(acme.sandbox.ledger().grants_alive(), 1);
    let hinted = [
        ("token", second.as_str()),
        ("token_type_hint", "access_token"),
    ];
    assert_eq!(
        acme.post(&endpoint, Auth::Basic, &hinted)
            .await
            .unwrap()
            .status,
        200,
        "a wrong hint is no error"
    );
    let ledger = acme.sandbox.ledger();
    assert_eq!((ledger.revocations(), ledger.grants_alive()), (2, 0));
    assert!(
        acme.refresh(&second)
            .await
            .unwrap()
            .error()
            .starts_with("400 invalid_grant")
    );
}

#[tokio::test]
async fn a_refresh_may_narrow_the_scope_and_not_widen_it() {
    let acme = Played::start(ACME).await;
    let (_, token) = acme.connect().await;
    let form = |scope| {
        [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.as_str()),
            ("scope", scope),
        ]
    };
    let wider = acme
        .token(Auth::Basic, &form("read offline_access"))
        .await
        .unwrap();
    assert!(wider.error().starts_with("400 invalid_scope"));
    assert!(acme.sandbox.ledger().is_current_refresh_token(&token));
    pair(&acme.token(Auth::Basic, &form("read")).await.unwrap());
}

#[tokio::test]
async fn the_api_echoes() {
    let acme = Played::start(ACME).await;
    let (access, _) = acme.connect().await;
    for scheme in ["Basic", "Token", ""] {
        let header = format!("{scheme} {access}");
        let url = format!("{}/me", acme.sandbox.api_base());
        let answer = acme
            .send("GET", &url, &[("authorization", &header)], b"")
            .await
            .unwrap();
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer realm=\"acme\"",
            "{scheme}"
        );
    }
    let bearer = format!("bearer {access}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/x-thing"),
        ("x-extra", "1"),
    ];
    let url = format!("{}/echo?q=1", acme.sandbox.api_base());
    let answer = acme
        .send("POST", &url, &headers, b"\x00\xff body")
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, &b"\x00\xff body"[..])
    );
    assert_eq!(answer.header("content-type"), "application/x-thing");
    let ledger = acme.sandbox.ledger();
    let request = ledger.requests().last().unwrap();
    assert_eq!(
        (
            request.path.as_str(),
            request.body_bytes,
            request.params.as_slice()
        ),
        ("/api/echo", 7, &["q".into()][..])
    );
    assert!(request.headers.iter().any(|name| name == "x-extra"));
}

#[tokio::test]
async fn the_user_can_remove_the_app_and_tokens_can_run_out_early() {
    let acme = Played::start(ACME).await;
    let (access, first) = acme.connect().await;
    acme.sandbox.expire_access_tokens();
    assert_eq!(acme.call("/me", &access).await.unwrap().status, 401);
    let (access, second) = pair(&acme.refresh(&first).await.unwrap());
    assert_eq!(acme.call("/me", &access).await.unwrap().status, 200);
    acme.sandbox.revoke_grant(&second);
    assert_eq!(acme.call("/me", &access).await.unwrap().status, 401);
    assert!(
        acme.refresh(&second)
            .await
            .unwrap()
            .error()
            .starts_with("400 invalid_grant")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connect_and_refresh_at_once() {
    let acme = Arc::new(Played::start(ACME).await);
    let users: Vec<_> = (0..20)
        .map(|_| {
            let acme = Arc::clone(&acme);
            tokio::spawn(async move {
                let (_, refresh) = acme.connect().await;
                pair(&acme.refresh(&refresh).await.unwrap()).1
            })
        })
        .collect();
    for user in users {
        let refresh = user.await.unwrap();
        assert!(acme.sandbox.ledger().is_current_refresh_token(&refresh));
    }
    let ledger = acme.sandbox.ledger();
    assert_eq!(
        (
            ledger.exchanges(),
            ledger.refreshes(),
            ledger.grants_alive()
        ),
        (20, 20, 20)
    );
    assert_eq!(ledger.max_in_flight_of_any(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_refreshes_with_one_token_one_wins_and_the_grant_dies() {
    let acme = Arc::new(Played::start(ACME).await);
    let (_, refresh) = acme.connect().await;
    let racers: Vec<_> = (0..20)
        .map(|_| {
            let (acme, refresh) = (Arc::clone(&acme), refresh.clone());
            tokio::spawn(async move { acme.refresh(&refresh).await.unwrap().status })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        won += usize::from(racer.await.unwrap() == 200);
    }
    let ledger = acme.sandbox.ledger();
    assert_eq!((won, ledger.refreshes(), ledger.grants_alive()), (1, 1, 0));
    assert_eq!(ledger.token_requests("refresh_token"), 20);
}
