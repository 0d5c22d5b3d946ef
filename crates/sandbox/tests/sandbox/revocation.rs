//! Revocation as vendors vary it.

use crate::client::{Answer, Auth, Played, acme_but, pair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tieline_sandbox::{Endpoint, Outcome};

async fn revoke(acme: &Played, method: &str, content_type: &str, body: &str) -> Answer {
    let (id, secret) = acme.sandbox.client();
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = STANDARD.encode(format!("{id}:{}", encode(secret)));
    let basic = format!("Basic {basic}");
    let headers = [
        ("authorization", basic.as_str()),
        ("content-type", content_type),
    ];
    let endpoint = acme.sandbox.revocation_endpoint().unwrap();
    let sent = acme.send(method, &endpoint, &headers, body.as_bytes());
    sent.await.unwrap()
}

#[tokio::test]
async fn by_delete_and_json_under_the_clients_path() {
    let rules = acme_but(|rules| {
        rules["revocation"] = json!({
            "path": "/applications/{client_id}/token",
            "client_authentication": ["basic"],
            "method": "DELETE",
            "body": "json",
            "token_parameter": "access_token",
            "takes": ["access_token"],
            "answer": { "status": 204, "body": "" },
            "wrong_token": { "status": 422, "body": { "message": "{reason}" } },
        });
    });
    let acme = Played::start(&rules).await;
    let (access, refresh) = acme.connect().await;
    let id = acme.sandbox.client().0;
    let endpoint = acme.sandbox.revocation_endpoint().unwrap();
    assert!(endpoint.ends_with(&format!("/applications/{id}/token")));
    let json = "application/json";
    let with = |name: &str, token: &str| json!({ name: token }).to_string();

    let form = "application/x-www-form-urlencoded";
    for (method, media_type, body, status) in [
        ("POST", json, with("access_token", &access), 405),
        ("DELETE", form, format!("access_token={access}"), 400),
        ("DELETE", json, with("token", &access), 400),
        ("DELETE", json, with("access_token", &refresh), 422),
        ("DELETE", json, with("access_token", "unknown"), 204),
    ] {
        let answer = revoke(&acme, method, media_type, &body).await;
        assert_eq!(answer.status, status, "{method} {media_type}");
    }
    let ledger = acme.sandbox.ledger();
    assert_eq!(
        (ledger.revocations(), ledger.count(Outcome::NothingToRevoke)),
        (0, 1)
    );
    assert!(ledger.is_live_access_token(&access) && ledger.is_current_refresh_token(&refresh));

    let answer = revoke(&acme, "DELETE", json, &with("access_token", &access)).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let ledger = acme.sandbox.ledger();
    let last = ledger.requests_to(Endpoint::Revocation).last().unwrap();
    assert_eq!(last.params, ["access_token"]);
    assert_eq!(ledger.revocations(), 1);
    assert!(!ledger.is_live_access_token(&access) && ledger.is_current_refresh_token(&refresh));

    let stranger = endpoint.replace(id, "another");
    let sent = acme.send("DELETE", &stranger, &[], b"").await.unwrap();
    assert_eq!(sent.status, 401, "a path of the API: {sent:?}");
}

#[tokio::test]
async fn by_whoever_has_the_token() {
    let rules = acme_but(|rules| {
        rules["revocation"]["client_authentication"] = json!(["none"]);
        rules["revocation"]["takes"] = json!(["refresh_token"]);
        rules["revocation"]["answer"] = json!({ "status": 200, "body": { "ok": true } });
        rules["revocation"]["wrong_token"] = json!({ "status": 200, "body": { "ok": false } });
    });
    let acme = Played::start(&rules).await;
    let (access, first) = acme.connect().await;
    let (_, refresh) = pair(&acme.refresh(&first).await.unwrap());
    let endpoint = acme.sandbox.revocation_endpoint().unwrap();
    let post = async |auth, token: &str| {
        let form = [("token", token)];
        acme.post(&endpoint, auth, &form).await.unwrap()
    };
    assert_eq!(post(Auth::Basic, &refresh).await.status, 400);
    let dead = post(Auth::None, &access).await;
    assert_eq!(dead.json()["ok"], false, "of the wrong kind, dead or alive");
    assert_eq!(post(Auth::None, &first).await.json()["ok"], true, "spent");
    assert_eq!(acme.sandbox.ledger().revocations(), 0);
    assert_eq!(post(Auth::None, &refresh).await.json()["ok"], true);
    let ledger = acme.sandbox.ledger();
    assert_eq!((ledger.revocations(), ledger.grants_alive()), (1, 0));
}
