//! A callback at the front door of an authorization that a terminal has started and waits for.

use serde_json::json;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tieline_engine::{Arrival, AuthorizeOptions, EngineError, Started};
use tieline_tests::stage::query;

use crate::outside::{parameter, with};
use crate::scene::Scene;

async fn started(scene: &Scene) -> Started {
    scene
        .engine
        .authorize(&scene.app, AuthorizeOptions::LOCAL)
        .await
        .unwrap()
}

#[tokio::test]
async fn it_is_carried_to_the_terminal_and_costs_no_write() {
    let scene = Scene::new().await;
    let started = started(&scene).await;
    assert_eq!(
        started.redirect_uri,
        format!("{}/callback/{}", scene.base, scene.app.context)
    );
    let callback = scene
        .sandbox
        .consent(&started.authorization_url)
        .await
        .unwrap();
    let options = SqliteConnectOptions::new().filename(scene.folder.path().join("data/store.db"));
    let mut watcher = SqliteConnection::connect_with(&options).await.unwrap();
    let mut commits = async || -> i64 {
        sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut watcher)
            .await
            .unwrap()
    };
    let before = commits().await;
    // As often as the person reloads it.
    for _ in 0..3 {
        let page = scene.open(&callback).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(
            page.body.contains("paste it into that terminal"),
            "{page:?}"
        );
        assert!(
            !page.body.contains(&parameter(&callback, "code").unwrap()),
            "{page:?}"
        );
        let (_, shown) = page.body.split_once("<main").unwrap();
        assert!(
            !shown.contains("href") && !page.body.contains("src="),
            "leads nowhere: {page:?}"
        );
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.headers[name], value);
        }
    }
    assert_eq!(commits().await, before);
    scene.nothing_came_of_it().await;

    let arrival = Arrival::Local(started.id);
    let instance = scene
        .engine
        .call_back(&arrival, &query(&callback))
        .await
        .unwrap();
    assert_eq!(instance.account_id.as_deref(), Some("u-1001"));
    assert!(
        scene.open(&callback).await.is_a_refusing_page(),
        "used up now"
    );
    scene.the_honest_can_still_connect().await;
}

/// Whoever carries it to the terminal would bring the code to the wrong provider.
#[tokio::test]
async fn at_another_apps_address_nobody_is_told_to_carry_it() {
    let scene = Scene::new().await;
    let (evil_app, evil_host) = scene.malicious_app("evil", &scene.evil).await;
    let started = started(&scene).await;
    let state = parameter(&started.authorization_url, "state").unwrap();
    // The terminal's state, at the attacker's app's address.
    let evil = evil_host
        .begin(evil_app.id, json!({ "user": "mallory" }))
        .await;
    let callback = scene
        .evil
        .consent(&with(&evil.url, "state", Some(&state)))
        .await
        .unwrap();
    let refused = scene.open(&callback).await;
    assert!(
        refused.is_a_refusing_page() && refused.status == 403,
        "{refused:?}"
    );
    let late = scene
        .engine
        .call_back(&Arrival::Local(started.id), &query(&callback))
        .await;
    assert!(
        matches!(late, Err(EngineError::UnknownState)),
        "used up: {late:?}"
    );
    assert_eq!(scene.instances().await, 0);
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn what_is_malformed_is_refused_there_too() {
    let scene = Scene::new().await;
    let started = started(&scene).await;
    let callback = scene
        .sandbox
        .consent(&started.authorization_url)
        .await
        .unwrap();
    for malformed in [
        format!("{callback}&code=2"),
        format!("{callback}&access_token=x"),
    ] {
        assert!(
            scene.open(&malformed).await.is_a_refusing_page(),
            "{malformed}"
        );
    }
    // A refusal is for the terminal to tell.
    let denied = with(
        &with(&callback, "code", None),
        "error",
        Some("access_denied"),
    );
    assert_eq!(scene.open(&denied).await.status, 200);
    let told = scene
        .engine
        .call_back(&Arrival::Local(started.id), &query(&denied))
        .await;
    assert!(told.is_err_and(|error| error.name() == "denied"));
    scene.nothing_came_of_it().await;
}
