//! The guides do what they say: their commands are run as they stand there, by bash.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a command that can't be run is a failed test"
)]

#[expect(dead_code, reason = "it is also the home of other tests")]
#[path = "../cli/home.rs"]
mod home;

use std::net::TcpListener;
use std::path::Path;

use tokio::process::Command;

use crate::home::{Home, Ran};

/// Of a page in `docs`, the commands that are to be pasted, one below the other.
fn commands(page: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    let commands: String = blocks
        .map(|block| block.split_once("```").unwrap().0)
        .collect();
    assert!(!commands.is_empty(), "{page} has no commands");
    commands
}

/// Runs them in a home, where `tieline` is on the path; the first that fails ends it.
async fn run(home: &Home, commands: &str) -> Ran {
    let program = Path::new(env!("CARGO_BIN_EXE_tieline"));
    let folder = program.parent().unwrap().display();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", commands])
        .env_clear()
        .envs(&home.variables)
        .env("PATH", format!("{folder}:/usr/local/bin:/usr/bin:/bin"))
        .current_dir(home.path())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A port that nobody has, for the one in the page: others may run it at the same time.
fn on_a_free_port(commands: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    assert!(commands.contains("8080"), "{commands}");
    commands.replace("8080", &port)
}

#[tokio::test]
async fn curl_alone_connects_calls_and_disconnects() {
    let home = Home::new();
    // Whatever comes of it, no server stays.
    let commands = format!(
        "trap 'kill $TIELINE 2>/dev/null || true' EXIT\n{}",
        on_a_free_port(&commands("quick-start-curl.md"))
    );
    let ran = run(&home, &commands).await.ok();
    let told = &ran.stdout;
    for expected in [
        "\"confirm_url\":\"http://127.0.0.1:",
        "/host/confirm?authorization=",
        "\"account_label\":\"ada@example.com\"",
        "\"name\":\"Analytical Engines\"",
        "\"generation\":2",
        "\"type\":\"urn:tieline:problem:no-such-instance\"",
        "Continue to Infusionsoft</button>",
        "\"revocation\":\"not_offered\"",
        "\"kind\":\"instance.deleted\"",
    ] {
        assert!(told.contains(expected), "{expected}: {ran:?}");
    }
    // The health check at the connecting, and two calls; the link's consent nobody gave.
    assert_eq!(
        told.lines().last(),
        Some("The sandbox's ledger: consents 1, exchanges 1, refreshes 1, calls 3."),
        "{ran:?}"
    );
}

#[tokio::test]
async fn an_operator_backs_up_and_rotates_while_the_server_works() {
    let (mut home, sandbox) = Home::with_sandbox().await;
    let folder = |name: &str| home.path().join(name).display().to_string();
    let places = [
        ("/var/lib/tieline", folder("lib")),
        ("/var/backups/tieline", folder("backups")),
        ("/etc/tieline", folder("etc")),
    ];
    std::fs::create_dir(&places[2].1).unwrap();
    home.set("TIELINE_DATA_DIR", &places[0].1);
    home.set(
        "TIELINE_MASTER_KEY_FILE",
        &format!("{}/master.key", places[2].1),
    );
    let id = home.connected(&sandbox).await;
    let (server, ready) = home.serve(&["--listen", "127.0.0.1:0"]).await;
    let public = format!("http://{}", ready["listen"].as_str().unwrap());
    let places = places
        .iter()
        .map(|(place, here)| (*place, here.as_str()))
        .chain([("https://connect.example.com", public.as_str())]);
    let commands = places.fold(commands("operating.md"), |text, (place, here)| {
        assert!(text.contains(place), "{place}");
        text.replace(place, here)
    });
    // What the server has at hand is not the command's.
    let secrets: Vec<_> = home.variables.keys().cloned().collect();
    let there = Home::new();
    assert!(secrets.iter().any(|name| name.ends_with("_SECRET")));
    let ran = run(&there, &commands).await.ok();
    assert!(
        ran.stdout.contains("\"oauth.api.secret\":\"[redacted]\""),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains("are sealed with data key 2."),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("master-2.key (new)"), "{ran:?}");
    server.signal("TERM").await;
    server.ended().await.ok();

    // The next start finds the new master key, the account is whole, and the backup opens with the old key.
    home.run(&["instances", "refresh", &id]).await.ok();
    assert_eq!(sandbox.ledger().refreshes(), 1);
    let etc = home.path().join("etc");
    assert_ne!(
        std::fs::read(etc.join("master.key")).unwrap(),
        std::fs::read(etc.join("master-1.key")).unwrap()
    );
    let backup = std::fs::read_dir(home.path().join("backups"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let backup = backup.path().display().to_string();
    let restored = home.path().join("restored").display().to_string();
    home.set("TIELINE_DATA_DIR", &restored);
    home.set(
        "TIELINE_MASTER_KEY_FILE",
        &etc.join("master-1.key").display().to_string(),
    );
    home.run(&["restore", &backup]).await.ok();
    home.run(&["adopt"]).await.ok();
    let shown = home.run(&["instances", "show", &id, "--json"]).await.ok();
    assert_eq!(shown.json()["instance"]["status"], "ok", "{shown:?}");
}
