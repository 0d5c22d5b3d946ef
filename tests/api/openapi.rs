//! Every operation of the OpenAPI document answers as it says, and with what it says. Each answer to any request of these
//! tests is held to it by `contract`; here, those that every operation has are asked for.

use std::collections::BTreeSet;

use serde_json::Value;
use tieline_store::Permission;

use crate::contract::{self, Operation, operations};
use crate::host::{Answer, Host};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A path of an operation, where nothing is.
fn path(operation: Operation) -> String {
    let segments = operation.path.split('/').map(|segment| match segment {
        "{id}" => "7",
        "{path}" => "x",
        other if other.starts_with('{') => "nothing",
        other => other,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Those that take an API key.
fn with_a_key() -> impl Iterator<Item = Operation> {
    operations().filter(|operation| operation.says.get("security").is_some())
}

/// The detail of a problem, which there is none of in an answer to HEAD.
#[track_caller]
fn refused(operation: Operation, answer: &Answer, status: u16) -> String {
    if operation.method == "head" {
        assert_eq!(answer.status, status, "{answer:?}");
        return String::new();
    }
    answer.problem(status)
}

async fn send(host: &Host, operation: Operation, headers: &[(&str, &str)], body: &str) -> Answer {
    let method = operation.method.to_uppercase();
    host.send(&method, &path(operation), headers, body).await
}

#[tokio::test]
async fn the_document_is_served_to_everybody() {
    let host = Host::new().await;
    let served = host.send("GET", "/openapi.json", &[("authorization", "none")], "");
    let served = served.await;
    assert_eq!(served.status, 200, "{served:?}");
    assert_eq!(served.headers["content-type"], "application/json");
    let document = serde_json::to_value(tieline_server::openapi()).unwrap();
    assert_eq!(served.json(), document);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
}

#[tokio::test]
async fn every_path_takes_the_methods_that_it_is_said_to() {
    let host = Host::new().await;
    let paths: BTreeSet<_> = operations().map(|operation| operation.path).collect();
    for one in paths {
        let all: Vec<_> = operations().filter(|it| it.path == one).collect();
        if all[0].is_tagged("calls") {
            continue;
        }
        let answer = host.send("BREW", &path(all[0]), &[], "").await;
        assert_eq!(answer.status, 405, "{one}: {answer:?}");
        let allowed = answer.headers["allow"].to_str().unwrap();
        let allowed = allowed.split(',').map(str::trim);
        // Whoever may GET may ask for the head of it.
        let allowed: BTreeSet<_> = allowed.filter(|it| *it != "HEAD").collect();
        let said: Vec<_> = all.iter().map(|it| it.method.to_uppercase()).collect();
        assert_eq!(allowed, said.iter().map(String::as_str).collect(), "{one}");
    }
}

/// What each operation refuses, whatever it is.
pub(crate) async fn ask_for_what_every_operation_refuses(host: &Host) {
    refuse_whoever_has_no_key(host).await;
    refuse_whoever_lacks_the_permission(host).await;
    refuse_what_cannot_be_read(host).await;
    refuse_what_is_not_there(host).await;
}

#[tokio::test]
async fn whoever_has_no_key_is_told_so() {
    refuse_whoever_has_no_key(&Host::new().await).await;
}

async fn refuse_whoever_has_no_key(host: &Host) {
    for operation in with_a_key() {
        let nobody = ("authorization", "Bearer tieline_nothing");
        let answer = send(host, operation, &[nobody], "").await;
        refused(operation, &answer, 401);
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    for operation in operations().filter(|it| it.says.get("security").is_none()) {
        let nobody = ("authorization", "Bearer tieline_nothing");
        let answer = send(host, operation, &[nobody], "").await;
        assert_ne!(answer.status, 401, "{operation:?}: {answer:?}");
    }
}

/// Neither less nor more than it says.
#[tokio::test]
async fn every_operation_takes_the_permission_that_it_says() {
    refuse_whoever_lacks_the_permission(&Host::new().await).await;
}

async fn refuse_whoever_lacks_the_permission(host: &Host) {
    for permission in Permission::ALL {
        let all = Permission::ALL.iter().copied();
        let others: Vec<_> = all.filter(|it| it != permission).collect();
        let (all_but_it, it_alone) = (
            host.another_key(None, &others).await,
            host.another_key(None, &[*permission]).await,
        );
        let needs = |operation: &Operation| operation.says["x-permission"] == permission.as_str();
        for operation in with_a_key().filter(needs) {
            let key = format!("Bearer {all_but_it}");
            let answer = send(host, operation, &[("authorization", &key)], "").await;
            let detail = refused(operation, &answer, 403);
            assert!(
                detail.contains(&format!("`{permission}`")) || operation.method == "head",
                "{operation:?}: {detail}"
            );
            let key = format!("Bearer {it_alone}");
            let answer = send(host, operation, &[("authorization", &key)], "").await;
            assert_ne!(answer.status, 403, "{operation:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn bodies_queries_and_ids_are_refused_as_it_says() {
    refuse_what_cannot_be_read(&Host::new().await).await;
}

async fn refuse_what_cannot_be_read(host: &Host) {
    for operation in with_a_key().filter(|it| !it.is_tagged("calls")) {
        if operation.says.get("requestBody").is_some() {
            send(host, operation, &[], "{}").await.problem(415);
            send(host, operation, &[JSON], "[]").await.problem(400);
            let long = " ".repeat((1 << 20) + 1);
            send(host, operation, &[JSON], &long).await.problem(413);
        }
        if operation.takes("query") {
            let method = operation.method.to_uppercase();
            let path = format!("{}?colour=red", path(operation));
            host.send(&method, &path, &[], "").await.problem(400);
        }
        if operation.takes("path") {
            let method = operation.method.to_uppercase();
            let path = path(operation).replacen("/7", "/7%00", 1);
            host.send(&method, &path, &[JSON], "{}").await.problem(400);
        }
    }
}

/// Where nothing is, and the body is as it is said to be.
#[tokio::test]
async fn what_is_not_there_is_told_as_it_says() {
    refuse_what_is_not_there(&Host::new().await).await;
}

async fn refuse_what_is_not_there(host: &Host) {
    let paths = with_a_key().filter(|it| it.takes("path") && it.may_be("404"));
    for operation in paths {
        let body = if operation.says.get("requestBody").is_some() && !operation.is_tagged("calls") {
            contract::example(operation)
        } else {
            Value::Null
        };
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = send(host, operation, &[JSON], &body).await;
        refused(operation, &answer, 404);
    }
}
