//! What stands in the head of every answer, and what of a request never gets into one.

use http::Method;
use serde_json::json;

use crate::outside::{Answer, parameter};
use crate::scene::Scene;

fn is_guarded(answer: &Answer, what: &str) {
    let head = |name: &str| {
        let values: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{what}: {name}: {answer:?}");
        values[0].to_str().unwrap()
    };
    assert_eq!(head("referrer-policy"), "no-referrer", "{what}");
    assert_eq!(head("cache-control"), "no-store", "{what}");
    assert_eq!(head("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(head("x-frame-options"), "DENY", "{what}");
    let policy = head("content-security-policy");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{what}: {policy}");
    assert!(
        !answer.headers.contains_key("set-cookie"),
        "{what}: a cookie alone is never enough"
    );
    assert!(
        !answer.headers.contains_key("access-control-allow-origin"),
        "{what}"
    );
    for word in ["<script", "javascript:", "<img", "http-equiv", "<a "] {
        assert!(!answer.body.contains(word), "{what}: {word}: {answer:?}");
    }
    // What it loads is its own.
    for loaded in answer.body.split("href=\"").skip(1) {
        assert!(loaded.starts_with("/assets/"), "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn every_answer_of_the_front_door_is_guarded() {
    let scene = Scene::new().await;
    let begun = scene.begin("ada").await;
    let callback = scene.sandbox.consent(&begun.url).await.unwrap();
    let link = scene
        .host
        .link(scene.app.id, json!({ "user": "ada" }))
        .await;
    let form = "application/x-www-form-urlencoded";
    let requests = [
        (
            "an unknown state",
            scene.request(Method::GET, &scene.callback("code=x&state=y")),
        ),
        ("no query", scene.request(Method::GET, &scene.callback(""))),
        ("HEAD", scene.request(Method::HEAD, &callback)),
        ("POST", scene.request(Method::POST, &callback)),
        (
            "OPTIONS",
            scene
                .request(Method::OPTIONS, &callback)
                .header("origin", "https://evil.example"),
        ),
        (
            "a path that is no text",
            scene.request(Method::GET, &format!("{}/callback/%ff?code=x", scene.base)),
        ),
        (
            "a slash too many",
            scene.request(Method::GET, &callback.replace('?', "/?")),
        ),
        ("the callback", scene.request(Method::GET, &callback)),
        ("the callback again", scene.request(Method::GET, &callback)),
        (
            "the end",
            scene.request(Method::GET, &format!("{}/connected", scene.base)),
        ),
        ("a link", scene.request(Method::GET, &link)),
        ("a link, looked at", scene.request(Method::HEAD, &link)),
        ("DELETE", scene.request(Method::DELETE, &link)),
        (
            "no form",
            scene
                .request(Method::POST, &link)
                .body("{}")
                .header("content-type", "application/json"),
        ),
        (
            "a broken form",
            scene
                .request(Method::POST, &link)
                .body(vec![0xff, b'='])
                .header("content-type", form),
        ),
        (
            "a long form",
            scene
                .request(Method::POST, &link)
                .body("a".repeat(100_000))
                .header("content-type", form),
        ),
        (
            "a wrong form",
            scene
                .request(Method::POST, &link)
                .body("oauth.api.key=x")
                .header("content-type", form),
        ),
        (
            "a followed link",
            scene
                .request(Method::POST, &link)
                .header("content-type", form),
        ),
        (
            "a used link",
            scene
                .request(Method::POST, &link)
                .header("content-type", form),
        ),
        (
            "an unknown link",
            scene.request(Method::GET, &format!("{}/connect/x", scene.base)),
        ),
        (
            "a link that is no text",
            scene.request(Method::GET, &format!("{}/connect/%ff", scene.base)),
        ),
    ];
    for (what, request) in requests {
        let answer = scene.send(request).await;
        is_guarded(&answer, what);
        if answer.status == 303 {
            let location = answer.location();
            let is_to_the_provider = location.starts_with(scene.sandbox.base_url());
            let code = parameter(&callback, "code").unwrap();
            assert!(!location.contains(&code), "{what}: {location}");
            assert!(
                is_to_the_provider || !location.contains("state="),
                "{what}: {location}"
            );
        }
        let is_a_page = answer.headers.get("content-type").is_some_and(|kind| {
            kind == "text/html; charset=utf-8" || kind == "application/problem+json"
        });
        assert!(
            is_a_page || answer.status == 303 || answer.body.is_empty(),
            "{what}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn nothing_of_a_request_says_where_anybody_is_sent() {
    let scene = Scene::new().await;
    let evil = |request: reqwest::RequestBuilder| {
        request
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-port", "666")
            .header("x-forwarded-prefix", "/evil.example")
            .header("forwarded", "host=evil.example;proto=https")
            .header("x-original-url", "/evil.example")
            .header("x-rewrite-url", "/evil.example")
            .header("origin", "https://evil.example")
            .header("referer", "https://evil.example/")
    };
    let post = async |path: &str, body: serde_json::Value| {
        let request = scene.request(Method::POST, &format!("{}/v1/{path}", scene.base));
        let request = evil(request)
            .bearer_auth(scene.host.key())
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = scene.send(request).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert!(!answer.body.contains("evil"), "{answer:?}");
        answer.json()
    };
    let body = json!({ "app": scene.app.id, "user": "ada", "return_to": "/done" });
    let begun = post("authorizations", body.clone()).await;
    assert_eq!(
        begun["redirect_uri"],
        format!("{}/callback/{}", scene.base, scene.app.context)
    );
    let url = begun["authorization_url"].as_str().unwrap();
    let callback = scene.sandbox.consent(url).await.unwrap();
    let answer = scene
        .send(evil(scene.request(Method::GET, &callback)))
        .await;
    assert!(
        answer
            .location()
            .starts_with("https://host.example/confirm?page=accounts&")
    );

    let link = post("links", body).await;
    let link = link["url"].as_str().unwrap();
    assert!(
        link.starts_with(&format!("{}/connect/", scene.base)),
        "{link}"
    );
    let page = scene.send(evil(scene.request(Method::GET, link))).await;
    assert!(
        page.status == 200 && !page.body.contains("evil"),
        "{page:?}"
    );
    let form = scene
        .request(Method::POST, link)
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = scene.send(evil(form)).await;
    assert!(
        answer.location().starts_with(scene.sandbox.base_url()),
        "{answer:?}"
    );
    let redirect_uri = parameter(&answer.location(), "redirect_uri").unwrap();
    assert_eq!(
        redirect_uri,
        format!("{}/callback/{}", scene.base, scene.app.context)
    );
    for path in [
        "/callback/x?code=a&state=b",
        "/connect/x",
        "/connected",
        "/nothing",
    ] {
        let page = scene
            .send(evil(
                scene.request(Method::GET, &format!("{}{path}", scene.base)),
            ))
            .await;
        assert!(
            !page.body.contains("evil") && !page.headers.contains_key("location"),
            "{page:?}"
        );
    }
    scene.nothing_came_of_it().await;
}
