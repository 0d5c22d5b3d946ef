//! What programs read, and what others' texts do to a terminal: nothing.

use serde_json::Value;

use crate::home::Home;

/// Every line of standard error as JSON.
fn objects(stderr: &str) -> Vec<Value> {
    let objects = stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")));
    objects.collect()
}

#[tokio::test]
async fn a_script_can_connect_an_account() {
    let (home, sandbox) = Home::with_sandbox().await;
    let mut connect = home.start(&["connect", "infusionsoft", "--no-browser", "--json"]);
    let first = connect.until_stdout("").await.unwrap();
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["redirect_uri"], "https://localhost:8917/callback");
    assert!(first["expires_at"].is_string(), "{first}");
    let url = first["authorization_url"].as_str().unwrap();
    let callback = sandbox.consent(url).await.unwrap();
    connect.type_in(&callback).await;
    let ran = connect.end().await.ok();
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
    assert_eq!(ran.last_line()["status"], "ok");
    let notices = objects(&ran.stderr);
    assert!(
        notices.len() > 2 && notices.iter().all(|object| object["notice"].is_string()),
        "{notices:?}"
    );
}

#[tokio::test]
async fn errors_are_objects_whoever_finds_them() {
    let home = Home::new();
    for arguments in [
        &["instances", "token", "abc", "--json"][..],
        &["--json", "providres"],
        &["connect", "infusionsoft", "--json", "--callback-port", "x"],
    ] {
        let ran = home.run(arguments).await;
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
        let objects = objects(&ran.stderr);
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0]["exit_code"], 2);
        let text = objects[0]["error"].as_str().unwrap();
        assert!(
            !text.starts_with("error") && !text.contains('\u{1b}'),
            "{text}"
        );
    }
    let ran = home.run(&["apps", "delete", "4711", "--json"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = objects(&ran.stderr);
    let error = &told.last().unwrap()["error"];
    assert_eq!(
        error,
        "there is no app 4711: `tieline apps list` shows them"
    );
    let help = home.run(&["--json", "--help"]).await.ok();
    assert!(help.stdout.contains("Usage:"));
}

#[tokio::test]
async fn an_app_shows_its_parameters_by_name() {
    let home = Home::new();
    let created = home
        .run(&[
            "apps",
            "create",
            "keap",
            "--json",
            "--set",
            "oauth.api.key=me",
        ])
        .await
        .ok();
    assert_eq!(
        created.json()["parameters"],
        serde_json::json!({ "oauth.api.key": "me" })
    );
    let id = created.json()["id"].to_string();
    let typed = home
        .run(&["apps", "set", &id, "--set", "oauth.api.secret=typed"])
        .await;
    assert!(
        typed.stderr.contains(
            "use --set-file oauth.api.secret=FILE, or --set-file oauth.api.secret=- for standard input"
        ),
        "{}",
        typed.stderr
    );
    home.run(&["apps", "delete", &id]).await.ok();
}

#[tokio::test]
async fn names_do_not_reach_the_terminal_raw() {
    const HOSTILE: &str = "\u{1b}[2J\nBooks\u{202e}";
    // A name stands on one line, and no terminal obeys it.
    const TWISTED: &str = "Books\u{202e}";
    let (home, sandbox) = Home::with_sandbox().await;
    let connected = home
        .connect(&["--name", TWISTED], async |url| {
            sandbox.consent(&url).await.unwrap()
        })
        .await
        .ok();
    let created = home
        .run(&["apps", "create", "infusionsoft", "--name", TWISTED])
        .await
        .ok();
    let listed = home.run(&["instances", "list"]).await.ok();
    let apps = home.run(&["apps", "list"]).await.ok();
    let refused = home
        .run(&["instances", "list", "--provider", HOSTILE])
        .await;
    let twice = home
        .run(&["apps", "create", "infusionsoft", "--name", TWISTED])
        .await;
    for ran in [connected, created, listed, apps, refused, twice] {
        let text = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{text:?}");
        assert!(text.contains("Books"), "{text}");
        if ran.code == 0 {
            assert!(text.contains(r"Books\u{202e}"), "{text}");
        }
    }
    let exact = home.run(&["instances", "list", "--json"]).await.ok().json();
    assert_eq!(exact[0]["name"], TWISTED);
    for command in [&["connect"][..], &["apps", "create"]] {
        let command = [command, &["infusionsoft", "--name", HOSTILE]].concat();
        let refused = home.run(&command).await;
        assert_eq!(refused.code, 1);
        assert!(
            refused.stderr.contains("name is 1 to 200 characters"),
            "{}",
            refused.stderr
        );
    }
}

#[tokio::test]
async fn adopting_does_not_ask_for_adoption() {
    let (mut home, sandbox) = Home::with_sandbox().await;
    home.connected(&sandbox).await;
    home.set("TIELINE_DEPLOYMENT", "other");
    let before = home.run(&["apps", "list"]).await.ok();
    assert!(before.stderr.contains("tieline adopt"), "{}", before.stderr);
    let adopted = home.run(&["adopt"]).await.ok();
    assert_eq!(adopted.stderr, "");
}
