//! Callbacks and confirmations that come more than once, and floods of made-up ones.

use serde_json::json;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tieline_tests::stage::eventually;
use tokio::task::JoinSet;

use crate::outside::{parameter, token_requests};
use crate::scene::Scene;

const CROWD: usize = 100;

#[tokio::test]
async fn of_a_hundred_callbacks_one_brings_a_ticket() {
    let scene = Scene::new().await;
    let begun = scene.begin("ada").await;
    let callback = scene.sandbox.consent(&begun.url).await.unwrap();
    let mut browsers = JoinSet::new();
    for _ in 0..CROWD {
        let request = scene.request(http::Method::GET, &callback).send();
        browsers.spawn(async move {
            let answer = request.await.unwrap();
            let to = answer
                .headers()
                .get("location")
                .map(|to| to.to_str().unwrap().to_owned());
            (answer.status().as_u16(), to)
        });
    }
    let answers = browsers.join_all().await;
    let sent_on: Vec<_> = answers.iter().filter_map(|(_, to)| to.as_deref()).collect();
    assert_eq!(sent_on.len(), 1, "{answers:?}");
    let refused = answers
        .iter()
        .filter(|(status, to)| *status == 404 && to.is_none());
    assert_eq!(refused.count(), CROWD - 1);
    scene.nothing_came_of_it().await;

    let ticket = parameter(sent_on[0], "ticket").unwrap();
    assert_eq!(
        scene.host.confirm(begun.id, &ticket, "ada").await.status,
        200
    );
    assert_eq!(
        (token_requests(&scene.sandbox), scene.instances().await),
        (1, 1)
    );
    assert!(
        scene.open(&callback).await.is_a_refusing_page(),
        "nor afterwards"
    );
    let again = scene.host.confirm(begun.id, &ticket, "ada").await;
    assert_eq!(again.problem(), "unknown-ticket");
    assert_eq!(
        (token_requests(&scene.sandbox), scene.instances().await),
        (1, 1)
    );
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn of_a_hundred_confirmations_one_exchanges() {
    let scene = Scene::new().await;
    let begun = scene.begin("ada").await;
    let ticket = scene.ticket(&begun).await;
    let mut servers = JoinSet::new();
    for _ in 0..CROWD {
        let (host, ticket) = (scene.host.clone(), ticket.clone());
        servers.spawn(async move { host.confirm(begun.id, &ticket, "ada").await });
    }
    let answers = servers.join_all().await;
    let confirmed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(confirmed, 1, "{answers:?}");
    let refused = answers.iter().filter(|answer| answer.status == 404);
    assert!(
        refused
            .clone()
            .all(|answer| answer.problem() == "unknown-ticket")
    );
    assert_eq!(refused.count(), CROWD - 1);
    assert_eq!(
        (token_requests(&scene.sandbox), scene.instances().await),
        (1, 1)
    );
    scene.the_honest_can_still_connect().await;
}

#[tokio::test]
async fn of_a_crowd_of_right_and_wrong_users_one_is_heard() {
    let scene = Scene::new().await;
    let begun = scene.begin("ada").await;
    let ticket = scene.ticket(&begun).await;
    let mut servers = JoinSet::new();
    for n in 0..CROWD {
        let (host, ticket) = (scene.host.clone(), ticket.clone());
        let user = if n % 2 == 0 { "mallory" } else { "ada" };
        servers.spawn(async move { host.confirm(begun.id, &ticket, user).await.status });
    }
    let mut statuses = servers.join_all().await;
    statuses.sort_unstable();
    assert!([200, 403].contains(&statuses[0]), "{statuses:?}");
    assert!(
        statuses[1..].iter().all(|status| *status == 404),
        "{statuses:?}"
    );
    let exchanged = usize::from(statuses[0] == 200);
    assert_eq!(
        (token_requests(&scene.sandbox), scene.instances().await),
        (exchanged, exchanged)
    );
}

/// What other processes see of writes: it changes with every commit, whatever is in it.
async fn commits(watcher: &mut SqliteConnection) -> i64 {
    sqlx::query_scalar("PRAGMA data_version")
        .fetch_one(watcher)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_flood_of_made_up_states_and_links_writes_nothing() {
    let scene = Scene::new().await;
    let link = scene
        .host
        .link(scene.app.id, json!({ "user": "ada" }))
        .await;
    eventually("the use of the key is written down", async || {
        let keys = scene.engine.api_keys(None, None, 10).await.unwrap();
        keys.iter().all(|key| key.last_used_at.is_some())
    })
    .await;
    let folder = scene.folder.path().join("data");
    let options = SqliteConnectOptions::new().filename(folder.join("store.db"));
    let mut watcher = SqliteConnection::connect_with(&options).await.unwrap();
    let wal = || std::fs::metadata(folder.join("store.db-wal")).map_or(0, |file| file.len());
    let before = (commits(&mut watcher).await, wal());

    for n in 0..500 {
        let state = format!("{n:043}");
        let callback = scene.callback(&format!(
            "code=x&state={state}&iss={}",
            scene.sandbox.base_url()
        ));
        let answer = scene.open(&callback).await;
        assert!(answer.is_a_refusing_page(), "{answer:?}");
        assert_eq!(answer.headers.get("set-cookie"), None);
        let connect = format!("{}/connect/{state}", scene.base);
        assert_eq!(scene.open(&connect).await.status, 404);
        assert_eq!(scene.submit(&connect, &[("a", "b")]).await.status, 404);
        assert_eq!(
            scene.open(&link).await.status,
            200,
            "nor does looking at a good link"
        );
    }
    assert_eq!((commits(&mut watcher).await, wal()), before);

    // The measure measures: one authorization is seen.
    scene.begin("ada").await;
    assert_ne!(commits(&mut watcher).await, before.0);
    scene.nothing_came_of_it().await;
    scene.the_honest_can_still_connect().await;
}
