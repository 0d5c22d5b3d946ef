//! Cross-tool account takeover (draft-ietf-oauth-security-topics-update section 2.2): the attacker has an app at the same
//! Tieline, and wants a code of the victim's brought to their own token endpoint.

use serde_json::json;

use crate::outside::{parameter, token_requests, with};
use crate::scene::Scene;

/// The honest provider's consent page, opened with the attacker's state or redirect URI in the place of the honest ones.
fn mixed(honest_url: &str, state: Option<&str>, redirect_uri: Option<&str>) -> String {
    let mut url = honest_url.to_owned();
    if let Some(state) = state {
        url = with(&url, "state", Some(state));
    }
    if let Some(redirect_uri) = redirect_uri {
        url = with(&url, "redirect_uri", Some(redirect_uri));
    }
    url
}

#[tokio::test]
async fn a_code_of_the_honest_provider_never_reaches_the_attackers_token_endpoint() {
    let scene = Scene::new().await;
    let (evil_app, evil_host) = scene.malicious_app("evil", &scene.evil).await;
    let evil_callback = format!("{}/callback/{}", scene.base, evil_app.context);
    for theirs_state in [true, false] {
        let honest = scene.begin("victim").await;
        let evil = evil_host
            .begin(evil_app.id, json!({ "user": "mallory" }))
            .await;
        // The attacker's state at the honest redirect URI, then the honest state at the attacker's.
        let url = if theirs_state {
            mixed(&honest.url, parameter(&evil.url, "state").as_deref(), None)
        } else {
            mixed(&honest.url, None, Some(&evil_callback))
        };
        let callback = scene.sandbox.consent(&url).await.unwrap();
        let answer = scene.open(&callback).await;
        assert!(answer.is_a_refusing_page(), "{theirs_state}: {answer:?}");
        assert_eq!(answer.headers.get("location"), None);

        // Whatever was tried is over: the state is no good any more where it belongs.
        let query = callback.split_once('?').unwrap().1;
        let home = if theirs_state {
            format!("{evil_callback}?{query}")
        } else {
            scene.callback(query)
        };
        let again = scene.open(&home).await;
        assert!(again.is_a_refusing_page(), "{theirs_state}: {again:?}");
        assert!(again.body.contains("followed to its end already"));
        scene.nothing_came_of_it().await;
    }
    scene.the_honest_can_still_connect().await;
    assert_eq!(token_requests(&scene.evil), 0);
}

/// A provider that does not look at redirect URIs sends the code to the attacker's: then its issuer tells.
#[tokio::test]
async fn a_code_at_the_attackers_own_address_is_known_by_its_issuer() {
    let scene = Scene::new().await;
    let (evil_app, evil_host) = scene.malicious_app("evil", &scene.evil).await;
    let honest = scene.begin("victim").await;
    let evil = evil_host
        .begin(evil_app.id, json!({ "user": "mallory" }))
        .await;
    let evil_callback = format!("{}/callback/{}", scene.base, evil_app.context);
    let state = parameter(&evil.url, "state");
    let url = mixed(&honest.url, state.as_deref(), Some(&evil_callback));
    let callback = scene.sandbox.consent(&url).await.unwrap();
    let answer = scene.open(&callback).await;
    // The attacker's host hears of its own authorization, and gets no ticket.
    assert_eq!(answer.problem(), "callback-refused", "{answer:?}");
    assert!(!answer.location().contains("ticket"), "{answer:?}");
    scene.nothing_came_of_it().await;
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn a_code_without_an_issuer_is_not_taken_for_the_attackers() {
    let scene = Scene::new().await;
    let (evil_app, evil_host) = scene.malicious_app("evil", &scene.evil).await;
    let evil = evil_host
        .begin(evil_app.id, json!({ "user": "mallory" }))
        .await;
    let state = parameter(&evil.url, "state").unwrap();
    let honest = scene.begin("victim").await;
    let callback = scene.sandbox.consent(&honest.url).await.unwrap();
    let code = parameter(&callback, "code").unwrap();
    // The code is stolen on its way, and its issuer left out.
    let made_up = format!(
        "{}/callback/{}?code={code}&state={state}",
        scene.base, evil_app.context
    );
    let answer = scene.open(&made_up).await;
    assert_eq!(answer.problem(), "callback-refused", "{answer:?}");
    scene.nothing_came_of_it().await;
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn an_app_at_the_honest_redirect_uri_gets_nothing_that_arrives_there() {
    let scene = Scene::new().await;
    let (evil_app, evil_host) = scene.malicious_app("evil", &scene.evil).await;
    // The attacker's app claims the honest app's redirect URI as its own.
    let honest_callback = format!("{}/callback/{}", scene.base, scene.app.context);
    let body = json!({ "parameters": { "oauth.callback.url": honest_callback } });
    let url = format!("{}/v1/apps/{}", scene.base, evil_app.id);
    let patch = scene
        .request(http::Method::PATCH, &url)
        .header("content-type", "application/merge-patch+json")
        .bearer_auth(evil_host.key());
    let changed = scene
        .send(
            patch
                .header("content-type", "application/json")
                .body(body.to_string()),
        )
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let evil = evil_host
        .begin(evil_app.id, json!({ "user": "mallory" }))
        .await;
    assert_eq!(
        parameter(&evil.url, "redirect_uri").unwrap(),
        honest_callback
    );
    let state = parameter(&evil.url, "state").unwrap();

    let honest = scene.begin("victim").await;
    let url = mixed(&honest.url, Some(&state), None);
    let callback = scene.sandbox.consent(&url).await.unwrap();
    for callback in [
        callback.clone(),
        with(&callback, "iss", Some(scene.evil.base_url())),
    ] {
        let answer = scene.open(&callback).await;
        assert!(answer.is_a_refusing_page(), "{answer:?}");
    }
    scene.nothing_came_of_it().await;
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn an_app_of_the_honest_client_id_gets_no_ticket_for_the_victims_consent() {
    let scene = Scene::new().await;
    // The same provider, even the same client: but a confirm URL of the attacker's.
    let (evil_app, evil_host) = scene.malicious_app("acme", &scene.sandbox).await;
    let honest = scene.begin("victim").await;
    let callback = scene.sandbox.consent(&honest.url).await.unwrap();
    let elsewhere = callback.replace(&scene.app.context, &evil_app.context);
    assert_ne!(elsewhere, callback);
    let answer = scene.open(&elsewhere).await;
    assert!(answer.is_a_refusing_page(), "{answer:?}");
    let answer = scene.open(&callback).await;
    assert!(
        answer.is_a_refusing_page(),
        "the state is used up: {answer:?}"
    );

    // And a ticket of the honest app's is worth nothing to them.
    let honest = scene.begin("victim").await;
    let ticket = scene.ticket(&honest).await;
    let refused = evil_host.confirm(honest.id, &ticket, "victim").await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (404, "unknown-ticket")
    );
    scene.nothing_came_of_it().await;
    let confirmed = scene.host.confirm(honest.id, &ticket, "victim").await;
    assert_eq!(
        confirmed.status, 200,
        "another tenant's try uses no ticket up: {confirmed:?}"
    );
}
