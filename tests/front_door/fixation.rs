//! Cross-user session fixation (draft-ietf-oauth-security-topics-update section 2.3): the attacker starts, and has the victim
//! consent.

use serde_json::json;

use crate::outside::{Begun, parameter};
use crate::scene::Scene;

/// What the attacker hands on, unopened: an authorization URL, or a connect link that the victim follows.
async fn handed_on(scene: &Scene, by_link: bool) -> Begun {
    if !by_link {
        return scene.begin("mallory").await;
    }
    let link = scene
        .host
        .link(scene.app.id, json!({ "user": "mallory" }))
        .await;
    assert_eq!(scene.open(&link).await.status, 200);
    let url = scene.submit(&link, &[]).await.location();
    // Nobody knows the id before it is told with the ticket.
    Begun { id: 1, url }
}

/// The victim consents, and their browser goes to the host: the authorization and its ticket.
async fn victim_consents(scene: &Scene, url: &str) -> (i64, String) {
    let callback = scene.sandbox.consent(url).await.unwrap();
    let at_host = scene.open(&callback).await.location();
    assert!(
        at_host.starts_with("https://host.example/confirm?"),
        "{at_host}"
    );
    let id = parameter(&at_host, "authorization")
        .unwrap()
        .parse()
        .unwrap();
    (id, parameter(&at_host, "ticket").unwrap())
}

#[tokio::test]
async fn the_victims_own_session_connects_nothing_to_the_attacker_and_uses_the_ticket_up() {
    let scene = Scene::new().await;
    for by_link in [false, true] {
        let begun = handed_on(&scene, by_link).await;
        let (id, ticket) = victim_consents(&scene, &begun.url).await;
        // The host sees the victim in that browser.
        let refused = scene.host.confirm(id, &ticket, "victim").await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (403, "not-yours"),
            "{by_link}"
        );
        // What the attacker may have seen over a shoulder is worth nothing now.
        let late = scene.host.confirm(id, &ticket, "mallory").await;
        assert_eq!(
            (late.status, late.problem().as_str()),
            (404, "unknown-ticket"),
            "{by_link}"
        );
        scene.nothing_came_of_it().await;
    }
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn the_attackers_session_confirms_nothing_without_the_ticket_that_the_victims_browser_has() {
    let scene = Scene::new().await;
    for by_link in [false, true] {
        let begun = handed_on(&scene, by_link).await;
        let callback = scene.sandbox.consent(&begun.url).await.unwrap();
        // Before the callback there is nothing to confirm.
        for ticket in ["", "x", &"A".repeat(43)] {
            let refused = scene.host.confirm(begun.id, ticket, "mallory").await;
            assert_eq!(refused.status, 404, "{by_link}: {refused:?}");
        }
        let at_host = scene.open(&callback).await.location();
        let id = parameter(&at_host, "authorization")
            .unwrap()
            .parse()
            .unwrap();
        // The attacker opens the confirm page in their own session: with the id, which they know, and what they guess.
        let state = parameter(&begun.url, "state").unwrap();
        for guess in ["", "x", &"A".repeat(43), &state] {
            let refused = scene.host.confirm(id, guess, "mallory").await;
            assert_eq!(
                (refused.status, refused.problem().as_str()),
                (404, "unknown-ticket")
            );
        }
        scene.nothing_came_of_it().await;
    }
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn a_ticket_confirms_no_other_authorization() {
    let scene = Scene::new().await;
    let (mallorys, victims) = (scene.begin("mallory").await, scene.begin("victim").await);
    // The victim runs the attacker's authorization to the ticket; the attacker wants it for one of the victim's name, and their
    // own ticket for the victim's.
    let (ticket, other) = (scene.ticket(&mallorys).await, scene.ticket(&victims).await);
    for (id, ticket, user) in [
        (victims.id, &ticket, "victim"),
        (victims.id, &ticket, "mallory"),
        (mallorys.id, &other, "mallory"),
        (mallorys.id, &other, "victim"),
    ] {
        let refused = scene.host.confirm(id, ticket, user).await;
        assert_eq!(
            (refused.status, refused.problem().as_str()),
            (404, "unknown-ticket")
        );
    }
    scene.nothing_came_of_it().await;
    let confirmed = scene.host.confirm(victims.id, &other, "victim").await;
    assert_eq!(
        confirmed.status, 200,
        "a wrong ticket uses nothing up: {confirmed:?}"
    );
    scene.the_honest_can_still_connect().await;
}

/// Login fixation the other way round: the victim's browser is sent to a callback of the attacker's consent.
#[tokio::test]
async fn the_attackers_account_is_not_connected_for_the_victim() {
    let scene = Scene::new().await;
    let mallorys = scene.begin("mallory").await;
    let callback = scene
        .sandbox
        .consent_as(&mallorys.url, "grace")
        .await
        .unwrap();
    let at_host = scene.open(&callback).await.location();
    let ticket = parameter(&at_host, "ticket").unwrap();
    let refused = scene.host.confirm(mallorys.id, &ticket, "victim").await;
    assert_eq!(refused.problem(), "not-yours");
    scene.nothing_came_of_it().await;
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn a_user_is_compared_byte_for_byte_and_named_once() {
    let scene = Scene::new().await;
    for user in [
        "Ada",
        "ada ",
        " ada",
        "ada\u{0}",
        "ad",
        "adaa",
        "",
        "a\u{301}da",
    ] {
        let begun = scene.begin("ada").await;
        let ticket = scene.ticket(&begun).await;
        let refused = scene.host.confirm(begun.id, &ticket, user).await;
        let told = match user.contains('\0') {
            true => "bad-request",
            false => "not-yours",
        };
        assert_eq!(refused.problem(), told, "{user:?}");
    }
    let begun = scene.begin("ada").await;
    let ticket = scene.ticket(&begun).await;
    let path = format!("authorizations/{}/confirm", begun.id);
    for body in [
        format!(r#"{{"ticket":"{ticket}","user":"mallory","user":"ada"}}"#),
        format!(r#"{{"ticket":"{ticket}","user":["ada"]}}"#),
        format!(r#"{{"ticket":"{ticket}"}}"#),
        format!(r#"{{"ticket":"{ticket}","user":null}}"#),
        format!(r#"{{"ticket":"{ticket}","user":"ada","session":"x"}}"#),
    ] {
        let refused = scene.host.post_text(&path, body.clone()).await;
        assert_eq!(refused.status, 400, "{body}: {refused:?}");
        assert!(!refused.body.contains(&ticket), "{refused:?}");
    }
    scene.nothing_came_of_it().await;
    assert_eq!(
        scene.host.confirm(begun.id, &ticket, "ada").await.status,
        200
    );
}
