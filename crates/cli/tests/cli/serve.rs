//! `tieline serve`: one process holds the data folder, from its first word to its orderly end.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use serde_json::Value;
use tieline::core::SystemClock;
use tieline::store::{InstanceQuery, MasterKey, Purpose, Store, StoreOptions};
use tieline_sandbox::{Act, Endpoint, Gate, Sandbox};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::home::{Home, Running};

/// Ends a server as a service manager does.
pub(crate) async fn stopped(server: Running) {
    server.signal("TERM").await;
    let ran = server.ended().await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

/// What a plain HTTP client gets for a path: head and body.
pub(crate) async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A server that takes no new requests still has the folder.
async fn assert_held(home: &Home) {
    let meanwhile = home.run(&["instances", "list"]).await;
    assert_eq!(meanwhile.code, 1, "{meanwhile:?}");
    let held = meanwhile.stderr.contains("is in use by process");
    assert!(held, "{meanwhile:?}");
}

/// Whether the refresh token in the store is the one that the provider takes.
async fn stored_token_is_current(home: &Home, sandbox: &Sandbox) -> bool {
    let store = Store::open(StoreOptions {
        place: home.data_dir().into(),
        master_key: MasterKey::load(&home.master_key()).unwrap(),
        deployment: "default".to_owned(),
        clock: Arc::new(SystemClock),
    });
    let store = store.await.unwrap();
    let all = store.instances(InstanceQuery::of("default")).await.unwrap();
    let token = store.refresh_token(&all[0], Purpose::Check).await.unwrap();
    store.close().await;
    let ledger = sandbox.ledger();
    ledger.is_current_refresh_token(token.unwrap().expose())
}

#[tokio::test]
async fn a_server_says_where_it_is_and_is_the_only_one() {
    let home = Home::new();
    let (server, ready) = home.serve(&["--listen", "127.0.0.1:0"]).await;
    let socket = home.data_dir().join("control.sock");
    assert_eq!(ready["socket"], socket.to_str().unwrap());
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it is its owner's alone");

    let listen = ready["listen"].as_str().unwrap();
    let healthy = get(listen, "/healthz").await;
    assert!(healthy.starts_with("HTTP/1.1 200 "), "{healthy}");
    let body: Value = serde_json::from_str(healthy.lines().last().unwrap()).unwrap();
    assert_eq!(body["status"], "ok");
    for (hidden, status) in [
        ("/v1/instances", 401),
        ("/v1/store", 404),
        ("/v1/configuration", 404),
        ("/nothing", 404),
    ] {
        let answer = get(listen, hidden).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{hidden}: {answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }

    let second = home.run(&["serve"]).await;
    assert_eq!((second.code, &*second.stdout), (1, ""), "{second:?}");
    let holder = format!("is in use by process {}", body["pid"]);
    assert!(second.stderr.contains(&holder), "{}", second.stderr);
    home.run(&["backup", "copy.db"]).await.ok();
    let restored = home.run(&["restore", "copy.db", "--force"]).await;
    assert_eq!(restored.code, 1, "{restored:?}");
    assert!(restored.stderr.contains(&holder), "{}", restored.stderr);

    stopped(server).await;
    assert!(!socket.exists());
    home.run(&["apps", "list"]).await.ok();
}

/// The whole answer to a request with an API key.
async fn post(address: &str, key: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn there_is_something_to_try_without_any_account() {
    let home = Home::new();
    let (server, ready) = home.serve(&["--sandbox", "--listen", "127.0.0.1:0"]).await;
    let public = ready["public_url"].as_str().unwrap();
    let key = ready["tried"]["api_key"].as_str().unwrap();
    let app = &ready["tried"]["app"];
    let address = public.strip_prefix("http://").unwrap();
    let body = format!(r#"{{"app": {app}, "user": "ada"}}"#);
    let answer = post(address, key, "/v1/links", &body).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let link: Value = serde_json::from_str(answer.lines().last().unwrap()).unwrap();
    let path = link["url"].as_str().unwrap().strip_prefix(public).unwrap();
    let page = get(address, path).await;
    assert!(page.contains("Continue to Infusionsoft"), "{page}");
    stopped(server).await;
    assert!(!home.data_dir().exists(), "nothing of it stays");
}

#[tokio::test]
async fn webhooks_are_at_public_addresses_unless_the_operator_opens_others() {
    let home = Home::new();
    let body = r#"{"url": "http://127.0.0.1:1/told"}"#;
    for (range, status) in [(None, 400), (Some("127.0.0.0/8"), 201)] {
        let mut options = vec!["--sandbox", "--listen", "127.0.0.1:0"];
        options.extend(
            range
                .into_iter()
                .flat_map(|range| ["--webhook-range", range]),
        );
        let (server, ready) = home.serve(&options).await;
        let key = ready["tried"]["api_key"].as_str().unwrap();
        let listen = ready["listen"].as_str().unwrap();
        let answer = post(listen, key, "/v1/webhooks", body).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        stopped(server).await;
    }
    let refused = home
        .run(&["serve", "--webhook-range", "127.0.0.1/99"])
        .await;
    assert_eq!(refused.code, 2, "{refused:?}");
}

#[tokio::test]
async fn metrics_have_an_address_of_their_own() {
    let home = Home::new();
    let options = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];
    let (server, ready) = home.serve(&options).await;
    get(ready["listen"].as_str().unwrap(), "/healthz").await;
    let metrics = ready["metrics"].as_str().unwrap();
    let scrape = get(metrics, "/metrics").await;
    let counted = "tieline_http_requests_total{route=\"/healthz\",method=\"GET\",status=\"200\"} 1";
    assert!(scrape.contains(counted), "{scrape}");
    let elsewhere = get(metrics, "/v1/instances").await;
    assert!(elsewhere.starts_with("HTTP/1.1 404 "), "{elsewhere}");
    let without_key = get(ready["listen"].as_str().unwrap(), "/metrics").await;
    assert!(without_key.starts_with("HTTP/1.1 401 "), "{without_key}");
    stopped(server).await;
}

#[tokio::test]
async fn a_person_is_told_what_it_does() {
    let home = Home::new();
    let mut server = home.start(&["serve"]);
    server
        .until_stdout("Ctrl-C or SIGTERM ends it")
        .await
        .unwrap();
    server.signal("INT").await;
    let ran = server.ended().await.ok();
    let folder = home.data_dir().display().to_string();
    let told = ran.stdout.replace(&folder, "DATA");
    insta::assert_snapshot!(told, @r"
    Serving DATA.
      control  DATA/control.sock (other `tieline` commands work through it)
    Ctrl-C or SIGTERM ends it, when what is under way with providers is finished.
    ");
    assert!(
        ran.stderr.ends_with("so that no token is lost.\n"),
        "{ran:?}"
    );
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = home.run(&["serve", "--listen", &address]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("choose another with --listen"));
    assert!(!home.data_dir().join("control.sock").exists());
}

#[tokio::test]
async fn a_refresh_that_is_under_way_is_finished_first() {
    let (home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    let (mut server, _) = home.serve(&[]).await;
    let gate = Gate::new();
    sandbox.script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
    let refresh = home.start(&["instances", "refresh", &id, "--json"]);
    gate.reached().await;
    server.signal("TERM").await;
    assert!(server.until_stderr("Stopping.").await.is_some());
    assert_held(&home).await;
    gate.release();
    let refreshed = refresh.ended().await.ok();
    assert_eq!(refreshed.json()["generation"], 2, "who waited is told");
    let ran = server.ended().await.ok();
    assert!(!home.data_dir().join("control.sock").exists(), "{ran:?}");
    assert!(stored_token_is_current(&home, &sandbox).await);
    assert_eq!(sandbox.ledger().refreshes(), 1);
}

#[tokio::test]
async fn a_request_that_is_under_way_is_answered_first() {
    let (home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    let (mut server, _) = home.serve(&[]).await;
    let gate = Gate::new();
    sandbox.script(Endpoint::Api, Act::Hold(gate.clone()));
    let call = home.start(&["instances", "call", &id, "/v1/account/profile"]);
    gate.reached().await;
    server.signal("TERM").await;
    assert!(server.until_stderr("Stopping.").await.is_some());
    assert_held(&home).await;
    gate.release();
    let called = call.ended().await.ok();
    assert!(called.stdout.contains("ada@example.com"), "{called:?}");
    server.ended().await.ok();
}

#[tokio::test]
async fn a_refresh_whose_caller_has_gone_away_is_finished_too() {
    let (home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    let (mut server, _) = home.serve(&[]).await;
    let gate = Gate::new();
    sandbox.script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
    let refresh = home.start(&["instances", "refresh", &id]);
    gate.reached().await;
    refresh.signal("INT").await;
    let gone = refresh.ended().await;
    assert_eq!(gone.code, 130, "it waits for nothing: {gone:?}");
    assert!(
        gone.stderr.contains("is finished by the server"),
        "{gone:?}"
    );
    server.signal("TERM").await;
    assert!(server.until_stderr("Stopping.").await.is_some());
    gate.release();
    server.ended().await.ok();
    assert!(stored_token_is_current(&home, &sandbox).await);
    assert_eq!(sandbox.ledger().refreshes(), 1);
}

#[tokio::test]
async fn what_a_killed_server_left_behind_stops_nobody() {
    let home = Home::new();
    let (server, _) = home.serve(&[]).await;
    server.signal("KILL").await;
    server.ended().await;
    let socket = home.data_dir().join("control.sock");
    assert!(socket.exists(), "it had no time to tidy up");
    home.run(&["apps", "list"]).await.ok();
    let (server, _) = home.serve(&[]).await;
    let served = home.run(&["apps", "create", "keap", "--json"]).await.ok();
    stopped(server).await;
    let listed = home.run(&["apps", "list", "--json"]).await.ok().json();
    assert_eq!(listed[0]["id"], served.json()["id"]);
}

#[tokio::test]
async fn a_data_folder_may_have_a_long_path() {
    let home = Home::new();
    let folder = "deep/".repeat(40);
    let serve = ["serve", "--json", "--data-dir", &folder];
    let mut server = home.start(&serve);
    assert!(server.until_stdout("ready").await.is_some());
    home.run(&["apps", "list", "--data-dir", &folder])
        .await
        .ok();
    let second = home.run(&serve).await;
    assert_eq!(second.code, 1, "{second:?}");
    stopped(server).await;
}
