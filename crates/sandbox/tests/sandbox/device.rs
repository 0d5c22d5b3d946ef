//! Devices without a browser (RFC 8628).

use crate::client::{Answer, Auth, Played, acme_but, pair};
use serde_json::json;
use tieline_sandbox::{Act, Endpoint, Outcome};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn rules() -> String {
    acme_but(|rules| {
        rules["device"] = json!({
            "host": "{account.tenant}.acme.example",
            "path": "/oauth/device",
            "client_authentication": ["id"],
            "verification_uri": "/login/device",
        });
        rules["token"]["device"] = json!({ "client_authentication": ["id"] });
        for part in ["token", "api"] {
            rules[part]["host"] = "{account.tenant}.acme.example".into();
        }
    })
}

async fn start(acme: &Played, form: &[(&str, &str)]) -> Answer {
    let endpoint = acme.sandbox.device_endpoint().unwrap();
    acme.post(&endpoint, Auth::Id, form).await.unwrap()
}

/// Device code and user code.
async fn started(acme: &Played) -> (String, String) {
    let answer = start(acme, &[("scope", "read")]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    (answer.field("device_code"), answer.field("user_code"))
}

async fn poll(acme: &Played, code: &str) -> Answer {
    let form = [("grant_type", GRANT), ("device_code", code)];
    acme.token(Auth::Id, &form).await.unwrap()
}

#[tokio::test]
async fn the_whole_story() {
    let acme = Played::start(&rules()).await;
    let answer = start(&acme, &[("scope", "read")]).await;
    let base = acme.sandbox.base_url();
    assert_eq!(
        answer.field("verification_uri"),
        format!("{base}/login/device")
    );
    let user_code = answer.field("user_code");
    assert_eq!(
        answer.field("verification_uri_complete"),
        format!("{base}/login/device?user_code={user_code}")
    );
    let json = answer.json();
    assert_eq!(
        (&json["expires_in"], &json["interval"]),
        (&900.into(), &5.into())
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let code = answer.field("device_code");
    assert_eq!(
        poll(&acme, &code).await.error(),
        "400 authorization_pending/-"
    );
    acme.sandbox
        .approve_device(&user_code, Some("grace"))
        .unwrap();
    acme.later(5);
    let answer = poll(&acme, &code).await;
    assert_eq!(answer.field("scope"), "read");
    let (access, refresh) = pair(&answer);
    assert_eq!(
        acme.call("/me", &access).await.unwrap().json()["sub"],
        "u-1002"
    );
    pair(&acme.refresh(&refresh).await.unwrap());
    acme.later(5);
    let spent = poll(&acme, &code).await;
    assert!(spent.error().starts_with("400 invalid_grant"), "{spent:?}");
    let ledger = acme.sandbox.ledger();
    assert_eq!(
        [Outcome::DeviceStarted, Outcome::Pending, Outcome::Exchanged]
            .map(|done| ledger.count(done)),
        [1, 1, 1]
    );
    assert_eq!(ledger.requests_to(Endpoint::Device).count(), 1);
    for code in [&code, &user_code] {
        assert!(ledger.secrets().any(|secret| secret == code));
    }
}

#[tokio::test]
async fn whoever_asks_too_often_waits_longer() {
    let acme = Played::start(&rules()).await;
    let (code, _) = started(&acme).await;
    // Pauses before each poll; the interval grows from 5 to 10 and to 15.
    for (pause, error) in [
        (0, "authorization_pending"),
        (4, "slow_down"),
        (9, "slow_down"),
        (14, "slow_down"),
        (20, "authorization_pending"),
        (19, "slow_down"),
        (25, "authorization_pending"),
    ] {
        acme.later(pause);
        let answer = poll(&acme, &code).await;
        assert_eq!(answer.error(), format!("400 {error}/-"), "{pause}");
    }
    acme.later(24);
    poll(&acme, &code).await;
    assert_eq!(acme.reason(), "the device asked again too early");
}

#[tokio::test]
async fn a_device_is_denied_or_forgotten() {
    let acme = Played::start(&rules()).await;
    let (denied, user_code) = started(&acme).await;
    acme.sandbox.deny_device(&user_code).unwrap();
    assert!(
        acme.sandbox.approve_device(&user_code, None).is_err(),
        "once"
    );
    assert_eq!(poll(&acme, &denied).await.error(), "400 access_denied/-");
    let (late, user_code) = started(&acme).await;
    let (approved, other) = started(&acme).await;
    acme.sandbox.approve_device(&other, None).unwrap();
    acme.later(900);
    assert!(acme.sandbox.approve_device(&user_code, None).is_err());
    assert!(acme.sandbox.approve_device("WRNG-CODE", None).is_err());
    for code in [&late, &approved] {
        assert_eq!(poll(&acme, code).await.error(), "400 expired_token/-");
    }
    assert!(
        poll(&acme, "unknown")
            .await
            .error()
            .starts_with("400 invalid_grant")
    );
    assert_eq!(acme.sandbox.ledger().exchanges(), 0);
}

#[tokio::test]
async fn errors_are_the_vendors() {
    let rules: String = {
        let mut rules = serde_json::from_str::<serde_json::Value>(&rules()).unwrap();
        rules["token"]["form_unless_json_accepted"] = true.into();
        rules["token"]["errors"]["authorization_pending"] =
            json!({ "status": 200, "body": { "error": "wait", "why": "{reason}" } });
        rules.to_string()
    };
    let acme = Played::start(&rules).await;
    let started = start(&acme, &[]).await.text();
    let (_, code) = form_urlencoded::parse(started.as_bytes())
        .find(|(name, _)| name == "device_code")
        .unwrap();
    let pending = poll(&acme, &code).await;
    assert_eq!(
        (pending.status, pending.text().as_str()),
        (200, "error=wait&why=nobody+has+decided+yet")
    );
}

#[tokio::test]
async fn a_request_must_be_in_order() {
    let acme = Played::start(&rules()).await;
    let wider = start(&acme, &[("scope", "everything")]).await;
    assert_eq!(wider.error(), "400 invalid_scope/-");
    let endpoint = acme.sandbox.device_endpoint().unwrap();
    let stranger = acme
        .post_as(("other", "x"), &endpoint, Auth::Id, &[])
        .await
        .unwrap();
    assert_eq!(stranger.error(), "401 invalid_client/-");
    let secret = acme.post(&endpoint, Auth::Body, &[]).await.unwrap();
    assert_eq!(secret.status, 400, "a device keeps no secret");
    let got = acme.send("GET", &endpoint, &[], b"").await.unwrap();
    assert_eq!(got.status, 405);
    let (code, _) = started(&acme).await;
    let form = [("grant_type", GRANT), ("device_code", code.as_str())];
    assert_eq!(acme.token(Auth::Body, &form).await.unwrap().status, 400);
    let form = [("grant_type", GRANT)];
    let missing = acme.token(Auth::Id, &form).await.unwrap();
    assert_eq!(
        missing.error(),
        "400 invalid_request/device_code is missing"
    );
    acme.sandbox.script(Endpoint::Device, Act::ResetBeforeWork);
    assert!(acme.post(&endpoint, Auth::Id, &[]).await.is_err());
}

#[tokio::test]
async fn a_device_asks_at_an_accounts_host() {
    let mut acme = Played::start(&rules()).await;
    acme.host = "grace.acme.example".to_owned();
    let answer = start(&acme, &[]).await;
    assert_eq!(
        answer.field("verification_uri"),
        "https://grace.acme.example/login/device"
    );
    let user_code = answer.field("user_code");
    assert!(
        acme.sandbox
            .approve_device(&user_code, Some("ada"))
            .is_err()
    );
    acme.sandbox.approve_device(&user_code, None).unwrap();
    let (access, _) = pair(&poll(&acme, &answer.field("device_code")).await);
    assert_eq!(
        acme.call("/me", &access).await.unwrap().json()["sub"],
        "u-1002"
    );
    acme.host = "evil.example".to_owned();
    assert_eq!(start(&acme, &[]).await.status, 404);
}
