//! A user's own tokens beside the app's.

use crate::client::{Answer, Played, acme_but, pair, query};
use serde_json::{Value, json};

fn with_users() -> String {
    acme_but(|rules| {
        rules["authorization"]["user_scopes"] = json!(["search", "read"]);
        rules["authorization"]["scope_required"] = true.into();
        rules["authorization"]["code_lifetime_seconds"] = 60.into();
        let token = &mut rules["token"];
        token["refresh_answer"] = token["answer"].clone();
        token["refresh_answer"]["body"]["again"] = true.into();
        token["answer"]["body"]["of"] = "{account.sub}".into();
        token["answer"]["body"]["user"] = json!({
            "id": "{account.sub}",
            "access_token": "{user_access_token}",
            "refresh_token": "{user_refresh_token}",
            "scope": "{user_scope}",
            "expires_in": "{expires_in}",
        });
    })
}

async fn exchanged(acme: &Played, scopes: &[(&str, &str)]) -> Answer {
    let url = acme.authorization_url(scopes);
    let callback = acme.sandbox.consent(&url).await.unwrap();
    let code = query(&callback, "code").unwrap_or_else(|| panic!("{callback}"));
    let answer = acme.exchange(&code).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn a_user_has_tokens_of_their_own_with_a_life_of_their_own() {
    let acme = Played::start(&with_users()).await;
    let answer = exchanged(&acme, &[("user_scope", "search")]).await;
    let (access, refresh) = pair(&answer);
    let json = answer.json();
    let user = &json["user"];
    assert_eq!(
        (text(&json["scope"]), text(&user["scope"])),
        ("read write", "search")
    );
    assert_eq!(user["expires_in"], 3_600);
    let user_access = text(&user["access_token"]).to_owned();
    let user_refresh = text(&user["refresh_token"]).to_owned();
    let ledger = acme.sandbox.ledger();
    assert_eq!(ledger.grants_alive(), 1, "one consent");
    for token in [&access, &user_access] {
        assert!(ledger.is_live_access_token(token));
        assert_eq!(acme.call("/me", token).await.unwrap().status, 200);
    }

    let answer = acme.refresh(&user_refresh).await.unwrap();
    let json = answer.json();
    assert_eq!(
        (text(&json["scope"]), &json["again"]),
        ("search", &true.into())
    );
    assert_eq!((json.get("user"), json.get("of")), (None, None));
    let (_, user_second) = pair(&answer);
    let ledger = acme.sandbox.ledger();
    assert!(
        ledger.is_live_access_token(&access),
        "the app's is another's"
    );
    assert!(!ledger.is_live_access_token(&user_access));
    assert!(ledger.is_current_refresh_token(&refresh));
    assert!(ledger.is_current_refresh_token(&user_second));
    let answer = acme.refresh(&refresh).await.unwrap();
    assert_eq!(answer.field("scope"), "read write");

    acme.sandbox.revoke_grant(&user_second);
    assert_eq!(
        acme.sandbox.ledger().grants_alive(),
        0,
        "the app is removed"
    );
}

#[tokio::test]
async fn what_was_not_asked_for_is_not_in_the_answer() {
    let acme = Played::start(&with_users()).await;
    let json = exchanged(&acme, &[]).await.json();
    assert_eq!(json["user"], json!({ "id": "u-1001" }));
    assert_eq!(json["expires_in"], 3_600);

    let only_user = [("scope", ""), ("user_scope", "read search")];
    let json = exchanged(&acme, &only_user).await.json();
    for name in ["access_token", "refresh_token", "scope", "expires_in"] {
        assert_eq!(json.get(name), None, "{name}");
        assert!(json["user"].get(name).is_some(), "{name}");
    }
    assert_eq!(json["of"], "u-1001");
    let user = json["user"]["refresh_token"].as_str().unwrap();
    pair(&acme.refresh(user).await.unwrap());
}

#[tokio::test]
async fn users_scopes_are_not_the_apps() {
    let acme = Played::start(&with_users()).await;
    for (scopes, error) in [
        (
            [("scope", "search"), ("user_scope", "read")],
            "invalid_scope",
        ),
        (
            [("scope", "read"), ("user_scope", "write")],
            "invalid_scope",
        ),
        ([("scope", ""), ("user_scope", "")], "invalid_scope"),
    ] {
        let url = acme.authorization_url(&scopes);
        let callback = acme.sandbox.consent(&url).await.unwrap();
        assert_eq!(query(&callback, "error").unwrap(), error, "{scopes:?}");
    }
    let without = Played::start(crate::client::ACME).await;
    let answer = exchanged(&without, &[("user_scope", "anything")]).await;
    assert_eq!(
        answer.field("scope"),
        "read write",
        "a parameter like any other"
    );
}

#[tokio::test]
async fn a_code_used_twice_takes_both_along() {
    let acme = Played::start(&with_users()).await;
    let url = acme.authorization_url(&[("user_scope", "search")]);
    let code = query(&acme.sandbox.consent(&url).await.unwrap(), "code").unwrap();
    let json = acme.exchange(&code).await.unwrap().json();
    assert_eq!(acme.exchange(&code).await.unwrap().status, 400);
    let ledger = acme.sandbox.ledger();
    for token in [&json["access_token"], &json["user"]["access_token"]] {
        assert!(!ledger.is_live_access_token(text(token)));
    }
}
