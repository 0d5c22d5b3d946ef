//! No code, state, ticket, link or key is logged, whoever logs.

use std::cell::Cell;
use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::outside::{parameter, with};
use crate::scene::Scene;

thread_local! {
    /// A test runs on one thread, and so does the server that it starts.
    static LISTENING: Cell<bool> = const { Cell::new(false) };
}

/// What is logged on the thread that listens, by us and by the libraries below.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if LISTENING.get() {
            self.0.lock().unwrap().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_of_the_front_door_is_logged() {
    let log = Log::default();
    // For the whole process: a subscriber of one thread is not told of what another thread has met before.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish()
        .init();
    LISTENING.set(true);
    let scene = Scene::new().await;
    let mut secrets = vec![scene.host.key().to_owned()];

    let link = scene
        .host
        .link(scene.app.id, json!({ "user": "ada" }))
        .await;
    secrets.push(link.rsplit('/').next().unwrap().to_owned());
    scene.open(&link).await;
    scene
        .submit(&link, &[("oauth.api.key", "a-value-CANARY")])
        .await;
    scene.submit(&format!("{link}/x"), &[]).await;
    scene.send(scene.request(http::Method::PUT, &link)).await;
    let url = scene.submit(&link, &[]).await.location();
    scene.submit(&link, &[]).await;
    scene.open(&link).await;
    let callback = scene.sandbox.consent(&url).await.unwrap();
    for name in ["code", "state"] {
        secrets.push(parameter(&callback, name).unwrap());
    }
    scene.open(&format!("{callback}&code=2")).await;
    scene.open(&callback.replace('?', "/?")).await;
    scene
        .send(scene.request(http::Method::HEAD, &callback))
        .await;
    let at_host = scene.open(&callback).await;
    secrets.push(at_host.ticket());
    scene.open(&callback).await;
    let id = parameter(&at_host.location(), "authorization")
        .unwrap()
        .parse()
        .unwrap();
    let refused = scene.host.confirm(id, &at_host.ticket(), "mallory").await;
    assert_eq!(refused.status, 403);
    scene.host.confirm(id, &at_host.ticket(), "ada").await;

    let begun = scene.begin("ada").await;
    let callback = scene.sandbox.consent(&begun.url).await.unwrap();
    scene
        .open(&with(&callback, "iss", Some("https://evil.example")))
        .await;
    for name in ["code", "state"] {
        secrets.push(parameter(&callback, name).unwrap());
    }
    secrets.push("CANARY".to_owned());

    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    for said in [
        "a browser was turned away",
        "called back in vain",
        "confirmed by someone else",
    ] {
        assert!(
            logged.contains(said),
            "what we say ourselves is not in the log: {said}"
        );
    }
    for secret in secrets {
        assert!(secret.len() >= 6, "a test of nothing");
        let shown: Vec<_> = logged
            .lines()
            .filter(|line| line.contains(&secret))
            .take(3)
            .collect();
        assert!(shown.is_empty(), "{shown:#?}");
    }
}
