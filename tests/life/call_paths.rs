//! Wherever a path would lead, the token goes nowhere but below the API's base.

use bytes::Bytes;
use http::{Request, header};
use tieline_engine::EngineError;
use tieline_sandbox::Endpoint;
use tieline_tests::stage::Stage;

#[tokio::test]
async fn a_path_that_a_server_might_take_for_one_above_the_base_is_not_sent() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let handle = stage.engine.instance(instance.id);
    let before = stage.sandbox.ledger().requests().len();
    for path in [
        "/../oauth/token",
        "/..%2foauth/token",
        "/%2e%2e%2foauth%2ftoken",
        "/%2E%2E/oauth/token",
        "/v1/..%5c..%5coauth",
        "/%252e%252e%252foauth",
        "/..;/oauth/token",
        "/me/%2e/",
        "//evil.example/me",
        "http://evil.example/me",
    ] {
        let request = Request::get(path).body(Bytes::new()).unwrap();
        let refused = handle.call(request).await.unwrap_err();
        let is_refusal =
            matches!(&refused, EngineError::Call { error, .. } if !error.is_transient());
        assert!(is_refusal, "{path}: {refused}");
    }
    assert_eq!(stage.sandbox.ledger().requests().len(), before);
}

#[tokio::test]
async fn what_the_connection_header_names_stays_on_this_side() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let request = Request::get("/me")
        .header(header::CONNECTION, "close, x-secret-hop")
        .header("x-secret-hop", "1")
        .header("x-kept", "1")
        .header(header::TE, "trailers")
        .header(header::HOST, "evil.example")
        .body(Bytes::new())
        .unwrap();
    let handle = stage.engine.instance(instance.id);
    assert_eq!(handle.call(request).await.unwrap().status(), 200);
    let ledger = stage.sandbox.ledger();
    let call = ledger.requests_to(Endpoint::Api).last().unwrap();
    let came = |name: &str| call.headers.iter().any(|header| header == name);
    assert!(came("x-kept") && came("authorization"));
    assert!(!came("x-secret-hop") && !came("te") && !came("connection"));
    assert!(!call.host.contains("evil"), "{}", call.host);
}
