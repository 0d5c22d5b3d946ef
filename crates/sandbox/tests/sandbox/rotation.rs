//! How refresh tokens rotate: always, late, never, or with a window for the one before.

use crate::client::{Answer, Played, acme_but, pair};

#[tokio::test]
async fn a_young_refresh_token_comes_back() {
    let rules = acme_but(|rules| {
        let token = &mut rules["token"];
        token["refresh_token_rotates_after_seconds"] = 600.into();
        token["answer"]["body"]["left"] = "{refresh_expires_in}".into();
    });
    let acme = Played::start(&rules).await;
    let (first_access, first) = acme.connect().await;
    acme.later(599);
    let answer = acme.refresh(&first).await.unwrap();
    assert_eq!(answer.json()["left"], 2_592_000 - 599);
    let (access, same) = pair(&answer);
    assert_eq!(same, first);
    let ledger = acme.sandbox.ledger();
    assert!(ledger.is_current_refresh_token(&first));
    assert!(ledger.is_live_access_token(&access));
    assert!(!ledger.is_live_access_token(&first_access));
    acme.later(1);
    let answer = acme.refresh(&first).await.unwrap();
    assert_eq!(answer.json()["left"], 2_592_000);
    let (_, second) = pair(&answer);
    assert_ne!(second, first);
    let ledger = acme.sandbox.ledger();
    assert!(!ledger.is_current_refresh_token(&first));
    assert_eq!((ledger.refreshes(), ledger.grants_alive()), (2, 1));
    assert_eq!(acme.refresh(&first).await.unwrap().status, 400);
}

#[tokio::test]
async fn a_refresh_token_may_never_rotate() {
    let rules = acme_but(|rules| {
        let token = &mut rules["token"];
        token["refresh_token_rotates"] = false.into();
        token["refresh_token_reuse"] = serde_json::Value::Null;
        token["refresh_answer"] = token["answer"].clone();
        let body = token["refresh_answer"]["body"].as_object_mut().unwrap();
        body.remove("refresh_token").unwrap();
        body.insert("left".into(), "{refresh_expires_in}".into());
    });
    let acme = Played::start(&rules).await;
    let (_, refresh) = acme.connect().await;
    for n in 0..3_usize {
        let answer = acme.refresh(&refresh).await.unwrap();
        assert_eq!(
            (answer.status, answer.json().get("refresh_token")),
            (200, None)
        );
        assert_eq!(answer.json()["left"], 2_592_000 - n * 3_600);
        let access = answer.field("access_token");
        let ledger = acme.sandbox.ledger();
        assert!(ledger.is_live_access_token(&access) && ledger.is_current_refresh_token(&refresh));
        assert_eq!(ledger.refreshes(), n + 1);
        acme.later(3_600);
    }
    acme.later(2_592_000);
    assert_eq!(acme.refresh(&refresh).await.unwrap().status, 400);
}

async fn refreshed(acme: &Played, token: &str) -> (String, String) {
    let answer: Answer = acme.refresh(token).await.unwrap();
    pair(&answer)
}

#[tokio::test]
async fn within_the_window_a_spent_refresh_token_works_again() {
    let rules = acme_but(|rules| {
        rules["token"]["refresh_token_reuse_window_seconds"] = 30.into();
    });
    let acme = Played::start(&rules).await;
    let (first_access, first) = acme.connect().await;
    let (access, second) = refreshed(&acme, &first).await;
    assert!(!acme.sandbox.ledger().is_live_access_token(&first_access));
    acme.later(29);
    let (again_access, third) = refreshed(&acme, &first).await;
    assert_ne!(third, second);
    let ledger = acme.sandbox.ledger();
    for token in [&access, &again_access] {
        assert!(ledger.is_live_access_token(token), "both stay good");
    }
    for token in [&second, &third] {
        assert!(ledger.is_current_refresh_token(token), "both stay good");
    }
    assert!(!ledger.is_current_refresh_token(&first), "it is spent");
    assert_eq!((ledger.refreshes(), ledger.grants_alive()), (2, 1));
    acme.later(1);
    assert_eq!(
        acme.refresh(&first).await.unwrap().status,
        400,
        "the window is counted from the first time"
    );
    assert_eq!(acme.reason(), "the refresh token was used before");
    assert_eq!(acme.sandbox.ledger().grants_alive(), 0, "as reuse is there");
}

#[tokio::test]
async fn the_window_opens_for_no_dead_grant() {
    let rules = acme_but(|rules| {
        rules["token"]["refresh_token_reuse_window_seconds"] = 30.into();
    });
    let acme = Played::start(&rules).await;
    let (_, first) = acme.connect().await;
    let (_, second) = refreshed(&acme, &first).await;
    acme.sandbox.revoke_grant(&second);
    assert_eq!(acme.refresh(&first).await.unwrap().status, 400);
    assert_eq!(acme.reason(), "the grant was revoked");
}
