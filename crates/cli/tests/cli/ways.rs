//! Accounts that are connected without a browser that comes back: with a key, and on another device.

use tieline_sandbox::Sandbox;

use crate::home::{Home, Ran, files};

const FRESHDESK: &str = include_str!("../../../../tests/vendors/freshdesk.json");
const GITHUB: &str = include_str!("../../../../tests/vendors/github.json");
const SLACK: &str = include_str!("../../../../tests/vendors/slack.json");
/// Ada's, as the rules have it.
const KEY: &str = "invented-key-of-ada-1815";

/// Connects Ada's helpdesk, with the key from a file.
async fn with_key(home: &Home, more: &[&str]) -> Ran {
    std::fs::write(home.path().join("key"), format!("{KEY}\n")).unwrap();
    let arguments = ["connect", "freshdesk", "--set-file", "api.key=key"];
    home.run(&[&arguments[..], more].concat()).await
}

/// Nothing that a command printed and nothing that lies in the data folder holds the key.
fn assert_hidden(home: &Home, runs: &[Ran]) {
    for ran in runs {
        assert!(!format!("{ran:?}").contains(KEY), "{ran:?}");
    }
    for path in files(&home.data_dir()) {
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes
            .windows(KEY.len())
            .any(|window| window == KEY.as_bytes());
        assert!(!found, "{}", path.display());
    }
}

#[tokio::test]
async fn a_key_connects_is_kept_sealed_and_can_be_given_again() {
    let (home, sandbox) = Home::at("freshdesk", FRESHDESK).await;
    let nothing = home.run(&["connect", "freshdesk"]).await;
    assert_eq!(nothing.code, 3, "{nothing:?}");
    let cure = "add to the command: --set subdomain=… --set-file api.key=FILE";
    assert!(nothing.stderr.contains(cure), "{}", nothing.stderr);

    connects_with_a_key(&home, &sandbox).await;
}

/// Ada's helpdesk, from connecting to the end of its key.
pub(crate) async fn connects_with_a_key(home: &Home, sandbox: &Sandbox) {
    let domain = ["--set", "subdomain=analytical-engines"];
    let mut runs = vec![
        with_key(home, &[&domain[..], &["--log", "trace"]].concat())
            .await
            .ok(),
    ];
    assert!(
        runs[0].stdout.contains("ada@example.com"),
        "{}",
        runs[0].stdout
    );
    let id = home.run(&["instances", "list", "--json"]).await.json()[0]["id"].to_string();
    for arguments in [
        &["instances", "check", &id][..],
        &["instances", "call", &id, "/api/v2/agents/me"],
        &["instances", "show", &id, "--json"],
    ] {
        runs.push(
            home.run(&[arguments, &["--log", "trace"]].concat())
                .await
                .ok(),
        );
    }
    assert_hidden(home, &runs);
    let list = home.run(&["instances", "list"]).await.ok().stdout;
    let heading = list.lines().next().unwrap();
    assert!(heading.ends_with("  EXPIRES"), "a key is no token: {list}");
    let access = "access      accepted by the provider\n";
    assert!(runs[1].stdout.ends_with(access), "{:?}", runs[1]);
    assert_eq!(
        runs[3].json()["instance"]["parameters"]["subdomain"],
        "analytical-engines"
    );

    let again = with_key(home, &["--instance", &id]).await.ok();
    assert!(
        again.stdout.contains(&id),
        "the helpdesk is known: {again:?}"
    );

    sandbox.end_keys();
    let dead = home.run(&["instances", "check", &id]).await;
    assert_eq!(dead.code, 4, "{dead:?}");
    let after = home.run(&["instances", "show", &id, "--json"]).await.json();
    assert_eq!(after["instance"]["status"], "reconnect_required", "{after}");
    assert!(
        dead.stderr
            .contains(&format!("tieline connect freshdesk --instance {id}")),
        "{dead:?}"
    );
}

#[tokio::test]
async fn a_key_that_the_operator_configured_connects_nobody() {
    let (mut home, sandbox) = Home::at("freshdesk", FRESHDESK).await;
    home.set("FRESHDESK_API_KEY", KEY);
    let connect = [
        "connect",
        "freshdesk",
        "--set",
        "subdomain=analytical-engines",
    ];
    let refused = home.run(&connect).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("api.key is missing"), "{refused:?}");
    assert_eq!(sandbox.ledger().requests().len(), 0);
    // The sandbox's address differs from run to run.
    home.variables.remove("FRESHDESK_BASE_URL");
    let explained = home.run(&["config", "explain", "freshdesk"]).await.ok();
    insta::assert_snapshot!(explained.stdout, @r"
    configuration file: none
    PARAMETER  CREDENTIAL       VALUE       WHERE FROM
    subdomain  Helpdesk domain  -           given when connecting, or set FRESHDESK_SUBDOMAIN
    api.key    API key          (unusable)  is given when connecting, and never before (environment variable FRESHDESK_API_KEY)
    base.url                    -           optional: FRESHDESK_BASE_URL
    ");
    assert_hidden(&home, &[refused, explained]);
    let mappings = home.run(&["mappings", "freshdesk", "--json"]).await.ok();
    let variables: Vec<_> = mappings
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["environment"].clone())
        .collect();
    assert_eq!(
        variables,
        [
            serde_json::json!("FRESHDESK_SUBDOMAIN"),
            serde_json::Value::Null
        ]
    );
    home.variables.remove("FRESHDESK_API_KEY");
    let explained = home.run(&["config", "explain", "freshdesk"]).await.ok();
    insta::assert_snapshot!(explained.stdout, @r"
    configuration file: none
    PARAMETER  CREDENTIAL       VALUE  WHERE FROM
    subdomain  Helpdesk domain  -      given when connecting, or set FRESHDESK_SUBDOMAIN
    api.key    API key          -      given when connecting
    base.url                    -      optional: FRESHDESK_BASE_URL
    ");
}

#[tokio::test]
async fn a_code_typed_on_another_device_connects_and_the_token_can_be_ended() {
    let (home, sandbox) = Home::at("github", &hasty(GITHUB)).await;
    connects_with_a_code(&home, &sandbox).await;
}

/// Without the pause between two polls: a real clock runs here, and it is not to be waited for.
pub(crate) fn hasty(rules: &str) -> String {
    let hasty = rules.replace("\"interval_seconds\": 5", "\"interval_seconds\": 0");
    assert_ne!(hasty, rules);
    hasty
}

/// An account, from the code to its end.
pub(crate) async fn connects_with_a_code(home: &Home, sandbox: &Sandbox) {
    let mut running = home.start(&["connect", "github", "--device", "--no-browser", "--json"]);
    let line = running.until_stdout("user_code").await.unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let code = told["user_code"].as_str().unwrap();
    sandbox.approve_device(code, None).unwrap();
    let ran = running.ended().await.ok();
    assert_eq!(ran.last_line()["status"], "ok", "{ran:?}");
    assert_eq!(sandbox.ledger().token_requests("authorization_code"), 0);
    let id = ran.last_line()["id"].to_string();
    home.run(&["instances", "check", &id]).await.ok();
    let token = home.run(&["instances", "token", &id]).await.ok().stdout;
    assert!(sandbox.ledger().is_live_access_token(token.trim()));
    let gone = home.run(&["instances", "disconnect", &id]).await.ok();
    assert!(gone.stdout.contains("revoked at the provider"), "{gone:?}");
    assert!(!sandbox.ledger().is_live_access_token(token.trim()));
}

/// Installs the app, and asks for tokens of Ada's own as well.
pub(crate) async fn installed(home: &Home, sandbox: &Sandbox) -> Ran {
    let mut running = home.start(&["connect", "slack", "--no-browser", "--json"]);
    let line = running.until_stdout("authorization_url").await.unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let url = told["authorization_url"].as_str().unwrap();
    running.type_in(&sandbox.consent(url).await.unwrap()).await;
    running.end().await.ok()
}

#[tokio::test]
async fn one_consent_that_brings_two_sets_of_tokens_makes_two_instances() {
    let (mut home, sandbox) = Home::at("slack", SLACK).await;
    let alone = installed(&home, &sandbox).await;
    assert_eq!(alone.last_line().get("beside"), None, "{alone:?}");

    home.set("SLACK_SLACK_USER_SCOPE", "users:read");
    let both = installed(&home, &sandbox).await.last_line();
    let second = both["beside"][0].to_string();
    let list = home.run(&["instances", "list", "--json"]).await.json();
    assert_eq!(list.as_array().map(Vec::len), Some(3), "{list}");
    for id in [both["id"].to_string(), second] {
        home.run(&["instances", "refresh", &id]).await.ok();
        home.run(&["instances", "check", &id]).await.ok();
    }
    assert_eq!(sandbox.ledger().refreshes(), 2);
}
