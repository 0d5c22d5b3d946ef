//! Who may confirm, and how long.

use std::time::Duration;

use serde_json::json;
use tieline_store::Permission;

use crate::scene::{MALLORY, Scene};

#[tokio::test]
async fn a_ticket_is_good_for_a_minute() {
    let scene = Scene::new().await;
    let begun = scene.begin("ada").await;
    let ticket = scene.ticket(&begun).await;
    scene.clock.advance(Duration::from_secs(61));
    let late = scene.host.confirm(begun.id, &ticket, "ada").await;
    assert_eq!(
        (late.status, late.problem().as_str()),
        (404, "unknown-ticket")
    );
    scene.nothing_came_of_it().await;
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn a_late_ticket_is_gone_even_if_the_clock_is_set_back() {
    let scene = Scene::new().await;
    let begun = scene.begin("ada").await;
    let ticket = scene.ticket(&begun).await;
    let in_time = scene.clock.clone();
    in_time.advance(Duration::from_secs(61));
    assert_eq!(
        scene.host.confirm(begun.id, &ticket, "ada").await.status,
        404
    );
    in_time.set(tieline_core::Clock::now(&*in_time) - Duration::from_secs(60));
    assert_eq!(
        scene.host.confirm(begun.id, &ticket, "ada").await.status,
        404
    );
    scene.nothing_came_of_it().await;
}

#[tokio::test]
async fn a_late_callback_gets_no_ticket() {
    let scene = Scene::new().await;
    let begun = scene.begin("ada").await;
    let callback = scene.sandbox.consent(&begun.url).await.unwrap();
    scene.clock.advance(Duration::from_secs(601));
    let late = scene.open(&callback).await;
    assert_eq!(late.problem(), "authorization-expired");
    assert!(!late.location().contains("ticket"), "{late:?}");
    assert!(scene.open(&callback).await.is_a_refusing_page());
    scene.nothing_came_of_it().await;
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn only_a_good_key_of_the_tenant_that_may_connect_confirms() {
    let scene = Scene::new().await;
    scene.malicious_app("evil", &scene.evil).await;
    let all = Permission::ALL;
    let but_connect: Vec<_> = all
        .iter()
        .copied()
        .filter(|one| *one != Permission::Connect)
        .collect();
    let revoked = scene.another_host("default", all).await;
    let keys = scene.engine.api_keys(None, None, 50).await.unwrap();
    let last = keys.iter().max_by_key(|key| key.id).map(|key| key.id);
    let hint = keys
        .iter()
        .find(|key| revoked.key().ends_with(&key.hint))
        .map(|key| key.id);
    let id = hint.or(last).unwrap();
    let begun = scene.begin("ada").await;
    let ticket = scene.ticket(&begun).await;
    // It worked before.
    assert_eq!(revoked.confirm(begun.id, "wrong", "ada").await.status, 404);
    scene.engine.revoke_api_key(id).await.unwrap();

    let others = scene.another_host(MALLORY, all).await;
    let weak = scene.another_host("default", &but_connect).await;
    for (host, status, problem, why) in [
        (&others, 404, "unknown-ticket", "another tenant's"),
        (&weak, 403, "not-permitted", "without the permission"),
        (&revoked, 401, "unauthenticated", "revoked"),
    ] {
        let refused = host.confirm(begun.id, &ticket, "ada").await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (status, problem),
            "{why}"
        );
        let refused = host.start(scene.app.id, json!({ "user": "ada" })).await;
        assert_ne!(refused.status, 201, "{why}");
    }
    let url = format!("{}/v1/authorizations/{}/confirm", scene.base, begun.id);
    let body = json!({ "ticket": ticket, "user": "ada" }).to_string();
    let keyless = scene
        .send(scene.request(http::Method::POST, &url).body(body))
        .await;
    assert_eq!(
        (keyless.status, keyless.problem().as_str()),
        (401, "unauthenticated")
    );
    scene.nothing_came_of_it().await;
    assert_eq!(
        scene.host.confirm(begun.id, &ticket, "ada").await.status,
        200,
        "none of them used the ticket up"
    );
    scene.the_honest_can_still_connect().await;
}
