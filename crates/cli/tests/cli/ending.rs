//! Commands that are ended early, or whose reader goes away: nothing is lost, and nothing panics.

use std::fs::OpenOptions;
use std::process::Stdio;

use tieline_sandbox::{Act, Endpoint, Gate};
use tokio::process::Command;

use crate::home::Home;

#[tokio::test]
async fn an_interrupted_refresh_still_keeps_the_rotated_token() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (home, sandbox) = Home::with_sandbox().await;
        let id = home.connected(&sandbox).await;
        let gate = Gate::new();
        sandbox.script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
        let mut refresh = home.start(&["instances", "refresh", &id]);
        gate.reached().await;
        refresh.signal(signal).await;
        let stopping = refresh.until_stderr("Stopping.").await;
        assert!(stopping.is_some(), "{:?}", refresh.ended().await);
        gate.release();
        let ran = refresh.ended().await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stderr.contains("error: interrupted; "), "{ran:?}");

        let token = home.run(&["instances", "token", &id, "--json"]).await.ok();
        let token = token.json();
        assert_eq!(token["generation"], 2, "the rotated one is kept");
        let ledger = sandbox.ledger();
        assert!(ledger.is_live_access_token(token["access_token"].as_str().unwrap()));
        assert_eq!(ledger.refreshes(), 1);
        home.run(&["instances", "refresh", &id]).await.ok();
    }
}

#[tokio::test]
async fn an_interrupted_exchange_still_becomes_an_instance() {
    let (home, sandbox) = Home::with_sandbox().await;
    let gate = Gate::new();
    sandbox.script(Endpoint::Token, Act::CommitThenHold(gate.clone()));
    let mut connect = home.start(&["connect", "infusionsoft", "--no-browser"]);
    let url = connect.until_stderr("response_type=code").await.unwrap();
    connect
        .type_in(&sandbox.consent(url.trim()).await.unwrap())
        .await;
    gate.reached().await;
    connect.signal("INT").await;
    connect.until_stderr("Stopping.").await.unwrap();
    gate.release();
    let ran = connect.ended().await;
    assert_eq!(ran.code, 130, "{ran:?}");
    let listed = home.run(&["instances", "list", "--json"]).await.ok().json();
    assert_eq!(listed[0]["status"], "ok", "{listed}");
    assert_eq!(sandbox.ledger().exchanges(), 1);
}

#[tokio::test]
async fn a_command_that_waits_for_somebody_to_type_ends_at_once() {
    let (home, sandbox) = Home::with_sandbox().await;
    let mut connect = home.start(&["connect", "infusionsoft", "--no-browser"]);
    connect.until_stderr("paste it here").await.unwrap();
    connect.signal("INT").await;
    let ran = connect.ended().await;
    assert_eq!(ran.code, 130, "{ran:?}");

    let app = home.run(&["apps", "list", "--json"]).await.ok().json()[0]["id"].to_string();
    let pipe = home.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().await.unwrap();
    assert!(made.success());
    let set = home.start(&["apps", "set", &app, "--set-file", "oauth.api.secret=pipe"]);
    // Opened once the command reads the other end.
    let writer = tokio::task::spawn_blocking(move || OpenOptions::new().write(true).open(pipe));
    let _writer = writer.await.unwrap().unwrap();
    set.signal("TERM").await;
    let ran = set.ended().await;
    assert_eq!(ran.code, 143, "{ran:?}");
    assert_eq!(sandbox.ledger().requests().len(), 0);
}

#[tokio::test]
async fn an_interrupted_demo_leaves_nothing_behind() {
    let mut home = Home::new();
    let temporary = home.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    home.set("TMPDIR", temporary.to_str().unwrap());
    let mut demo = home.start(&["demo"]);
    demo.until_stdout("sandbox").await.unwrap();
    demo.signal("INT").await;
    let ran = demo.ended().await;
    assert!([0, 130].contains(&ran.code), "{ran:?}");
    assert_eq!(std::fs::read_dir(temporary).unwrap().count(), 0);
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_no_panic() {
    let (home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    for arguments in [
        &["mappings"][..],
        &["mappings", "--json"],
        &["--help"],
        &["completions", "bash"],
        &["instances", "token", &id],
        &["instances", "call", &id, "/v1/account/profile"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let child = home.command(arguments).stdout(full).spawn().unwrap();
        let output = child.wait_with_output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(
            stderr.contains("can't write to standard output"),
            "{arguments:?}: {stderr}"
        );
    }
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut failing = home.command(&["--log", "trace", "instances", "show", "1"]);
    let failed = failing
        .stdout(full())
        .stderr(full())
        .status()
        .await
        .unwrap();
    assert_eq!(failed.code(), Some(1), "nobody to tell");
}

#[tokio::test]
async fn a_reader_who_has_gone_away_is_no_error() {
    let home = Home::new();
    for arguments in [
        &["completions", "bash"][..],
        &["mappings"],
        &["providers", "show", "keap", "--json"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = home.command(arguments).stdout(Stdio::from(writer)).spawn();
        let output = child.unwrap().wait_with_output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), &*stderr),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}
