//! Connect links: looked at as often as anybody likes, followed once.

use std::time::Duration;

use serde_json::json;
use tieline_core::prelude::*;
use tieline_tests::provider::MAPPINGS;
use tokio::task::JoinSet;

use crate::outside::parameter;
use crate::scene::Scene;

const SHOP: ParameterKey = ParameterKey::new("acme.shop");

/// The honest provider asks whoever connects for their shop.
async fn with_a_shop() -> Scene {
    let shop = ParameterMapping::host_label("Shop <i>name</i>", SHOP);
    let mappings = [MAPPINGS, &[shop]].concat().leak();
    Scene::with(
        None,
        |_| {},
        |descriptor| ProviderDescriptor {
            mappings,
            ..descriptor
        },
    )
    .await
}

#[tokio::test]
async fn looking_uses_nothing_up_and_following_does() {
    let scene = Scene::new().await;
    let body = json!({ "user": "ada", "tags": ["blue"], "return_to": "/done" });
    let link = scene.host.link(scene.app.id, body).await;
    for _ in 0..5 {
        let page = scene.open(&link).await;
        assert!(
            page.status == 200 && page.body.contains("<form method=\"post\">"),
            "{page:?}"
        );
        assert!(
            !page.body.contains("ada"),
            "for whom it is, is not told: {page:?}"
        );
        let ahead = scene.send(scene.request(http::Method::HEAD, &link)).await;
        assert_eq!(ahead.status, 200);
    }
    let url = scene.submit(&link, &[]).await.location();
    assert!(!url.contains(link.rsplit('/').next().unwrap()), "{url}");
    for refused in [scene.submit(&link, &[]).await, scene.open(&link).await] {
        assert!(
            refused.is_a_refusing_page() && refused.status == 404,
            "{refused:?}"
        );
        assert!(
            refused.body.contains("This link was used already"),
            "{refused:?}"
        );
    }
    scene.nothing_came_of_it().await;

    let callback = scene.sandbox.consent(&url).await.unwrap();
    let at_host = scene.open(&callback).await;
    let id = parameter(&at_host.location(), "authorization")
        .unwrap()
        .parse()
        .unwrap();
    let confirmed = scene
        .host
        .confirm(id, &at_host.ticket(), "ada")
        .await
        .json();
    assert_eq!(confirmed["return_to"], "/done");
    assert_eq!(confirmed["instance"]["tags"], json!(["blue"]));
    assert_eq!(scene.sandbox.ledger().exchanges(), 1);
}

#[tokio::test]
async fn of_a_hundred_who_follow_one_goes_on() {
    let scene = Scene::new().await;
    let link = scene
        .host
        .link(scene.app.id, json!({ "user": "ada" }))
        .await;
    let mut browsers = JoinSet::new();
    for _ in 0..100 {
        let form = scene.request(http::Method::POST, &link);
        let form = form.header("content-type", "application/x-www-form-urlencoded");
        browsers.spawn(async move { form.send().await.unwrap().status().as_u16() });
    }
    let mut statuses = browsers.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 303);
    assert!(
        statuses[1..].iter().all(|status| *status == 404),
        "{statuses:?}"
    );
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn a_link_that_is_too_old_leads_nowhere() {
    let scene = Scene::new().await;
    let link = scene
        .host
        .link(
            scene.app.id,
            json!({ "user": "ada", "lifetime_seconds": 60 }),
        )
        .await;
    let week = json!({ "user": "ada", "lifetime_seconds": u32::MAX });
    let longest = scene.host.link(scene.app.id, week).await;
    scene.clock.advance(Duration::from_secs(61));
    for refused in [scene.open(&link).await, scene.submit(&link, &[]).await] {
        assert!(
            refused.is_a_refusing_page() && refused.status == 404,
            "{refused:?}"
        );
    }
    assert_eq!(scene.open(&longest).await.status, 200);
    scene.clock.advance(Duration::from_secs(7 * 24 * 60 * 60));
    assert_eq!(scene.open(&longest).await.status, 404, "seven days at most");
    scene.nothing_came_of_it().await;
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn what_is_given_wrong_is_told_as_text_and_the_link_stays_good() {
    let scene = with_a_shop().await;
    let link = scene
        .host
        .link(scene.app.id, json!({ "user": "<u>ada</u>" }))
        .await;
    let page = scene.open(&link).await;
    assert!(page.body.contains("name=\"acme.shop\""), "{page:?}");
    assert!(!page.body.contains("<i>"), "{page:?}");
    for (form, told) in [
        (&[][..], "acme.shop"),
        (&[("acme.shop", "")][..], "acme.shop"),
        (&[("acme.shop", "evil.example/")], "acme.shop"),
        (
            &[("acme.shop", "\"><script>alert(1)</script>")],
            "acme.shop",
        ),
        (
            &[("acme.shop", "ada"), ("<script>x</script>", "x")],
            "&#60;script",
        ),
        (
            &[
                ("acme.shop", "ada"),
                ("oauth.token.url", "https://evil.example"),
            ],
            "oauth.token.url",
        ),
        (
            &[
                ("acme.shop", "ada"),
                ("oauth.callback.url", "https://evil.example"),
            ],
            "oauth.callback.url",
        ),
        (
            &[("acme.shop", "ada"), ("oauth.api.key", "evil")],
            "oauth.api.key",
        ),
        (&[("acme.shop", "ada"), ("user", "mallory")], "user"),
    ] {
        let refused = scene.submit(&link, form).await;
        assert_eq!(refused.status, 422, "{form:?}: {refused:?}");
        assert!(refused.body.contains(told), "{form:?}: {refused:?}");
        assert!(
            refused.body.contains("role=\"alert\""),
            "{form:?}: {refused:?}"
        );
        assert!(!refused.body.contains("<script"), "{form:?}: {refused:?}");
        assert!(
            !refused.body.contains("<script>alert(1)"),
            "what was typed is kept, as text: {refused:?}"
        );
    }
    let url = scene
        .submit(&link, &[("acme.shop", "ada")])
        .await
        .location();
    assert!(url.starts_with(scene.sandbox.base_url()), "{url}");
    scene.nothing_came_of_it().await;
}

#[tokio::test]
async fn names_of_providers_and_their_errors_are_text() {
    let scene = Scene::new().await;
    let (evil_app, evil_host) = scene.malicious_app("evil", &scene.evil).await;
    let link = evil_host
        .link(evil_app.id, json!({ "user": "<script>alert(1)</script>" }))
        .await;
    let page = scene.open(&link).await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("&#60;b&#62;Evil&#60;/b&#62; &#38; Sons"),
        "{page:?}"
    );
    assert!(
        !page.body.contains("<b>") && !page.body.contains("<script"),
        "{page:?}"
    );
    for query in [
        "error=<script>alert(1)</script>&state=x",
        "<script>=1&<script>=2&state=x",
        "error_description=<img src=x>&state=x",
    ] {
        let page = scene.open(&scene.callback(query)).await;
        assert!(page.is_a_refusing_page(), "{page:?}");
        assert!(
            !page.body.contains("script>") && !page.body.contains("img"),
            "{page:?}"
        );
    }
}
