//! Garbage, secrecy and the end: nothing panics, nothing leaks, nothing lingers.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use crate::client::{ACME, Auth, INFUSIONSOFT, Played, exchange_form, pair, raw};
use tieline_core::{ManualClock, Timestamp};
use tieline_sandbox::{Act, ClientAuth, Endpoint, Gate, Sandbox, VendorRules};

#[tokio::test]
async fn garbage_gets_an_error_and_leaves_the_server_standing() {
    let acme = Played::start(ACME).await;
    let form = "content-type: application/x-www-form-urlencoded";
    let huge = format!(
        "GET /api/me HTTP/1.1\r\nhost: h\r\nx-huge: {}\r\n\r\n",
        "a".repeat(2 << 20)
    );
    let many = format!(
        "GET /api/me HTTP/1.1\r\nhost: h\r\n{}\r\n",
        "a: b\r\n".repeat(5_000)
    );
    let bad_basic = format!(
        "POST /oauth/token HTTP/1.1\r\nhost: acme.example\r\nauthorization: Basic \u{ff}\r\n{form}\r\ncontent-length: 12\r\n\r\ngrant_type=a"
    );
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /api/me HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /oauth/token HTTP/1.1\r\nhost: h\r\ncontent-length: abc\r\n\r\n",
        huge.as_bytes(),
        many.as_bytes(),
    ] {
        // Some of it is answered before it is read to its end, which may reset the connection instead.
        if let Ok(bytes) = acme.raw(garbage).await {
            assert!(
                bytes.is_empty() || crate::client::Answer::parse(&bytes).status >= 400,
                "{bytes:?}"
            );
        }
    }
    assert_eq!(
        acme.sandbox.ledger().requests().len(),
        0,
        "none of it was a request"
    );

    let endpoint = acme.sandbox.token_endpoint();
    let typed = [("content-type", "application/x-www-form-urlencoded")];
    for body in [
        &b"grant_type=refresh_token&refresh_token=%ff%fe"[..],
        b"\xff\xfe=\xff",
        b"&&&==&%zz=%",
        b"grant_type=a&grant_type=a",
        b"\0",
    ] {
        let answer = acme.send("POST", &endpoint, &typed, body).await.unwrap();
        assert_eq!(answer.status, 400, "{body:?}");
    }
    let answer = crate::client::Answer::parse(&acme.raw(bad_basic.as_bytes()).await.unwrap());
    assert_eq!(answer.status, 400);
    let base = acme.sandbox.base_url();
    assert_eq!(
        acme.send(
            "GET",
            &format!("{base}/oauth/authorize?client_id=%ff"),
            &[],
            b""
        )
        .await
        .unwrap()
        .status,
        400
    );
    assert_eq!(
        acme.send("DELETE", &acme.sandbox.authorization_endpoint(), &[], b"")
            .await
            .unwrap()
            .status,
        405
    );
    let endpoint = acme.sandbox.authorization_endpoint();
    let form = [("ticket", "\0"), ("decision", "approve")];
    let answer = acme.post(&endpoint, Auth::None, &form).await.unwrap();
    assert_eq!(answer.status, 400);
    acme.connect().await;
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let acme = Played::start(ACME).await;
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n",
        17 << 20
    );
    let request = [head.as_bytes(), &vec![b'a'; 17 << 20]].concat();
    match acme.raw(&request).await {
        Ok(bytes) => assert_eq!(crate::client::Answer::parse(&bytes).status, 413),
        // Answered while we were still writing.
        Err(error) => assert!(
            matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            ),
            "{error}"
        ),
    }
    assert_eq!(acme.sandbox.ledger().requests().len(), 0);
    acme.connect().await;
}

#[tokio::test]
async fn the_ledger_shows_no_secret_even_where_one_stands_in_the_wrong_place() {
    let keap = Played::start(INFUSIONSOFT).await;
    let code = keap.code().await;
    let (access, refresh) = pair(&keap.exchange(&code).await.unwrap());
    keap.call("/v1/account/profile", &access).await.unwrap();
    let (_, current) = pair(&keap.refresh(&refresh).await.unwrap());

    // As a parameter's name, as the grant type, in the path, as a method, as a header's name.
    let (base, endpoint, secret) = (
        keap.sandbox.base_url(),
        keap.sandbox.token_endpoint(),
        keap.sandbox.client().1,
    );
    keap.token(
        Auth::Basic,
        &[(&current, "1"), (secret, "1"), ("grant_type", &current)],
    )
    .await
    .unwrap();
    keap.token(Auth::Both, &exchange_form(&code)).await.unwrap();
    keap.send(
        "GET",
        &format!("{base}/crm/rest/{access}?{access}=1"),
        &[(&access, "1")],
        b"",
    )
    .await
    .unwrap();
    keap.raw(format!("{access} / HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let json = format!("{{\"refresh_token\":\"{current}\"}}");
    keap.send(
        "POST",
        &endpoint,
        &[("content-type", "application/x-www-form-urlencoded")],
        json.as_bytes(),
    )
    .await
    .unwrap();

    let ledger = keap.sandbox.ledger();
    let shown = format!(
        "{ledger:?} {:?} {}",
        keap.sandbox,
        serde_json::to_string(&ledger).unwrap()
    )
    .to_lowercase();
    let secrets: Vec<_> = ledger.secrets().map(str::to_owned).collect();
    for known in [secret, &code, &access, &refresh, &current] {
        assert!(secrets.iter().any(|secret| secret == known));
    }
    assert_eq!(
        secrets.len(),
        6,
        "client secret, code, two access tokens, two refresh tokens"
    );
    for secret in &secrets {
        assert!(!shown.contains(&secret.to_lowercase()), "{shown}");
    }
    assert!(
        shown.contains("refreshed") && shown.contains("[withheld]"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_ledger_as_json_is_for_reading() {
    let acme = Played::start(ACME).await;
    acme.connect().await;
    let ledger = acme.sandbox.ledger();
    let request = &serde_json::to_value(&ledger).unwrap()["requests"][2];
    assert_eq!(request["at"], "2027-01-15T08:00:00Z");
    assert_eq!(
        (&request["endpoint"], &request["path"]),
        (&"token".into(), &"/oauth/token".into())
    );
    assert_eq!(
        (&request["client_auth"], &request["grant_type"]),
        (&"body".into(), &"authorization_code".into())
    );
    assert_eq!(
        (&request["outcome"]["did"], &request["delivery"]),
        (&"exchanged".into(), &"sent".into())
    );
    assert_eq!(ledger.requests()[2].client_auth, ClientAuth::Body);
}

#[tokio::test]
async fn every_sandbox_has_a_client_of_its_own_with_an_awkward_secret() {
    let (one, other) = (Played::start(ACME).await, Played::start(ACME).await);
    assert_ne!(one.sandbox.client(), other.sandbox.client());
    let (_, secret) = one.sandbox.client();
    assert!(
        secret.is_ascii()
            && ["&", "+", "%41", ":", " ", "="]
                .iter()
                .all(|part| secret.contains(part))
    );
}

#[tokio::test]
async fn a_stopped_sandbox_refuses_connections_and_lets_go_of_held_requests() {
    let acme = Played::start(ACME).await;
    let (_, refresh) = acme.connect().await;
    let base_url = acme.sandbox.base_url().to_owned();
    let gate = Gate::new();
    acme.sandbox
        .script(Endpoint::Token, Act::Hold(gate.clone()));
    let body = format!("grant_type=refresh_token&refresh_token={refresh}");
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nhost: h\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let held = tokio::spawn({
        let base_url = base_url.clone();
        async move { raw(&base_url, request.as_bytes()).await }
    });
    gate.reached().await;
    acme.sandbox.stop().await;
    assert_eq!(
        held.await.unwrap().unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(
        raw(&base_url, b"").await.unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
}

#[tokio::test]
async fn it_starts_where_it_is_told_to() {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let first = Sandbox::start(VendorRules::from_json(ACME).unwrap(), clock.clone())
        .await
        .unwrap();
    let addr = first
        .base_url()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    let taken = Sandbox::start_on(VendorRules::from_json(ACME).unwrap(), clock.clone(), addr).await;
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::AddrInUse);
    let url = first.token_endpoint();
    first.stop().await;
    let second = Sandbox::start_on(VendorRules::from_json(ACME).unwrap(), clock, addr)
        .await
        .unwrap();
    assert_eq!(second.token_endpoint(), url);
}

#[tokio::test]
async fn nothing_of_a_dropped_sandbox_lives_on() {
    let Played { sandbox, clock, .. } = Played::start(ACME).await;
    let gate = Gate::new();
    sandbox.script(Endpoint::Api, Act::Hold(gate.clone()));
    let base_url = sandbox.base_url().to_owned();
    let half = tokio::spawn(half_a_request(base_url.clone()));
    let held =
        tokio::spawn(async move { raw(&base_url, b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await });
    gate.reached().await;
    drop(sandbox);
    assert_eq!(
        held.await.unwrap().unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(half.await.unwrap().kind(), ErrorKind::ConnectionReset);
    let gone = async {
        while Arc::strong_count(&clock) > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone)
        .await
        .expect("every task of the sandbox ends");
}

/// Sends the beginning of a request and waits for how the server ends it.
async fn half_a_request(base_url: String) -> std::io::Error {
    raw(&base_url, b"GET / HTTP/1.1\r\nhost: ")
        .await
        .unwrap_err()
}
