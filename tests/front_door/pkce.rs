//! The proof key and the redirect URI hold from the start to the exchange.

use serde_json::{Value, json};
use tieline_sandbox::Endpoint;

use crate::outside::{parameter, token_requests, with};
use crate::scene::Scene;

/// A provider that does not insist on a proof key.
fn easygoing(rules: &mut Value) {
    rules["authorization"]["pkce"]["required"] = json!(false);
}

#[tokio::test]
async fn a_stolen_code_is_worth_nothing_in_another_authorization() {
    let scene = Scene::with(None, easygoing, |descriptor| descriptor).await;
    let (victims, mallorys) = (scene.begin("victim").await, scene.begin("mallory").await);
    let stolen = scene.sandbox.consent(&victims.url).await.unwrap();
    let state = parameter(&mallorys.url, "state").unwrap();
    let ticket = scene
        .open(&with(&stolen, "state", Some(&state)))
        .await
        .ticket();
    let refused = scene.host.confirm(mallorys.id, &ticket, "mallory").await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (409, "dead-token"),
        "{refused:?}"
    );
    assert_eq!(
        (scene.sandbox.ledger().exchanges(), scene.instances().await),
        (0, 0)
    );
    assert_eq!(
        token_requests(&scene.sandbox),
        1,
        "sent once, with the verifier of the attacker's start"
    );
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn a_challenge_that_is_taken_out_on_the_way_is_not_given_up() {
    let scene = Scene::with(None, easygoing, |descriptor| descriptor).await;
    let begun = scene.begin("ada").await;
    assert_eq!(
        parameter(&begun.url, "code_challenge_method").as_deref(),
        Some("S256")
    );
    let stripped = with(&begun.url, "code_challenge", None);
    let stripped = with(&stripped, "code_challenge_method", None);
    let callback = scene.sandbox.consent(&stripped).await.unwrap();
    let ticket = scene.open(&callback).await.ticket();
    let refused = scene.host.confirm(begun.id, &ticket, "ada").await;
    assert_ne!(refused.status, 200, "{refused:?}");
    assert_eq!(
        (scene.sandbox.ledger().exchanges(), scene.instances().await),
        (0, 0)
    );
    scene.the_honest_can_still_connect().await;

    // An error does not make it try without: not in the answer, and not the next time.
    let begun = scene.begin("ada").await;
    let denied = scene.sandbox.deny(&begun.url).await.unwrap();
    assert_eq!(scene.open(&denied).await.problem(), "denied");
    let begun = scene.begin("ada").await;
    assert_eq!(
        parameter(&begun.url, "code_challenge_method").as_deref(),
        Some("S256")
    );
    let ledger = scene.sandbox.ledger();
    let mut requests = ledger.requests_to(Endpoint::Token);
    assert!(requests.all(|request| request.params.iter().any(|name| name == "code_verifier")));
}

#[tokio::test]
async fn the_redirect_uri_at_the_exchange_is_the_one_of_the_start() {
    let scene = Scene::new().await;
    let admin = scene
        .another_host("default", tieline_store::Permission::ALL)
        .await;
    let begun = scene.begin("ada").await;
    let at_start = parameter(&begun.url, "redirect_uri").unwrap();
    assert_eq!(
        at_start,
        format!("{}/callback/{}", scene.base, scene.app.context)
    );
    let move_to = async |address: Value| {
        let url = format!("{}/v1/apps/{}", scene.base, scene.app.id);
        let body = json!({ "parameters": { "oauth.callback.url": address } }).to_string();
        let patch = scene
            .request(http::Method::PATCH, &url)
            .header("content-type", "application/merge-patch+json")
            .bearer_auth(admin.key());
        let changed = scene
            .send(patch.header("content-type", "application/json").body(body))
            .await;
        assert_eq!(changed.status, 200, "{changed:?}");
    };
    move_to(json!("https://moved.example/callback")).await;
    let callback = scene.sandbox.consent(&begun.url).await.unwrap();
    let ticket = scene.open(&callback).await.ticket();
    move_to(json!("https://moved.example/again")).await;
    let confirmed = scene.host.confirm(begun.id, &ticket, "ada").await;
    assert_eq!(
        confirmed.status, 200,
        "the provider compares byte for byte: {confirmed:?}"
    );
    assert_eq!(scene.sandbox.ledger().exchanges(), 1);
    // The next one is started with the new one.
    let begun = scene.begin("ada").await;
    assert_eq!(
        parameter(&begun.url, "redirect_uri").unwrap(),
        "https://moved.example/again"
    );
}
