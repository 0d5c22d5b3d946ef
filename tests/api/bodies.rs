//! What can't be read is told as a problem, by names alone.

use serde_json::json;

use crate::host::Host;

const JSON: (&str, &str) = ("content-type", "application/json");
const CANARY: &str = "cAnArY";

#[tokio::test]
async fn what_is_wrong_is_named_and_not_repeated() {
    let host = Host::new().await;
    for (body, told) in [
        ("", "the body is empty"),
        ("cAnArY", "is no JSON object"),
        ("[\"cAnArY\"]", "is no JSON object"),
        (
            "{\"provider\": \"acme\", \"parameters\": {\"oauth.api.secret\": [\"cAnArY\"]}}",
            "`parameters.oauth.api.secret` is not",
        ),
        (
            "{\"provider\": \"acme\", \"nmae\": \"cAnArY\"}",
            "unknown field `nmae`: did you mean `name`?",
        ),
        ("{\"name\": \"cAnArY\"}", "`provider` is missing"),
        (
            "{\"provider\": \"acme\", \"provider\": \"cAnArY\"}",
            "`provider` stands there twice",
        ),
        (
            "{\"provider\": \"acme\", \"name\": \"cAnArY\\u0000\"}",
            "NUL",
        ),
        (
            "{\"provider\": \"acme\"} cAnArY",
            "the body is no JSON: look at line 1",
        ),
    ] {
        let answer = host.send("POST", "/v1/apps", &[JSON], body).await;
        let detail = answer.problem(400);
        assert!(detail.contains(told), "{body}: {detail}");
        assert!(!answer.text.contains(CANARY), "{}", answer.text);
    }
    let deep = "[".repeat(10_000);
    for body in [
        deep.clone(),
        format!("{{\"provider\": {deep}"),
        format!("{{\"parameters\": {{\"a\": {deep}"),
    ] {
        host.send("POST", "/v1/apps", &[JSON], &body)
            .await
            .problem(400);
    }
    assert_eq!(host.get("/v1/apps").await.json(), json!({ "apps": [] }));
}

#[tokio::test]
async fn a_body_is_json_and_says_so() {
    let host = Host::new().await;
    let body = "{\"provider\": \"acme\"}";
    for headers in [
        &[][..],
        &[("content-type", "application/x-www-form-urlencoded")],
    ] {
        let answer = host.send("POST", "/v1/apps", headers, body).await;
        assert!(
            answer
                .problem(415)
                .contains("content-type: application/json")
        );
    }
    let charset = ("content-type", "application/json; charset=utf-8");
    let answer = host.send("POST", "/v1/apps", &[charset], body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[tokio::test]
async fn a_body_is_not_too_long() {
    let host = Host::new().await;
    let long = format!("{{\"provider\": \"{}\"}}", "a".repeat(1 << 20));
    for key in [&[][..], &[("idempotency-key", "a")]] {
        let headers = [&[JSON], key].concat();
        let answer = host.send("POST", "/v1/apps", &headers, &long).await;
        let detail = answer.problem(413);
        assert!(detail.contains("1 MiB"), "{detail}");
    }
}

#[tokio::test]
async fn paths_and_queries_are_told_too() {
    let host = Host::new().await;
    for (path, status, told) in [
        ("/v1/instances?limit=ten", 400, "`limit` is not of the kind"),
        (
            "/v1/instances?lmit=1",
            400,
            "unknown field `lmit`: did you mean `limit`?",
        ),
        (
            "/v1/instances?limit=1&limit=2",
            400,
            "`limit` stands there twice",
        ),
        ("/v1/instances?user=%00", 400, "NUL"),
        (
            "/v1/instances?status=cAnArY",
            400,
            "`status` is not of the kind",
        ),
        ("/v1/instances/x7", 400, "id"),
        ("/v1/instances/%ff", 400, "UTF-8"),
        ("/v1/instances/7%00", 400, "id"),
        ("/v1/instances/9007199254740993", 400, "id"),
        ("/v1/instances/7", 404, "no instance 7"),
        ("/v1/tenants/a%00", 400, "control character"),
        ("/v1/tenants/%ff", 400, "UTF-8"),
        ("/v1/providers/%00", 400, "control character"),
        ("/v1/nothing", 404, "nothing at this path"),
    ] {
        let answer = host.get(path).await;
        let detail = answer.problem(status);
        assert!(detail.contains(told), "{path}: {detail}");
        assert!(!detail.contains(CANARY), "{path}: {detail}");
    }
    let answer = host.send("PUT", "/v1/apps", &[], "").await;
    answer.problem(405);
}
