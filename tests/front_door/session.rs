//! A host that embeds the routes and says who is signed in: the callback must arrive in the session that started it.

use std::sync::Arc;

use http::request::Parts;
use serde_json::json;
use tieline_server::SignedIn;

use crate::outside::{Answer, token_requests};
use crate::scene::Scene;

/// Whoever a host's own session says; here a header stands in for its cookie.
fn signed_in() -> SignedIn {
    Arc::new(|parts: &Parts| {
        let user = parts.headers.get("x-session-of")?;
        user.to_str().ok().map(str::to_owned)
    })
}

async fn scene() -> Scene {
    Scene::with(Some(signed_in()), |_| {}, |descriptor| descriptor).await
}

async fn arrive(scene: &Scene, callback: &str, user: Option<&str>) -> Answer {
    let request = scene.request(http::Method::GET, callback);
    scene
        .send(match user {
            Some(user) => request.header("x-session-of", user),
            None => request,
        })
        .await
}

#[tokio::test]
async fn another_user_or_nobody_at_the_callback_exchanges_nothing() {
    let scene = scene().await;
    let body = json!({ "user": "mallory", "binding": "session" });
    for user in [Some("victim"), Some("Mallory"), Some(""), None] {
        let begun = scene.host.begin(scene.app.id, body.clone()).await;
        let callback = scene.sandbox.consent(&begun.url).await.unwrap();
        let refused = arrive(&scene, &callback, user).await;
        assert!(refused.is_a_refusing_page(), "{user:?}: {refused:?}");
        assert_eq!(refused.status, 403, "{user:?}: {refused:?}");
        let late = arrive(&scene, &callback, Some("mallory")).await;
        assert_eq!(late.status, 404, "used up: {late:?}");
        scene.nothing_came_of_it().await;
    }
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn the_same_user_is_connected_and_sent_to_an_address_without_the_code() {
    let scene = scene().await;
    for (return_to, goes_to) in [
        (None, format!("{}/connected", scene.base)),
        (Some("/settings?tab=2"), "/settings?tab=2".to_owned()),
        (
            Some("https://host.example/done"),
            "https://host.example/done".to_owned(),
        ),
    ] {
        let body = json!({ "user": "ada", "binding": "session", "return_to": return_to });
        let before = scene.instances().await;
        let begun = scene.host.begin(scene.app.id, body).await;
        let callback = scene.sandbox.consent(&begun.url).await.unwrap();
        let answer = arrive(&scene, &callback, Some("ada")).await;
        assert_eq!(answer.location(), goes_to);
        assert_eq!(scene.instances().await, before + 1);
    }
    let connected = scene.open(&format!("{}/connected", scene.base)).await;
    assert!(connected.status == 200 && connected.body.contains("<h1>Connected</h1>"));
}

/// A session at the front door is no confirmation: what a host confirms waits for its ticket.
#[tokio::test]
async fn who_is_signed_in_confirms_nothing() {
    let scene = scene().await;
    let begun = scene.begin("ada").await;
    let callback = scene.sandbox.consent(&begun.url).await.unwrap();
    let answer = arrive(&scene, &callback, Some("ada")).await;
    assert!(!answer.ticket().is_empty());
    scene.nothing_came_of_it().await;
}

#[tokio::test]
async fn nobody_chooses_a_binding_that_is_not_theirs() {
    let (plain, embedding) = (Scene::new().await, scene().await);
    for (scene, binding) in [
        (&plain, "session"),
        (&plain, "local"),
        (&embedding, "local"),
    ] {
        let body = json!({ "user": "ada", "binding": binding });
        let refused = scene.host.start(scene.app.id, body).await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (422, "unusable"),
            "{binding}"
        );
    }
    for user in [json!(null), json!(""), json!("a\nb")] {
        for binding in ["session", "confirm"] {
            let body = json!({ "user": user, "binding": binding });
            let refused = embedding.host.start(embedding.app.id, body).await;
            assert_eq!(
                (refused.status, refused.problem().as_str()),
                (422, "unusable"),
                "{user}"
            );
        }
    }
    assert_eq!(token_requests(&plain.sandbox), 0);
}

#[tokio::test]
async fn the_last_page_says_how_far_it_is() {
    let scene = Scene::new().await;
    for (query, told) in [
        ("", "Your account is connected"),
        ("?authorization=1&ticket=x", "is not connected yet"),
        ("?authorization=1&error=denied", "Nothing was connected"),
    ] {
        let page = scene
            .open(&format!("{}/connected{query}", scene.base))
            .await;
        assert!(page.body.contains(told), "{query}: {page:?}");
    }
}
