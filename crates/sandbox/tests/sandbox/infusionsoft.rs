//! The vendor `infusionsoft`: what its facts say is what the wire shows.

use crate::client::{Auth, CALLBACK, INFUSIONSOFT, Played, exchange_form, pair, query};
use tieline_sandbox::{ClientAuth, Endpoint, Outcome};

const USERINFO: &str = "/v1/oauth/connect/userinfo";

fn refresh_form(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

#[tokio::test]
async fn the_whole_story() {
    let keap = Played::start(INFUSIONSOFT).await;
    let callback = keap
        .sandbox
        .consent(&keap.authorization_url(&[]))
        .await
        .unwrap();
    assert!(callback.starts_with(CALLBACK), "{callback}");
    assert!(
        callback.contains("scope=full%7Chl214.infusionsoft.com"),
        "{callback}"
    );
    assert_eq!(query(&callback, "state").unwrap(), "st&te");
    assert_eq!(query(&callback, "iss"), None);

    let answer = keap
        .exchange(&query(&callback, "code").unwrap())
        .await
        .unwrap();
    let json = answer.json();
    assert_eq!(json["token_type"], "bearer");
    assert_eq!(json["expires_in"], 86_400);
    assert_eq!(json["scope"], "full|hl214.infusionsoft.com");
    assert_eq!(json.as_object().unwrap().len(), 5);
    assert_eq!(
        answer.header("content-type"),
        "application/json;charset=UTF-8"
    );
    assert_eq!(answer.header("cache-control"), "no-store");

    let (first_access, first_refresh) = pair(&answer);
    let (access, refresh) = pair(&keap.refresh(&first_refresh).await.unwrap());
    let me = keap.call(USERINFO, &access).await.unwrap();
    assert_eq!(me.json()["sub"], "4120931");
    assert_eq!(me.json()["global_user_id"], 4_120_931);
    assert_eq!(
        keap.call(USERINFO, &first_access).await.unwrap().status,
        200,
        "the old access token survives"
    );

    let ledger = keap.sandbox.ledger();
    assert_eq!(
        (ledger.exchanges(), ledger.refreshes(), ledger.served()),
        (1, 1, 2)
    );
    assert_eq!((ledger.grants_alive(), ledger.revocations()), (1, 0));
    assert!(
        ledger.is_current_refresh_token(&refresh)
            && !ledger.is_current_refresh_token(&first_refresh)
    );
    assert!(ledger.is_live_access_token(&access) && ledger.is_live_access_token(&first_access));
    let styles: Vec<_> = ledger
        .requests_to(Endpoint::Token)
        .map(|request| request.client_auth)
        .collect();
    assert_eq!(styles, [ClientAuth::Body, ClientAuth::Basic]);
    assert_eq!(keap.sandbox.revocation_endpoint(), None);
}

#[tokio::test]
async fn each_step_takes_one_style_of_client_authentication() {
    let keap = Played::start(INFUSIONSOFT).await;
    let code = keap.code().await;
    for auth in [
        Auth::None,
        Auth::Id,
        Auth::Basic,
        Auth::BasicAndId,
        Auth::Both,
    ] {
        let answer = keap.token(auth, &exchange_form(&code)).await.unwrap();
        assert!(
            answer.error().starts_with("401 invalid_client"),
            "{auth:?}: {answer:?}"
        );
    }
    let (_, refresh) = pair(&keap.token(Auth::Body, &exchange_form(&code)).await.unwrap());
    for auth in [
        Auth::None,
        Auth::Id,
        Auth::Body,
        Auth::BasicAndId,
        Auth::Both,
    ] {
        let answer = keap.token(auth, &refresh_form(&refresh)).await.unwrap();
        assert!(
            answer.error().starts_with("401 invalid_client"),
            "{auth:?}: {answer:?}"
        );
    }
    pair(
        &keap
            .token(Auth::Basic, &refresh_form(&refresh))
            .await
            .unwrap(),
    );
    let ledger = keap.sandbox.ledger();
    assert_eq!(
        (ledger.exchanges(), ledger.refreshes()),
        (1, 1),
        "nothing was spent by the refused ones"
    );
}

#[tokio::test]
async fn a_wrong_client_is_refused_and_spends_nothing() {
    let keap = Played::start(INFUSIONSOFT).await;
    let (id, secret) = keap.sandbox.client();
    let (endpoint, code) = (keap.sandbox.token_endpoint(), keap.code().await);
    for client in [
        (id, "wrong"),
        ("other", secret),
        (id, ""),
        (id, &secret[1..]),
    ] {
        let answer = keap
            .post_as(client, &endpoint, Auth::Body, &exchange_form(&code))
            .await
            .unwrap();
        assert!(
            answer.error().starts_with("401 invalid_client"),
            "{answer:?}"
        );
    }
    let (_, refresh) = pair(&keap.exchange(&code).await.unwrap());
    let answer = keap
        .post_as(
            (id, "wrong"),
            &endpoint,
            Auth::Basic,
            &refresh_form(&refresh),
        )
        .await
        .unwrap();
    assert!(
        answer.error().starts_with("401 invalid_client"),
        "{answer:?}"
    );
    assert!(keap.sandbox.ledger().is_current_refresh_token(&refresh));
}

#[tokio::test]
async fn a_body_that_is_not_a_form_shows_no_grant_type() {
    let keap = Played::start(INFUSIONSOFT).await;
    let says = "400 invalid_request/response_type or grant_type is required";
    let json = br#"{"grant_type":"refresh_token","refresh_token":"x"}"#;
    let endpoint = keap.sandbox.token_endpoint();
    let answer = keap
        .send(
            "POST",
            &endpoint,
            &[("content-type", "application/json")],
            json,
        )
        .await
        .unwrap();
    assert_eq!(answer.error(), says);
    assert_eq!(
        keap.send("POST", &endpoint, &[], json)
            .await
            .unwrap()
            .error(),
        says
    );
    let in_query = format!("{endpoint}?grant_type=refresh_token&refresh_token=x");
    assert_eq!(keap.token(Auth::Basic, &[]).await.unwrap().error(), says);
    assert_eq!(
        keap.send("POST", &in_query, &[], b"")
            .await
            .unwrap()
            .error(),
        says,
        "the query doesn't count"
    );
    assert_eq!(
        keap.send("GET", &in_query, &[], b"").await.unwrap().status,
        405
    );
}

#[tokio::test]
async fn a_refresh_token_lives_once_and_for_45_days() {
    let keap = Played::start(INFUSIONSOFT).await;
    let (_, first) = keap.connect().await;
    keap.later(45 * 86_400 - 1);
    let (access, second) = pair(&keap.refresh(&first).await.unwrap());
    assert_eq!(
        keap.refresh(&first).await.unwrap().error(),
        "400 invalid_grant/Invalid refresh token"
    );
    assert_eq!(
        keap.refresh(&first).await.unwrap().error(),
        "400 invalid_request/Invalid Refresh Token"
    );
    assert_eq!(
        keap.sandbox.ledger().grants_alive(),
        1,
        "reuse fails, and no more"
    );
    keap.later(86_399);
    assert_eq!(keap.call(USERINFO, &access).await.unwrap().status, 200);
    keap.later(1);
    assert_eq!(keap.call(USERINFO, &access).await.unwrap().status, 401);
    keap.later(44 * 86_400);
    assert!(!keap.sandbox.ledger().is_current_refresh_token(&second));
    keap.sandbox.set_dead_token_spelling(1);
    for _ in 0..2 {
        assert_eq!(
            keap.refresh(&second).await.unwrap().error(),
            "400 invalid_request/Invalid Refresh Token"
        );
    }
    keap.sandbox.set_dead_token_spelling(0);
    assert_eq!(
        keap.refresh("nonsense").await.unwrap().error(),
        "400 invalid_grant/Invalid refresh token"
    );
}

#[tokio::test]
async fn the_api_speaks_like_its_gateway() {
    let keap = Played::start(INFUSIONSOFT).await;
    let (access, _) = keap.connect().await;
    let profile = keap.call("/v1/account/profile", &access).await.unwrap();
    assert_eq!(profile.json()["name"], "Analytical Engines");
    assert_eq!(profile.header("x-keap-product-quota-limit"), "150000");
    assert_eq!(profile.header("x-keap-product-quota-available"), "149999");
    assert_eq!(profile.header("x-keap-product-quota-used"), "1");
    assert_eq!(
        profile.header("x-keap-product-quota-expiry-time"),
        "1800057600000",
        "the next midnight"
    );
    assert_eq!(
        profile.header("x-keap-product-throttle-time-unit"),
        "minute"
    );
    assert_eq!(
        profile.header("x-keap-tenant-throttle-limit"),
        "10000|250000"
    );
    assert_eq!(profile.header("x-keap-tenant-throttle-used"), "1|1");
    assert_eq!(profile.header("x-keap-tenant-id"), "hl214");

    let code = |answer: &crate::client::Answer| {
        answer.json()["fault"]["detail"]["errorcode"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let dead = keap.call("/v1/account/profile", "nonsense").await.unwrap();
    assert_eq!(
        (dead.status, code(&dead).as_str()),
        (401, "keymanagement.service.invalid_access_token")
    );
    assert_eq!(dead.header("x-keap-product-quota-used"), "1");
    assert_eq!(
        dead.header("x-keap-tenant-throttle-used"),
        "",
        "blank for a stranger"
    );
    let base = keap.sandbox.api_base();
    let query = keap
        .send(
            "GET",
            &format!("{base}/v1/account/profile?access_token={access}"),
            &[],
            b"",
        )
        .await
        .unwrap();
    assert_eq!(
        (query.status, code(&query).as_str()),
        (401, "oauth.v2.InvalidAccessToken")
    );
    let unknown = keap
        .send("GET", &format!("{base}/nowhere"), &[], b"")
        .await
        .unwrap();
    assert_eq!(
        (unknown.status, code(&unknown).as_str()),
        (401, "oauth.v2.InvalidAccessToken")
    );
    assert_eq!(keap.call("/nowhere", &access).await.unwrap().status, 404);
    assert_eq!(
        keap.call("/v1/contacts", &access).await.unwrap().json()["count"],
        1
    );
}

#[tokio::test]
async fn throttles_in_both_spellings_and_when_a_window_is_full() {
    let keap = Played::start(INFUSIONSOFT).await;
    let (access, _) = keap.connect().await;
    keap.sandbox.throttle_next();
    keap.sandbox.throttle_next();
    let first = keap.call(USERINFO, &access).await.unwrap();
    assert_eq!(
        (first.status, first.json()["code"].as_str()),
        (429, Some("429"))
    );
    assert_eq!(first.header("x-keap-product-throttle-limit"), "1500");
    assert_eq!(first.header("retry-after"), "(none)");
    let second = keap.call(USERINFO, &access).await.unwrap();
    assert_eq!(
        second.json()["fault"]["detail"]["errorcode"],
        "policies.ratelimit.QuotaViolation"
    );
    assert_eq!(keap.call(USERINFO, &access).await.unwrap().status, 200);

    keap.later(1);
    keap.sandbox.enforce_limits();
    for _ in 0..25 {
        assert_eq!(keap.call(USERINFO, &access).await.unwrap().status, 200);
    }
    assert_eq!(
        keap.call(USERINFO, &access).await.unwrap().status,
        429,
        "25 a second"
    );
    keap.later(1);
    assert_eq!(keap.call(USERINFO, &access).await.unwrap().status, 200);
    assert_eq!(keap.sandbox.ledger().count(Outcome::Throttled), 3);
}

#[tokio::test]
async fn an_authorization_request_must_be_right() {
    let keap = Played::start(INFUSIONSOFT).await;
    for (changes, error) in [
        (&[("scope", "contacts.read")][..], "invalid_scope"),
        (&[("scope", "")], "invalid_scope"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
    ] {
        let callback = keap
            .sandbox
            .consent(&keap.authorization_url(changes))
            .await
            .unwrap();
        assert_eq!(query(&callback, "error").unwrap(), error, "{changes:?}");
        assert_eq!(query(&callback, "state").unwrap(), "st&te");
        assert_eq!(query(&callback, "code"), None);
    }
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let callback = keap
        .sandbox
        .consent(&keap.authorization_url(&without))
        .await
        .unwrap();
    let code = query(&callback, "code").expect("PKCE is not required");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
    ];
    pair(&keap.token(Auth::Body, &form).await.unwrap());
}

#[tokio::test]
async fn another_account_is_another_tenant() {
    let keap = Played::start(INFUSIONSOFT).await;
    let callback = keap
        .sandbox
        .consent_as(&keap.authorization_url(&[]), "grace")
        .await
        .unwrap();
    assert_eq!(
        query(&callback, "scope").unwrap(),
        "full|zq907.infusionsoft.com"
    );
    let (access, _) = pair(
        &keap
            .exchange(&query(&callback, "code").unwrap())
            .await
            .unwrap(),
    );
    assert_eq!(
        keap.call(USERINFO, &access).await.unwrap().json()["email"],
        "grace@example.com"
    );
    let error = keap
        .sandbox
        .consent_as(&keap.authorization_url(&[]), "nobody")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the sandbox refused with status 400: nobody has this account"
    );
}
