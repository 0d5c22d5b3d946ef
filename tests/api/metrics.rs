//! Every series that the page names is there, and tells what happened.

use std::collections::BTreeSet;

use serde_json::json;
use tieline_engine::NewWebhook;
use tieline_sandbox::{Act, Endpoint};
use tieline_store::Permission;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::host::Host;

const PAGE: &str = include_str!("../../docs/metrics.md");

/// The series that the page's table names.
fn documented() -> BTreeSet<&'static str> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

/// What is counted is the process's, and tests share one.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn scraped(host: &Host) -> String {
    let _one = ONE_AT_A_TIME.lock().await;
    let answer = host.get("/metrics").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let kind = answer.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    answer.text
}

/// The value of a series; 0 where it is not there yet.
fn value(scrape: &str, series: &str) -> u64 {
    let line = scrape.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0, |value| value.trim().parse().unwrap())
}

/// A webhook where nobody listens, and an attempt to tell it.
async fn told_in_vain(host: &Host) {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    let new = NewWebhook {
        url,
        kinds: Vec::new(),
        secret: None,
    };
    host.stage.engine.create_webhook(new).await.unwrap();
    host.stage.connect().await;
    host.stage.engine.look_after().await.unwrap();
}

#[tokio::test]
async fn every_series_of_the_page_is_scraped_and_no_other() {
    let host = Host::new().await;
    let instance = host.stage.connect().await;
    let id = instance.id;
    let path = format!("/v1/instances/{id}/refresh");
    host.post(&path, &[], &json!({})).await;
    let profile = format!("/v1/instances/{id}/call/v1/account/profile");
    host.get(&profile).await;
    host.get("/nothing/at/all").await;
    told_in_vain(&host).await;
    let scrape = scraped(&host).await;
    let types = scrape
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let found: BTreeSet<_> = types.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(found, documented());
    for line in [
        "tieline_http_requests_total{route=\"/v1/instances/{id}/refresh\",method=\"POST\",status=\"200\"}",
        "tieline_http_requests_total{route=\"none\",method=\"GET\",status=\"404\"}",
        "tieline_http_request_duration_seconds_bucket{route=\"/v1/instances/{id}/refresh\",method=\"POST\",le=\"0.005\"}",
        "tieline_refreshes_total{provider=\"acme\",outcome=\"ok\"}",
        "tieline_authorizations_total{provider=\"acme\",outcome=\"connected\"}",
        "tieline_provider_calls_total{provider=\"acme\",status=",
        "tieline_webhook_deliveries_total{outcome=\"unanswered\"}",
        "tieline_instances{status=\"ok\"} 2",
        "tieline_instances{status=\"unreadable\"} 0",
        "tieline_refused_apps 0",
    ] {
        assert!(scrape.contains(line), "{line} is not in\n{scrape}");
    }
    assert!(!scrape.contains(&id.to_string()), "{scrape}");
    assert!(!scrape.contains("/nothing"), "{scrape}");
}

#[tokio::test]
async fn what_a_provider_says_is_counted() {
    let host = Host::new().await;
    let instance = host.stage.connect().await;
    let rejected = "tieline_refreshes_total{provider=\"acme\",outcome=\"provider-busy\"}";
    let before = value(&scraped(&host).await, rejected);
    host.stage.sandbox.script(Endpoint::Token, Act::Throttle);
    let path = format!("/v1/instances/{}/refresh", instance.id);
    let refused = host.post(&path, &[], &json!({})).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(value(&scraped(&host).await, rejected) > before);
}

#[tokio::test]
async fn only_the_operator_is_told() {
    let host = Host::new().await;
    host.stage.engine.create_tenant("b", None).await.unwrap();
    let reader = host.another_key(None, &[Permission::Read]).await;
    let of_b = host.another_key(Some("b"), Permission::ALL).await;
    for (key, status) in [(reader, 403), (of_b, 403), ("x".to_owned(), 401)] {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        host.send("GET", "/metrics", &headers, "")
            .await
            .problem(status);
    }
}
