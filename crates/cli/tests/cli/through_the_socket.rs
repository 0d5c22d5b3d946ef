//! Commands do, print and refuse the same, whether they open the store themselves or a server holds it.

use std::collections::BTreeMap;

use serde_json::Value;
use tieline_sandbox::{Act, Endpoint, Sandbox};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::api_keys::keys_and_tenants;
use crate::home::{Home, Running};
use crate::serve::{get, stopped};
use crate::ways;

const GITHUB: &str = include_str!("../../../../tests/vendors/github.json");
const FRESHDESK: &str = include_str!("../../../../tests/vendors/freshdesk.json");
const SLACK: &str = include_str!("../../../../tests/vendors/slack.json");

/// What a command printed and how it ended, as a person would have copied it from a terminal.
pub(crate) async fn typed(home: &Home, transcript: &mut String, arguments: &[&str]) -> String {
    let ran = home.run(arguments).await;
    transcript.push_str(&format!(
        "$ tieline {}\n{}{}[{}]\n\n",
        arguments.join(" "),
        ran.stdout,
        ran.stderr,
        ran.code
    ));
    ran.stdout
}

/// Compares with the one snapshot that both ways have.
macro_rules! assert_same {
    ($home:expr, $sandbox:expr, $transcript:expr) => {{
        let mut transcript = $transcript.replace($home.path().to_str().unwrap(), "HOME");
        for secret in $sandbox.ledger().secrets() {
            transcript = transcript.replace(secret, "SECRET");
        }
        insta::with_settings!({ filters => vec![
            (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
            (r"\w\w\w, \d\d \w\w\w \d{4} \d\d:\d\d:\d\d GMT", "DATE"),
            (r"127\.0\.0\.1:\d+", "SANDBOX"),
            (r"\b[0-9a-f]{32}\b", "CONTEXT"),
            (r"\b\d{11,16}\b", "ID"),
            (r"tieline_[\w-]{43}", "KEY"),
            (r#"("hint": ")[^"]{4}""#, "${1}HINT\""),
            (r"(crm +read, connect, call +)[\w-]{4}", "${1}HINT"),
            (r#"("bytes": )\d+"#, "${1}MANY"),
            // How much is left depends on the minute.
            (r#"("x-keap-[a-z-]+",\s+)"[^"]*""#, "${1}COUNTED"),
            (r" {2,}", "  "),
        ]}, { insta::assert_snapshot!("both_ways", transcript); });
    }};
}

/// A server, where this run is to have one.
async fn server(home: &Home, is_served: bool) -> Option<Running> {
    if is_served {
        Some(home.serve(&[]).await.0)
    } else {
        None
    }
}

async fn ended(server: Option<Running>) {
    if let Some(server) = server {
        stopped(server).await;
    }
}

/// Everything that can be done with an account and its app, in one sitting.
async fn sitting(home: &mut Home, sandbox: &Sandbox) -> String {
    let all = &mut String::new();
    let id = &home.connected(sandbox).await;
    let apps = home.run(&["apps", "list", "--json"]).await.ok().json();
    let app = &apps[0]["id"].to_string();
    let set = ["apps", "set", app, "--set"];
    let path = "/v1/account/profile";
    for arguments in [
        &["instances", "list", "--json"][..],
        &["instances", "list", "--provider", "keap"],
        &["instances", "list", "--provider", "nobody"],
        &["instances", "show", id],
        &["instances", "token", id, "--json"],
        &["instances", "check", id],
        &["instances", "call", id, path],
        &["instances", "call", id, path, "--json", "-X", "HEAD"],
        &["instances", "call", id, "/no/such%2Fpath?a=%20b", "--json"],
        &["instances", "call", id, path, "-d", "{}", "-X", "POST"],
        &["instances", "call", id, path, "-H", "Content-Length: 7"],
        &["instances", "call", id, "https://elsewhere.example/"],
        &["instances", "call", id, "../../x"],
        &["instances", "refresh", id],
        &["instances", "show", id, "--json"],
        &["instances", "show", "4711"],
        &["instances", "token", "4711", "--json"],
        &["instances", "disconnect", "4711"],
        &["apps", "list"],
        &["apps", "show", app, "--json"],
        &[&set[..], &["oauth.api.secret=typed"]].concat(),
        &[&set[..], &["nothing.like.it=x"]].concat(),
        &[&set[..], &["oauth.callback.url=https://acme.example/b"]].concat(),
        &["apps", "create", "keap", "--name", "b", "--json"],
        &["apps", "create", "keap", "--name", "b"],
        &["apps", "create", "nobody"],
        &["apps", "delete", app],
        &["apps", "delete", "4711", "--json"],
        &["connect", "keap", "--app", "nobody's"],
        &["connect", "keap", "--callback-url", "nowhere"],
        &["connect", "keap", "--callback-port", "9000"],
        &["connect", "keap", "--instance", "4711"],
        &["connect", "keap", "--set", "oauth.api.key=x"],
        &["connect", "freshdesk"],
        &["connect", "github", "--device"],
        &["backup", "copy.db", "--json"],
        &["backup", "copy.db"],
        &["keys", "rotate"],
        &["keys", "rotate", "--json"],
        &["keys", "rotate", "--master", "new.key"],
    ] {
        typed(home, all, arguments).await;
    }
    // The server has read it.
    home.set("TIELINE_MASTER_KEY_FILE", "new.key");
    typed(home, all, &["adopt"]).await;
    let again = ["--instance", id];
    let again = home.connect(&again, async |url| sandbox.consent(&url).await.unwrap());
    all.push_str(&again.await.ok().stdout);
    typed(home, all, &["instances", "token", id]).await;
    sandbox.script(
        Endpoint::Token,
        Act::Answer {
            status: 503,
            headers: vec![("retry-after".into(), "7".into())],
            body: Vec::new(),
        },
    );
    typed(home, all, &["instances", "refresh", id]).await;
    let ledger = sandbox.ledger();
    for secret in ledger.secrets() {
        if ledger.is_current_refresh_token(secret) {
            sandbox.revoke_grant(secret);
        }
    }
    typed(home, all, &["instances", "refresh", id]).await;
    typed(home, all, &["instances", "token", id]).await;
    typed(home, all, &["instances", "disconnect", id, "--json"]).await;
    typed(home, all, &["apps", "delete", app]).await;
    keys_and_tenants(home, all).await;
    std::mem::take(all)
}

#[tokio::test]
async fn every_command_says_the_same_both_ways() {
    for is_served in [false, true] {
        let (mut home, sandbox) = Home::with_sandbox().await;
        // The first start has words of its own.
        home.run(&["apps", "list"]).await.ok();
        let server = server(&home, is_served).await;
        let transcript = sitting(&mut home, &sandbox).await;
        assert_same!(home, sandbox, transcript);
        ended(server).await;
    }
}

#[tokio::test]
async fn accounts_are_connected_in_all_ways_through_the_socket() {
    let (home, sandbox) = Home::at("freshdesk", FRESHDESK).await;
    let server = home.serve(&[]).await.0;
    ways::connects_with_a_key(&home, &sandbox).await;
    stopped(server).await;

    let (home, sandbox) = Home::at("github", &ways::hasty(GITHUB)).await;
    let server = home.serve(&[]).await.0;
    ways::connects_with_a_code(&home, &sandbox).await;
    stopped(server).await;

    let (mut home, sandbox) = Home::at("slack", SLACK).await;
    home.set("SLACK_SLACK_USER_SCOPE", "users:read");
    let server = home.serve(&[]).await.0;
    let both = ways::installed(&home, &sandbox).await.last_line();
    assert_eq!(both["beside"].as_array().map(Vec::len), Some(1), "{both}");
    stopped(server).await;
}

#[tokio::test]
async fn a_browser_that_comes_back_to_this_machine_is_heard() {
    let (home, sandbox) = Home::at("github", GITHUB).await;
    let server = home.serve(&[]).await.0;
    let port = free_port().await;
    let connect = [
        "connect",
        "github",
        "--no-browser",
        "--json",
        "--callback-port",
        &port,
    ];
    let mut connect = home.start(&connect);
    let line = connect.until_stdout("authorization_url").await.unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let url = told["authorization_url"].as_str().unwrap();
    let callback = sandbox.consent(url).await.unwrap();
    let stranger = callback.replace("state=", "state=x");
    for (address, title) in [(stranger, "Not connected"), (callback, "Connected")] {
        let page = browsed(&address).await;
        assert!(page.contains(&format!("<h1>{title}</h1>")), "{page}");
    }
    let ran = connect.ended().await.ok();
    assert_eq!(ran.last_line()["status"], "ok", "{ran:?}");
    assert!(ran.stderr.contains("A callback was ignored"), "{ran:?}");
    stopped(server).await;
}

/// The page that a browser shows in the end.
async fn browsed(address: &str) -> String {
    let (host, path) = address
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let redirect = get(host, &format!("/{path}")).await;
    let location = redirect
        .lines()
        .find_map(|line| line.strip_prefix("location: "));
    get(host, location.unwrap()).await
}

async fn free_port() -> String {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    socket.local_addr().unwrap().port().to_string()
}

#[tokio::test]
async fn the_servers_configuration_counts_and_what_differs_is_named() {
    let (mut home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    let server = home.serve(&[]).await.0;
    let same = home.run(&["instances", "refresh", &id]).await.ok();
    assert_eq!(same.stderr, "", "nothing differs");

    home.set("INFUSIONSOFT_OAUTH_API_KEY", "another");
    home.set("INFUSIONSOFT_OAUTH_SCOPE", "full");
    home.set("TIELINE_MASTER_KEY_FILE", "/nowhere");
    let differs = home.run(&["instances", "refresh", &id]).await.ok();
    let pid = std::fs::read_to_string(home.data_dir().join("lock")).unwrap();
    assert_eq!(
        differs.stderr,
        format!(
            "Process {} serves this data folder, and its own configuration counts: what is set here for infusionsoft \
             oauth.api.key, infusionsoft oauth.scope has no effect.\n",
            pid.trim()
        )
    );
    let explain = ["config", "explain", "keap"];
    let explained = home.run(&explain).await.ok();
    assert!(
        explained.stderr.contains("this is what is set here."),
        "{explained:?}"
    );
    let nowhere = home
        .run(&["apps", "list", "--config", "nowhere.toml"])
        .await;
    assert_eq!(nowhere.code, 3, "{nowhere:?}");
    stopped(server).await;
}

#[tokio::test]
async fn a_store_that_must_be_adopted_says_so_through_the_socket_too() {
    let (mut home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    home.set("TIELINE_DEPLOYMENT", "other");
    let (server, _) = home.serve(&[]).await;
    let notice = "nothing is refreshed until `tieline adopt`";
    for arguments in [&["apps", "list"][..], &["backup", "copy.db"]] {
        let told = home.run(arguments).await.ok();
        assert!(told.stderr.contains(notice), "{told:?}");
    }
    let refused = home.run(&["instances", "refresh", &id]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    home.run(&["adopt"]).await.ok();
    home.run(&["instances", "refresh", &id]).await.ok();
    stopped(server).await;
}

#[tokio::test]
async fn no_secret_crosses_the_socket_but_those_that_are_asked_for() {
    let (home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    let (server, ready) = home.serve(&["--log", "trace"]).await;
    let app = home.run(&["apps", "list", "--json"]).await.ok().json()[0]["id"].to_string();
    let mut answers = BTreeMap::new();
    for path in [
        "/v1/instances".to_owned(),
        format!("/v1/instances/{id}"),
        format!("/v1/instances/{id}/events"),
        "/v1/apps".to_owned(),
        format!("/v1/apps/{app}"),
        "/v1/events".to_owned(),
        "/v1/store".to_owned(),
        "/v1/configuration".to_owned(),
        "/v1/instances/abc".to_owned(),
        "/v1/instances?limit=x".to_owned(),
        "/v1/nothing".to_owned(),
    ] {
        let answer = asked(ready["socket"].as_str().unwrap(), &path).await;
        answers.insert(path, answer);
    }
    let mut logs = String::new();
    for arguments in [
        &["instances", "call", &id, "/v1/account/profile"][..],
        &["instances", "refresh", &id],
        &["instances", "token", &id],
    ] {
        let arguments = [arguments, &["--log", "trace"]].concat();
        logs.push_str(&home.run(&arguments).await.ok().stderr);
    }
    let create = ["api-keys", "create", "--log", "trace"];
    let created = home.run(&create).await.ok();
    logs.push_str(&created.stderr);
    let api_key = created.stdout.trim();
    assert!(api_key.starts_with("tieline_"), "{api_key}");
    let list = "/v1/api-keys".to_owned();
    let answer = asked(ready["socket"].as_str().unwrap(), &list).await;
    assert!(answer.contains(&api_key[api_key.len() - 4..]), "{answer}");
    answers.insert(list, answer);
    let again = ["--instance", &id, "--json", "--log", "trace"];
    let again = home.connect(&again, async |url| sandbox.consent(&url).await.unwrap());
    logs.push_str(&again.await.ok().stderr);
    server.signal("TERM").await;
    let ran = server.ended().await.ok();
    assert!(ran.stderr.contains("TRACE"), "the log is talkative");
    let (_, client_secret) = sandbox.client();
    let ledger = sandbox.ledger();
    for secret in ledger.secrets().chain([client_secret, api_key]) {
        assert!(!ran.stderr.contains(secret), "in the server's log");
        let at = logs
            .find(secret)
            .map(|at| &logs[at.saturating_sub(200)..at]);
        assert_eq!(at, None, "in a command's log, after this");
        for (path, answer) in &answers {
            assert!(!answer.contains(secret), "{path}: {answer}");
        }
    }
    for path in ["/v1/instances/abc", "/v1/instances?limit=x", "/v1/nothing"] {
        let answer = &answers[path];
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_not_repeated() {
    let home = Home::new();
    let (server, ready) = home.serve(&["--log", "trace"]).await;
    let socket = ready["socket"].as_str().unwrap();
    for body in [
        r#"{"provider": "keap", "parameters": "CANARY"}"#,
        r#"{"provider": "keap", "parameters": {"oauth.api.secret": "CANARY"#,
        // A field that is not known is named; what it holds is not.
        r#"{"provider": "keap", "api_secret": "CANARY"}"#,
        r#"{"provider": "keap", "parameters": {"oauth.api.key": "CANARY\n"}}"#,
    ] {
        let answer = posted(socket, "/v1/apps", body).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
        assert!(!answer.contains("CANARY"), "{answer}");
    }
    server.signal("TERM").await;
    let ran = server.ended().await.ok();
    assert!(!ran.stderr.contains("CANARY"), "in the log");
}

/// What stands behind a path of the control socket: head and body.
pub(crate) async fn asked(socket: &str, path: &str) -> String {
    exchanged(socket, &format!("GET {path} HTTP/1.1\r\n"), "").await
}

/// What a body is answered with there.
pub(crate) async fn posted(socket: &str, path: &str, body: &str) -> String {
    let head = format!(
        "POST {path} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    exchanged(socket, &head, body).await
}

pub(crate) async fn exchanged(socket: &str, head: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request = format!("{head}host: x\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
