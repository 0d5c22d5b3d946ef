//! A client that asks for itself (RFC 6749, section 4.4).

use crate::client::{Auth, Played, acme_but};
use serde_json::{Value, json};
use tieline_sandbox::Outcome;

const FORM: [(&str, &str); 1] = [("grant_type", "client_credentials")];

fn rules(edit: impl FnOnce(&mut Value)) -> String {
    acme_but(|rules| {
        rules["token"]["client_credentials"] = json!({ "client_authentication": ["basic"] });
        rules["token"]["answer"]["body"]["left"] = "{refresh_expires_in}".into();
        edit(rules);
    })
}

#[tokio::test]
async fn a_client_gets_a_token_without_another() {
    let acme = Played::start(&rules(|_| {})).await;
    let answer = acme.token(Auth::Basic, &FORM).await.unwrap();
    let json = answer.json();
    let names: Vec<_> = json.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access_token", "expires_in", "scope", "token_type"]);
    assert_eq!(json["scope"], "read write offline_access");
    let access = answer.field("access_token");
    assert_eq!(
        acme.call("/me", &access).await.unwrap().json()["sub"],
        "u-1001"
    );
    let ledger = acme.sandbox.ledger();
    assert_eq!(ledger.count(Outcome::ClientTokenIssued), 1);
    assert_eq!((ledger.exchanges(), ledger.grants_alive()), (0, 0));
    acme.later(3_600);
    assert!(!acme.sandbox.ledger().is_live_access_token(&access));

    let narrow = [FORM[0], ("scope", "read")];
    let answer = acme.token(Auth::Basic, &narrow).await.unwrap();
    assert_eq!(answer.field("scope"), "read");
    let wide = [FORM[0], ("scope", "everything")];
    let refused = acme.token(Auth::Basic, &wide).await.unwrap();
    assert_eq!(refused.error(), "400 invalid_scope/-");
    for auth in [Auth::Body, Auth::Id, Auth::None] {
        assert_eq!(acme.token(auth, &FORM).await.unwrap().status, 400);
    }
}

#[tokio::test]
async fn it_may_be_all_there_is() {
    let rules = rules(|rules| {
        rules["authorization"] = Value::Null;
        let token = &mut rules["token"];
        for name in [
            "exchange",
            "refresh",
            "refresh_token_lifetime_seconds",
            "refresh_token_reuse",
            "old_access_token_dies",
        ] {
            token.as_object_mut().unwrap().remove(name).unwrap();
        }
        token["host"] = "{account.tenant}.acme.example".into();
        token["errors"]["dead_refresh_token"] = json!([]);
        token["answer"]["body"] = json!({ "access_token": "{access_token}" });
        token["client_credentials_answer"] = json!({ "status": 200, "body": { "access_token": "{access_token}", "for": "{account.tenant}" } });
    });
    let mut acme = Played::start(&rules).await;
    let answer = acme.token(Auth::Basic, &FORM).await.unwrap();
    assert_eq!(answer.field("for"), "ada");
    acme.host = "grace.acme.example".to_owned();
    let answer = acme.token(Auth::Basic, &FORM).await.unwrap();
    assert_eq!(answer.field("for"), "grace", "the first one there");
    let code = [("grant_type", "authorization_code"), ("code", "x")];
    let refused = acme.token(Auth::Basic, &code).await.unwrap();
    assert_eq!(refused.error(), "400 unsupported_grant_type/-");
}

#[tokio::test]
async fn without_the_rule_there_is_no_such_grant() {
    let acme = Played::start(crate::client::ACME).await;
    let refused = acme.token(Auth::Basic, &FORM).await.unwrap();
    assert_eq!(refused.error(), "400 unsupported_grant_type/-");
}
