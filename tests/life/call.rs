//! Calls: the right token to the right place, one refresh and one replay after a 401.

use bytes::Bytes;
use http::{Request, StatusCode, header};
use tieline_engine::EngineError;
use tieline_sandbox::{Act, Endpoint};
use tieline_tests::stage::{Stage, get};

#[tokio::test]
async fn a_401_makes_one_refresh_and_one_replay_with_the_body() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    stage.sandbox.expire_access_tokens();
    let request = Request::post("/echo?x=1")
        .header(header::CONTENT_TYPE, "text/plain")
        .header(header::AUTHORIZATION, "Bearer the-callers-own")
        .header(header::COOKIE, "a=b")
        .body(Bytes::from_static(b"hello"))
        .unwrap();
    let response = stage
        .engine
        .instance(instance.id)
        .call(request)
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let echoed = String::from_utf8_lossy(response.body());
    assert!(echoed.contains("hello"), "{echoed}");
    let ledger = stage.sandbox.ledger();
    let calls: Vec<_> = ledger
        .requests_to(Endpoint::Api)
        .filter(|call| call.path == "/api/echo")
        .collect();
    assert_eq!(
        calls.iter().map(|call| call.status).collect::<Vec<_>>(),
        [Some(401), Some(200)]
    );
    assert!(
        calls
            .iter()
            .all(|call| !call.headers.iter().any(|name| name == "cookie"))
    );
    assert_eq!(ledger.refreshes(), 1);
}

#[tokio::test]
async fn a_401_that_stays_is_handed_on_after_one_refresh() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    for _ in 0..2 {
        stage.sandbox.script(
            Endpoint::Api,
            Act::Answer {
                status: 401,
                headers: vec![],
                body: b"no".to_vec(),
            },
        );
    }
    let response = stage
        .engine
        .instance(instance.id)
        .call(get("/me"))
        .await
        .unwrap();
    assert_eq!(
        (response.status(), &response.body()[..]),
        (StatusCode::UNAUTHORIZED, &b"no"[..])
    );
    assert_eq!(stage.sandbox.ledger().refreshes(), 1);
}

#[tokio::test]
async fn every_other_status_is_handed_on_as_it_is() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    for status in [204, 302, 403, 404, 429, 500] {
        let headers = vec![("location".to_owned(), "https://evil.example/".to_owned())];
        stage.sandbox.script(
            Endpoint::Api,
            Act::Answer {
                status,
                headers,
                body: vec![],
            },
        );
        let response = stage
            .engine
            .instance(instance.id)
            .call(get("/me"))
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), status);
    }
    assert_eq!(stage.sandbox.ledger().refreshes(), 0);
}

#[tokio::test]
async fn a_path_that_leaves_the_api_carries_no_token_anywhere() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let before = stage.sandbox.ledger().requests().len();
    let token_path = "/%2e%2e/oauth/token";
    for path in [
        "//evil.example/",
        "https://evil.example/me",
        "/../oauth/token",
        token_path,
    ] {
        let Ok(request) = Request::get(path).body(Bytes::new()) else {
            continue;
        };
        let refused = stage
            .engine
            .instance(instance.id)
            .call(request)
            .await
            .unwrap_err();
        assert!(
            matches!(refused, EngineError::Call { .. }),
            "{path}: {refused}"
        );
    }
    assert_eq!(stage.sandbox.ledger().requests().len(), before);
}

#[tokio::test]
async fn another_tenants_instance_is_not_there() {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let stranger = stage.engine.for_tenant("stranger").instance(instance.id);
    let before = stage.sandbox.ledger().requests().len();
    assert!(matches!(
        stranger.call(get("/me")).await.unwrap_err(),
        EngineError::NoSuchInstance(_)
    ));
    assert!(matches!(
        stranger.access_token().await.unwrap_err(),
        EngineError::NoSuchInstance(_)
    ));
    assert!(matches!(
        stranger.disconnect(true).await.unwrap_err(),
        EngineError::NoSuchInstance(_)
    ));
    assert_eq!(stage.sandbox.ledger().requests().len(), before);
    assert_eq!(
        stage
            .engine
            .instance(instance.id)
            .call(get("/me"))
            .await
            .unwrap()
            .status(),
        200
    );
}
