//! What `tieline doctor` finds, the same whether it opens the store itself or a server holds it; and that it tells no secret.

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tieline_sandbox::Sandbox;

use crate::home::Home;
use crate::serve::stopped;

/// A client secret that is not the app's, nor for anybody's eyes.
const CANARY: &str = "CANARY-not-the-secret";

/// What must not be seen anywhere.
fn secrets(sandbox: &Sandbox) -> Vec<String> {
    let ledger = sandbox.ledger();
    let known = ledger
        .secrets()
        .chain([sandbox.client().1, CANARY])
        .map(str::to_owned);
    known.collect()
}

/// What the doctor says and how it ends, without what differs from run to run.
async fn says(home: &Home, secrets: &[String], arguments: &[&str]) -> String {
    let ran = home.run(&[&["doctor"], arguments].concat()).await;
    let text = format!("{}{}exit code {}", ran.stdout, ran.stderr, ran.code);
    for secret in secrets {
        assert!(!text.contains(secret.as_str()), "{text}");
    }
    text.replace(home.path().to_str().unwrap(), "HOME")
}

/// Asks the doctor with the store closed, and then through the socket of a server that holds it: one answer.
async fn says_both_ways(home: &Home, secrets: &[String], arguments: &[&str]) -> String {
    let here = says(home, secrets, arguments).await;
    let (server, _) = home.serve(&[]).await;
    let there = says(home, secrets, arguments).await;
    stopped(server).await;
    assert_eq!(here, there);
    here
}

macro_rules! assert_says {
    ($name:literal, $said:expr) => {{
        let said = $said;
        insta::with_settings!({ filters => vec![
            (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
            (r"127\.0\.0\.1:\d+", "SANDBOX"),
            (r"\b\d{11,19}\b", "ID"),
            (r"process \d+", "process PID"),
            (r"\b[0-9a-f]{16,64}\b", "FINGERPRINT"),
        ]}, { insta::assert_snapshot!($name, said); });
    }};
}

#[tokio::test]
async fn all_is_well_and_nothing_is_made_where_there_is_nothing() {
    let (home, sandbox) = Home::with_sandbox().await;
    assert_says!("nothing_there", says(&home, &[], &[]).await);
    assert!(!home.data_dir().exists() && !home.master_key().exists());
    home.connected(&sandbox).await;
    let secrets = secrets(&sandbox);
    assert_says!("all_is_well", says_both_ways(&home, &secrets, &[]).await);
    let offline = ["--offline"];
    assert_says!("offline", says_both_ways(&home, &secrets, &offline).await);
}

#[tokio::test]
async fn a_wrong_client_secret_is_the_apps_trouble() {
    let (mut home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    home.set("INFUSIONSOFT_OAUTH_API_SECRET", CANARY);
    let refused = home.run(&["instances", "refresh", &id]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    let secrets = secrets(&sandbox);
    assert_says!("wrong_secret", says_both_ways(&home, &secrets, &[]).await);
    home.variables.remove("INFUSIONSOFT_OAUTH_API_SECRET");
    let said = says_both_ways(&home, &secrets, &[]).await;
    assert_says!("no_secret", said);
}

#[tokio::test]
async fn a_person_is_needed() {
    let (home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    let ledger = sandbox.ledger();
    for secret in ledger.secrets() {
        if ledger.is_current_refresh_token(secret) {
            sandbox.revoke_grant(secret);
        }
    }
    let refused = home.run(&["instances", "refresh", &id]).await;
    assert_eq!(refused.code, 4, "{refused:?}");
    let secrets = secrets(&sandbox);
    assert_says!("a_person", says_both_ways(&home, &secrets, &[]).await);
    let ran = home.run(&["doctor", "--json"]).await;
    let told = ran.json();
    assert_eq!((ran.code, &told["trouble"]), (4, &"reconnect".into()));
    let first = &told["findings"][0];
    assert_eq!(
        (&first["area"], &first["state"]),
        (&"instance".into(), &"wrong".into())
    );
    assert_eq!(first["instance"].to_string(), id);
    assert_eq!(ran.stderr, "");
}

#[tokio::test]
async fn tokens_that_do_not_open() {
    let (home, sandbox) = Home::with_sandbox().await;
    let id = home.connected(&sandbox).await;
    let options = SqliteConnectOptions::new().filename(home.data_dir().join("store.db"));
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("UPDATE instances SET access_token = zeroblob(80)")
        .execute(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();
    let refused = home.run(&["instances", "token", &id]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    let secrets = secrets(&sandbox);
    assert_says!("unreadable", says_both_ways(&home, &secrets, &[]).await);
}

#[tokio::test]
async fn a_restored_copy() {
    let (home, sandbox) = Home::with_sandbox().await;
    home.connected(&sandbox).await;
    home.run(&["backup", "copy.db"]).await.ok();
    home.run(&["restore", "copy.db", "--force"]).await.ok();
    let secrets = secrets(&sandbox);
    assert_says!("restored", says_both_ways(&home, &secrets, &[]).await);
    home.run(&["adopt"]).await.ok();
    home.run(&["doctor"]).await.ok();
}

#[tokio::test]
async fn a_provider_that_is_down() {
    let (home, sandbox) = Home::with_sandbox().await;
    home.connected(&sandbox).await;
    let secrets = secrets(&sandbox);
    sandbox.stop().await;
    assert_says!("provider_down", says_both_ways(&home, &secrets, &[]).await);
    home.run(&["doctor", "--offline"]).await.ok();
}

#[tokio::test]
async fn a_store_that_does_not_open() {
    let (home, sandbox) = Home::with_sandbox().await;
    home.connected(&sandbox).await;
    let secrets = secrets(&sandbox);
    let mut connect = home.start(&["connect", "infusionsoft", "--no-browser"]);
    connect.until_stderr("response_type=code").await.unwrap();
    assert_says!("locked", says(&home, &secrets, &[]).await);
    connect.end().await;

    let other = Home::new();
    other.run(&["apps", "list"]).await.ok();
    std::fs::remove_file(home.master_key()).unwrap();
    assert_says!("without_key", says(&home, &secrets, &[]).await);
    std::fs::copy(other.master_key(), home.master_key()).unwrap();
    assert_says!("wrong_key", says(&home, &secrets, &[]).await);
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let here = ["--data-dir", "file"];
    assert_says!("a_file", says(&home, &secrets, &here).await);
    std::fs::write(home.path().join("tieline.toml"), "[providers").unwrap();
    assert_says!("no_configuration", says(&home, &secrets, &[]).await);
}
