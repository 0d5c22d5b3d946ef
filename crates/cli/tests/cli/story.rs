//! Everyday use, from connecting to disconnecting, with the most talkative log; no secret shows anywhere.

use tieline_sandbox::Sandbox;

use crate::home::{Home, Ran, files};

const EVERYTHING: [&str; 2] = ["--log", "trace"];

/// Looks for every secret that the sandbox ever issued; shows what stands before it.
fn assert_no_secret(sandbox: &Sandbox, place: &str, bytes: &[u8]) {
    for secret in sandbox.ledger().secrets() {
        let found = bytes
            .windows(secret.len())
            .position(|window| window == secret.as_bytes());
        if let Some(at) = found {
            let before = String::from_utf8_lossy(&bytes[at.saturating_sub(200)..at]);
            panic!("a secret shows in {place}, after: {before}");
        }
    }
}

#[tokio::test]
async fn an_account_from_connecting_to_disconnecting() {
    let (mut home, sandbox) = Home::with_sandbox().await;
    home.set("TIELINE_LOG", "trace");
    let connected = home
        .connect(&["--name", "Books"], async |url| {
            sandbox.consent(&url).await.unwrap()
        })
        .await
        .ok();
    assert!(
        connected.stderr.contains("This is a new store."),
        "{}",
        connected.stderr
    );
    assert!(
        connected.stderr.contains("https://localhost:8917/callback"),
        "{}",
        connected.stderr
    );
    assert!(
        connected.stdout.contains("ada@example.com"),
        "{}",
        connected.stdout
    );
    // The address that was pasted back holds the code; the terminal echoes it, the program doesn't.
    let list = home.run(&["instances", "list", "--json"]).await.ok();
    let id = list.json()[0]["id"].to_string();
    assert_eq!(list.json()[0]["name"], "Books");

    let mut runs = vec![connected, list];
    for arguments in [
        &["instances", "check", &id][..],
        &["instances", "call", &id, "/v1/account/profile"],
        &["instances", "refresh", &id],
        &["instances", "show", &id],
        &["instances", "call", &id, "/v1/account/profile", "--json"],
        &["apps", "list"],
        &["keys", "rotate"],
        &["backup", "copy.db"],
        &["instances", "show", &id, "--json"],
        &["config", "explain", "infusionsoft"],
    ] {
        let ran = home.run(&[arguments, &EVERYTHING].concat()).await;
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        runs.push(ran);
    }
    let ledger = sandbox.ledger();
    assert_eq!((ledger.exchanges(), ledger.refreshes()), (1, 1));

    let token = home.run(&["instances", "token", &id]).await.ok();
    assert!(
        sandbox.ledger().is_live_access_token(token.stdout.trim()),
        "printed because it was asked for"
    );
    assert_no_secret(
        &sandbox,
        "the log of `instances token`",
        token.stderr.as_bytes(),
    );
    for Ran { stdout, stderr, .. } in &runs {
        assert_no_secret(&sandbox, "standard output", stdout.as_bytes());
        assert_no_secret(&sandbox, "the log", stderr.as_bytes());
    }
    assert!(
        runs.iter().any(|ran| ran.stderr.contains("TRACE")),
        "the log was not talkative"
    );
    for file in files(home.path()) {
        assert_no_secret(
            &sandbox,
            &file.display().to_string(),
            &std::fs::read(&file).unwrap(),
        );
    }

    let gone = home.run(&["instances", "disconnect", &id]).await.ok();
    assert!(
        gone.stdout.contains("the provider offers no revocation"),
        "{}",
        gone.stdout
    );
    let ran = home.run(&["instances", "show", &id]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
}

#[tokio::test]
async fn a_backup_brings_everything_back_once_it_is_adopted() {
    let (home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    home.run(&["backup", "copy.db"]).await.ok();
    let again = home.run(&["backup", "copy.db"]).await;
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    home.run(&["instances", "disconnect", &id]).await.ok();

    let refused = home.run(&["restore", "copy.db"]).await;
    assert_eq!(refused.code, 1);
    home.run(&["restore", "copy.db", "--force"]).await.ok();
    let listed = home.run(&["instances", "list"]).await.ok();
    assert!(listed.stdout.contains(&id), "{}", listed.stdout);
    assert!(listed.stderr.contains("tieline adopt"), "{}", listed.stderr);
    let refused = home.run(&["instances", "refresh", &id]).await;
    assert!(
        refused.code != 0 && refused.stderr.contains("adopted"),
        "{refused:?}"
    );
    home.run(&["adopt"]).await.ok();
    home.run(&["instances", "refresh", &id]).await.ok();
    assert_eq!(sandbox.ledger().refreshes(), 1);
}

#[tokio::test]
async fn a_rotated_master_key_is_the_only_one_that_opens() {
    let (mut home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    let rotated = home
        .run(&["keys", "rotate", "--master", "new.key"])
        .await
        .ok();
    assert!(
        rotated.stdout.contains(&format!(
            "TIELINE_MASTER_KEY_FILE={}",
            home.path().join("new.key").display()
        )),
        "{}",
        rotated.stdout
    );
    let refused = home.run(&["instances", "check", &id]).await;
    assert!(
        refused.code != 0 && refused.stderr.contains("master key"),
        "{refused:?}"
    );
    home.set("TIELINE_MASTER_KEY_FILE", "new.key");
    home.run(&["instances", "check", &id]).await.ok();
}

#[tokio::test]
async fn a_client_secret_is_rotated_in_one_place_and_never_typed() {
    let (mut home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    let secret = home
        .variables
        .remove("INFUSIONSOFT_OAUTH_API_SECRET")
        .unwrap();
    let missing = home.run(&["instances", "refresh", &id]).await;
    assert_eq!(missing.code, 3, "{missing:?}");
    assert!(
        missing.stderr.contains("oauth.api.secret is missing"),
        "{}",
        missing.stderr
    );

    let app = home.run(&["apps", "list", "--json"]).await.ok().json()[0]["id"].to_string();
    let typed = home
        .run(&["apps", "set", &app, "--set", "oauth.api.secret=typed"])
        .await;
    assert_eq!(typed.code, 2, "{typed:?}");
    std::fs::write(home.path().join("secret"), format!("{secret}\n")).unwrap();
    let set = home
        .run(&["apps", "set", &app, "--set-file", "oauth.api.secret=secret"])
        .await
        .ok();
    assert!(
        set.stdout.contains("[redacted]") && !set.stdout.contains(&secret),
        "{}",
        set.stdout
    );
    home.run(&["instances", "refresh", &id]).await.ok();
    assert_eq!(sandbox.ledger().refreshes(), 1);
}
