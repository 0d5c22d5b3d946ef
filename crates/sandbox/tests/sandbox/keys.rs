//! Vendors without OAuth, and the places where calls carry tokens and keys.

use crate::client::{Answer, Auth, Played, acme_but, exchange_form};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tieline_sandbox::{Endpoint, Outcome};

/// No OAuth: a key in this place.
fn keyed(token: Value, key: &str) -> String {
    acme_but(|rules| {
        for part in ["authorization", "token", "revocation"] {
            rules[part] = Value::Null;
        }
        rules["accounts"][0]["api_key"] = "key+of:ada".into();
        rules["accounts"][1]["api_key"] = "key-of-grace".into();
        rules["api"]["token"] = token;
        rules["api"]["key"] = key.into();
    })
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

async fn me(acme: &Played, header: (&str, &str)) -> Answer {
    let url = format!("{}/me", acme.sandbox.api_base());
    acme.send("GET", &url, &[header], b"").await.unwrap()
}

#[tokio::test]
async fn a_key_lives_until_it_is_ended() {
    let rules = keyed(
        json!({ "basic_user": "X" }),
        "{account.tenant}.{account.sub}",
    );
    let acme = Played::start(&rules).await;
    let header = basic("grace.u-1002:X");
    let answer = me(&acme, ("authorization", &header)).await;
    assert_eq!(
        (answer.status, &answer.json()["sub"]),
        (200, &"u-1002".into())
    );
    for wrong in [basic("grace:X"), "Bearer grace.u-1002".to_owned()] {
        let refused = me(&acme, ("authorization", &wrong)).await;
        assert_eq!(refused.status, 401, "{wrong}");
    }
    acme.later(1 << 30);
    acme.sandbox.expire_access_tokens();
    assert_eq!(me(&acme, ("authorization", &header)).await.status, 200);
    let ledger = acme.sandbox.ledger();
    assert!(ledger.is_live_access_token("grace.u-1002"));
    assert!(ledger.is_live_access_token("ada.u-1001"));
    assert!(ledger.secrets().any(|secret| secret == "ada.u-1001"));
    acme.sandbox.end_keys();
    let dead = me(&acme, ("authorization", &header)).await;
    assert_eq!(dead.status, 401);
    assert_eq!(acme.reason(), "the access token is not alive");
    let ledger = acme.sandbox.ledger();
    assert!(!ledger.is_live_access_token("grace.u-1002"));
    assert!(ledger.secrets().any(|secret| secret == "grace.u-1002"));
}

#[tokio::test]
async fn without_oauth_there_are_no_endpoints_of_it() {
    let rules = keyed(json!("bearer"), "{account.api_key}");
    let acme = Played::start(&rules).await;
    let base = acme.sandbox.base_url();
    assert_eq!(acme.sandbox.authorization_endpoint(), format!("{base}/"));
    assert_eq!(acme.sandbox.token_endpoint(), format!("{base}/"));
    assert_eq!(acme.sandbox.revocation_endpoint(), None);
    assert_eq!(acme.sandbox.device_endpoint(), None);
    let lost = acme.token(Auth::Body, &exchange_form("x")).await.unwrap();
    assert_eq!(lost.status, 401, "the API asks for a key");
    assert!(
        acme.sandbox
            .consent(&acme.authorization_url(&[]))
            .await
            .is_err()
    );
    let ledger = acme.sandbox.ledger();
    assert_eq!(ledger.requests_to(Endpoint::Api).count(), 2);
    let served = acme.call("/me", "key-of-grace").await.unwrap();
    assert_eq!(served.json()["sub"], "u-1002");
}

#[tokio::test]
async fn a_pair_is_a_key() {
    let rules = keyed(json!("basic_pair"), "{account.tenant}:{account.api_key}");
    let acme = Played::start(&rules).await;
    for (pair, status) in [
        ("ada:key+of:ada", 200),
        ("ada:key of:ada", 401),
        ("ada:key+of", 401),
        ("grace:key+of:ada", 401),
        ("ada", 401),
    ] {
        let answer = me(&acme, ("authorization", &basic(pair))).await;
        assert_eq!(answer.status, status, "{pair}");
    }
}

#[tokio::test]
async fn a_token_may_stand_in_a_header_of_its_own() {
    let rules = acme_but(|rules| rules["api"]["token"] = json!({ "header": "X-Acme-Token" }));
    let acme = Played::start(&rules).await;
    let (access, _) = acme.connect().await;
    assert_eq!(me(&acme, ("x-acme-token", &access)).await.status, 200);
    let bearer = format!("Bearer {access}");
    assert_eq!(me(&acme, ("authorization", &bearer)).await.status, 401);
    assert_eq!(acme.reason(), "no access token");
    assert_eq!(me(&acme, ("x-acme-token", &bearer)).await.status, 401);
    assert_eq!(acme.reason(), "the access token is not alive");
}

#[tokio::test]
async fn a_path_may_be_one_accounts() {
    let rules = acme_but(|rules| {
        rules["api"]["routes"][0]["path"] = "/api/{account.sub}/me/{account.tenant}".into();
    });
    let acme = Played::start(&rules).await;
    let (access, _) = acme.connect().await;
    for (path, status) in [
        ("/u-1001/me/ada", 200),
        ("/u-1001/me/ada?fields=all", 200),
        ("/u-1002/me/grace", 404),
        ("/u-1001/me/grace", 404),
        ("/{account.sub}/me/{account.tenant}", 404),
    ] {
        let answer = acme.call(path, &access).await.unwrap();
        assert_eq!(answer.status, status, "{path}");
    }
    let not_there = Outcome::Refused {
        reason: "nothing is there",
    };
    assert_eq!(acme.sandbox.ledger().count(not_there), 3);
}
