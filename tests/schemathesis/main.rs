//! The API against its own document, by somebody else: PyPI's `schemathesis` sends what the document allows and what it forbids,
//! and judges each answer by the document.

#![expect(
    clippy::unwrap_used,
    reason = "whatever is missing here is a failed test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tieline_tests::anchor::schemathesis;
use tieline_tests::faults::server::{Server, ServerOptions};
use tokio::time::timeout;
use url::Url;

/// Requests that each operation must have been sent at least.
const EXAMPLES: usize = 50;
/// Where fewer do, since there are no fifty requests of them that differ.
const FEWER: [(&str, usize); 7] = [
    ("GET /connected", 1),
    ("GET /healthz", 1),
    ("GET /metrics", 1),
    // It is read, and not tried.
    ("GET /openapi.json", 0),
    ("GET /readyz", 1),
    ("GET /v1/providers", 1),
    ("GET /v1/webhooks", 1),
];
/// What was found is deleted once, and a few times more.
const DELETES: usize = 10;
/// Whoever takes longer hangs.
const LAST_RESORT: Duration = Duration::from_secs(300);

/// A server with a store of its own, and an API key that may do everything.
async fn server(folder: &TempDir) -> Server {
    let options = ServerOptions {
        binary: env!("CARGO_BIN_EXE_tieline-under-test").into(),
        data_dir: folder.path().join("data"),
        environment: Vec::new(),
        arguments: ["--sandbox", "--listen", "127.0.0.1:0"]
            .map(str::to_owned)
            .into(),
        before: String::new(),
    };
    Server::start(&options).await.unwrap()
}

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// The operations of the document, as method and path: but for those that the configuration leaves out.
fn operations() -> Vec<(String, String)> {
    let document = json(&in_repository("../docs/reference/openapi.json"));
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let is_left_out = path.contains("/call/") || operation["operationId"] == "revokeKey";
            if operation["responses"].is_object() && !is_left_out {
                operations.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    operations
}

/// Whether a path is one of a template's.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(wanted, found)| wanted.starts_with('{') || wanted == found)
}

/// How many requests each operation was sent, by the recording of all of them.
fn counted(recording: &Value) -> BTreeMap<String, usize> {
    let operations = operations();
    let mut counted: BTreeMap<_, _> = operations
        .iter()
        .map(|(method, path)| (format!("{method} {path}"), 0))
        .collect();
    for entry in recording["log"]["entries"].as_array().unwrap() {
        let url = Url::parse(entry["request"]["url"].as_str().unwrap()).unwrap();
        let found = operations.iter().find(|(method, path)| {
            entry["request"]["method"] == method.as_str() && fits(path, url.path())
        });
        if let Some((method, path)) = found {
            *counted.entry(format!("{method} {path}")).or_default() += 1;
        }
    }
    counted
}

#[tokio::test]
async fn a_stranger_finds_the_api_as_its_document_says() {
    let folder = TempDir::new().unwrap();
    let server = server(&folder).await;
    let told = |value: &Value| value.as_str().unwrap().to_owned();
    let listen = told(&server.ready()["listen"]);
    let recording = folder.path().join("recording.har");
    let run = schemathesis()
        .unwrap()
        .arg("--config-file")
        .arg(in_repository("schemathesis/schemathesis.toml"))
        .args(["--no-color", "run", "--checks", "all"])
        .arg("--report-har-path")
        .arg(&recording)
        .arg(format!("http://{listen}/openapi.json"))
        .env("API_KEY", told(&server.ready()["tried"]["api_key"]))
        .current_dir(folder.path())
        .kill_on_drop(true)
        .output();
    let run = timeout(LAST_RESORT, run).await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{told}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let counted = counted(&json(&recording));
    let few: Vec<_> = counted
        .iter()
        .filter(|(operation, sent)| {
            let fewer = FEWER.iter().find(|(id, _)| id == operation);
            let usual = match operation.starts_with("DELETE ") {
                true => DELETES,
                false => EXAMPLES,
            };
            **sent < fewer.map_or(usual, |(_, wanted)| *wanted)
        })
        .collect();
    assert!(few.is_empty(), "{few:?}\n{told}");
}
