//! Callbacks that no honest provider sends.

use serde_json::json;

use crate::outside::{parameter, with};
use crate::scene::Scene;

/// What is refused before the state is looked up leaves it good: anybody can send that.
#[tokio::test]
async fn what_is_malformed_is_refused_and_uses_no_state_up() {
    let scene = Scene::new().await;
    let begun = scene.begin("ada").await;
    let callback = scene.sandbox.consent(&begun.url).await.unwrap();
    let state = parameter(&callback, "state").unwrap();
    for malformed in [
        format!("{callback}&code=another"),
        format!("{callback}&state={state}"),
        format!("{callback}&state="),
        format!("{callback}&st%61te=x"),
        format!("{callback}&iss=https://evil.example"),
        format!("{callback}&x=1&x=2"),
        format!("{callback}&access_token=stolen"),
        format!("{callback}&access_token"),
        format!("{callback}&id_token=x"),
        format!("{callback}&response=x.y.z"),
        with(&callback, "state", None),
        with(&callback, "state", Some("")),
        with(&callback, "state", Some(&state[1..])),
        with(&callback, "state", Some(&format!("{state} "))),
        with(&callback, "state", Some(&state.to_lowercase())),
        format!(
            "{}?error=access_denied&state=wrong",
            callback.split('?').next().unwrap()
        ),
        format!(
            "{}?error=access_denied",
            callback.split('?').next().unwrap()
        ),
        callback.split('?').next().unwrap().to_owned(),
        format!(
            "{}?{}",
            callback.split('?').next().unwrap(),
            "a".repeat(50_000)
        ),
    ] {
        let refused = scene.open(&malformed).await;
        assert!(refused.is_a_refusing_page(), "{malformed}: {refused:?}");
        assert!(!refused.body.contains(&state), "{refused:?}");
    }
    let posted = scene
        .submit(&callback, &[("code", "x"), ("state", &state)])
        .await;
    assert_eq!(posted.status, 405, "{posted:?}");
    let ahead = scene
        .send(scene.request(http::Method::HEAD, &callback))
        .await;
    assert_eq!(
        ahead.status, 405,
        "a program that looks ahead uses nothing up: {ahead:?}"
    );
    scene.nothing_came_of_it().await;

    let ticket = scene.open(&callback).await.ticket();
    assert_eq!(
        scene.host.confirm(begun.id, &ticket, "ada").await.status,
        200
    );
    scene.the_honest_can_still_connect().await;
}

/// What a known state brings is told to its host, and is over.
#[tokio::test]
async fn what_a_known_state_brings_is_over_whatever_it_is() {
    let scene = Scene::new().await;
    let issuer = scene.sandbox.base_url().to_owned();
    for (change, problem) in [
        (("iss", Some("https://evil.example")), "callback-refused"),
        (("iss", Some(&*format!("{issuer}/"))), "callback-refused"),
        (("iss", Some(&*issuer.to_uppercase())), "callback-refused"),
        (("iss", Some("")), "callback-refused"),
        (("iss", None), "callback-refused"),
        (("code", None), "callback-refused"),
        (("code", Some("")), "callback-refused"),
        (("error", Some("access_denied")), "denied"),
        (("error", Some("<script>")), "authorization-refused"),
        (("error", Some("server_error")), "authorization-refused"),
    ] {
        let begun = scene.begin("ada").await;
        let callback = scene.sandbox.consent(&begun.url).await.unwrap();
        let told = scene.open(&with(&callback, change.0, change.1)).await;
        assert_eq!(told.problem(), problem, "{change:?}: {told:?}");
        let at_host = told.location();
        assert!(at_host.starts_with("https://host.example/confirm?page=accounts&authorization="));
        for word in ["ticket", "code=", "state=", "script"] {
            assert!(!at_host.contains(word), "{word}: {at_host}");
        }
        assert!(
            scene.open(&callback).await.is_a_refusing_page(),
            "{change:?}"
        );
        scene.nothing_came_of_it().await;
    }
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn strange_paths_are_pages_too_and_tell_nothing() {
    let scene = Scene::new().await;
    let begun = scene.begin("ada").await;
    let callback = scene.sandbox.consent(&begun.url).await.unwrap();
    let query = callback.split_once('?').unwrap().1;
    let context = &scene.app.context;
    for path in [
        "/callback/%ff".to_owned(),
        "/callback/..%2f..%2fv1".to_owned(),
        format!("/callback/{context}/"),
        format!("/callback/{context}/x"),
        format!("/callback/{context}%00"),
        format!("//callback/{context}"),
        "/callback/".to_owned(),
        "/callback".to_owned(),
        "/connect/%ff".to_owned(),
        "/connect/".to_owned(),
    ] {
        let answer = scene
            .open(&format!(
                "{}{path}?{}",
                scene.base,
                query.replace("state=", "stat=")
            ))
            .await;
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
        assert_eq!(
            answer.headers["referrer-policy"], "no-referrer",
            "{path}: {answer:?}"
        );
        assert_eq!(
            answer.headers["cache-control"], "no-store",
            "{path}: {answer:?}"
        );
    }
    let long = json!({ "user": "a".repeat(257) });
    assert_eq!(scene.host.start(scene.app.id, long).await.status, 422);
    scene.nothing_came_of_it().await;
    assert!(!scene.open(&callback).await.ticket().is_empty());
}
