//! Events come a page at a time, and none is left out or told twice.

use serde_json::Value;

use crate::host::Host;

/// The ids of all events, by pages of two.
async fn paged(host: &Host, path: &str) -> Vec<i64> {
    let mut ids = Vec::new();
    let mut next = format!("{path}?limit=2");
    loop {
        let page = host.get(&next).await.json();
        let events = page["events"].as_array().unwrap();
        assert!(events.len() <= 2, "{page}");
        ids.extend(events.iter().filter_map(|event| event["id"].as_i64()));
        let Value::Number(cursor) = &page["cursor"] else {
            assert!(page.get("cursor").is_none(), "{page}");
            return ids;
        };
        // What happens meanwhile is newer, and on no later page.
        host.stage.connect().await;
        next = format!("{path}?limit=2&cursor={cursor}");
    }
}

#[tokio::test]
async fn pages_of_events_follow_each_other() {
    let host = Host::new().await;
    let instance = host.stage.connect().await;
    for _ in 0..3 {
        host.stage
            .engine
            .instance(instance.id)
            .refresh()
            .await
            .unwrap();
    }
    for path in [
        "/v1/events".to_owned(),
        format!("/v1/instances/{}/events", instance.id),
    ] {
        let whole = host.get(&path).await.json();
        let whole: Vec<_> = whole["events"].as_array().unwrap().clone();
        let ids: Vec<_> = whole
            .iter()
            .filter_map(|event| event["id"].as_i64())
            .collect();
        assert!(ids.len() >= 4, "{whole:?}");
        assert_eq!(paged(&host, &path).await, ids);
    }
    // As many as there are: no further page is promised.
    let four = format!("/v1/instances/{}/events?limit=4", instance.id);
    let whole = host.get(&four).await.json();
    assert_eq!(whole["events"].as_array().unwrap().len(), 4);
    assert!(whole.get("cursor").is_none(), "{whole}");
}
