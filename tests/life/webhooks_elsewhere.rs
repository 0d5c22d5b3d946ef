//! Where webhooks must not be, and how a host asks for them over HTTP.

use std::sync::Arc;

use serde_json::{Value, json};
use tieline_engine::{EdgeOptions, Egress, Engine, EngineError, NewWebhook};
use tieline_store::WebhookChanges;
use tieline_tests::stage::Stage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::receiver::{Act, Receiver};
use crate::webhooks::webhook;

/// Another engine on the stage's store, whose operator opens these ranges to webhooks.
pub(crate) fn beside(stage: &Stage, webhooks: &[&str]) -> Engine {
    let ranges = webhooks.iter().map(|range| range.parse().unwrap());
    let options = EdgeOptions {
        egress: Egress {
            webhooks: ranges.collect(),
            ..Egress::default()
        },
        ..EdgeOptions::default()
    };
    let (registry, store) = (stage.engine.registry(), stage.engine.store());
    Engine::builder(registry.clone(), store.clone())
        .edge(options)
        .clock(Arc::clone(&stage.clock) as _)
        .build()
        .unwrap()
}

fn at(url: &str) -> NewWebhook {
    NewWebhook {
        url: url.to_owned(),
        ..NewWebhook::default()
    }
}

#[tokio::test]
async fn no_webhook_is_made_where_none_may_be() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    let (port, closed) = (receiver.port(), beside(&stage, &[]));
    let good = closed.create_webhook(at("https://host.example/told")).await;
    let (good, _) = good.unwrap();
    for url in [
        &receiver.url,
        &format!("https://127.0.0.1:{port}/"),
        &format!("https://[::1]:{port}/"),
        &format!("https://[::ffff:127.0.0.1]:{port}/"),
        &format!("https://2130706433:{port}/"),
        &format!("http://localhost:{port}/"),
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.7/",
        "https://192.168.1.1/",
        "https://user:password@host.example/",
        "https://host.example/#part",
        "http://host.example/",
        "ftp://host.example/",
        "host.example",
        "",
    ] {
        let error = closed.create_webhook(at(url)).await.unwrap_err();
        assert!(matches!(error, EngineError::Place(_)), "{url}: {error}");
        assert!(!error.to_string().contains("password@"), "{error}");
        let elsewhere = WebhookChanges {
            url: Some(url.to_owned()),
            ..WebhookChanges::default()
        };
        let error = closed.change_webhook(good.id, elsewhere).await.unwrap_err();
        assert!(matches!(error, EngineError::Place(_)), "{url}: {error}");
    }
    let all = closed.webhooks().await.unwrap();
    assert_eq!(
        (all.len(), all[0].url.as_str()),
        (1, "https://host.example/told")
    );
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_leads_to_a_special_address_is_not_followed() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    let closed = beside(&stage, &[]);
    let url = format!("https://localhost:{}/", receiver.port());
    let of_accounts = NewWebhook {
        kinds: vec!["instance.connected".to_owned()],
        ..at(&url)
    };
    let (named, _) = closed.create_webhook(of_accounts).await.unwrap();
    stage.connect().await;
    assert_eq!(closed.look_after().await.unwrap().failed, 1);
    let waits = closed.waiting_deliveries(named.id, 1).await.unwrap();
    let last = waits[0].last.as_deref().unwrap();
    assert!(
        last.contains("no address that may be connected to"),
        "{last}"
    );
    let tested = closed.test_webhook(named.id).await.unwrap();
    assert_eq!((tested.taken, tested.status), (false, None));
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn what_the_operator_closes_is_closed_to_webhooks_that_are_there() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    let one = webhook(&stage.engine, &receiver, &[]).await;
    stage.connect().await;
    let closed = beside(&stage, &[]);
    assert_eq!(closed.look_after().await.unwrap().failed, 1);
    assert_eq!(receiver.connections(), 0);
    let waits = closed.waiting_deliveries(one.id, 1).await.unwrap();
    assert!(waits[0].last.is_some());
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let stage = Stage::acme().await;
    let (receiver, inside) = (Receiver::start().await, Receiver::start().await);
    webhook(&stage.engine, &receiver, &[]).await;
    let nearby = inside.url.clone();
    let metadata = "http://169.254.169.254/latest/meta-data/".to_owned();
    receiver.script([Act::Redirect(nearby), Act::Redirect(metadata)]);
    for _ in 0..2 {
        stage.connect().await;
    }
    assert_eq!(stage.engine.look_after().await.unwrap().failed, 2);
    assert_eq!(inside.connections(), 0);
}

/// Asks the server, and hands back status and body.
async fn ask(server: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let body = body.map_or_else(String::new, |body| body.to_string());
    let request = format!(
        "{method} /v1/webhooks{path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

#[tokio::test]
async fn over_http() {
    let stage = Stage::acme().await;
    let receiver = Receiver::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let router = tieline::server::control(stage.engine.clone());
    let serving = tokio::spawn(axum::serve(listener, router).into_future());

    let new = json!({ "url": receiver.url, "kinds": ["instance.connected"] });
    let (status, made) = ask(&server, "POST", "", Some(new)).await;
    assert_eq!(status, 201);
    let secret = made["secret"].as_str().unwrap();
    let path = format!("/{}", made["id"]);
    let (status, test) = ask(&server, "POST", &format!("{path}/test"), None).await;
    assert_eq!(
        (status, &test["taken"], &test["status"]),
        (200, &json!(true), &json!(204))
    );
    assert!(receiver.told()[0].is_signed_with(secret));
    let (_, shown) = ask(&server, "GET", &path, None).await;
    let (_, all) = ask(&server, "GET", "", None).await;
    assert_eq!(all, json!({ "webhooks": [shown] }));
    assert_eq!(shown["kinds"], json!(["instance.connected"]));
    assert!(!all.to_string().contains("secret"), "{all}");

    receiver.script([Act::Answer(500)]);
    stage.connect().await;
    stage.engine.look_after().await.unwrap();
    let (_, waits) = ask(&server, "GET", &format!("{path}/deliveries"), None).await;
    let waits = &waits["deliveries"][0];
    assert_eq!(
        (&waits["last"], &waits["attempts"]),
        (&json!("answered 500"), &json!(1))
    );
    let off = json!({ "enabled": false });
    let (status, changed) = ask(&server, "PATCH", &path, Some(off)).await;
    assert_eq!(
        (status, &changed["disabled_why"]),
        (200, &json!("its owner disabled it"))
    );

    for (bad, name) in [
        (json!({ "url": "http://host.example/" }), "webhook-place"),
        (json!({ "kinds": ["instance.gone"] }), "unknown-event-kind"),
        (json!({ "colour": "blue" }), "bad-request"),
    ] {
        let (status, problem) = ask(&server, "PATCH", &path, Some(bad)).await;
        assert_eq!(
            (status, &problem["type"]),
            (400, &json!(format!("urn:tieline:problem:{name}")))
        );
    }
    assert_eq!(ask(&server, "DELETE", &path, None).await.0, 204);
    for (method, path) in [
        ("GET", path.as_str()),
        ("DELETE", &path),
        ("GET", "/7/deliveries"),
        ("POST", "/7/test"),
    ] {
        let (status, problem) = ask(&server, method, path, None).await;
        assert_eq!(
            (status, &problem["type"]),
            (404, &json!("urn:tieline:problem:no-such-webhook"))
        );
    }
    serving.abort();
}
