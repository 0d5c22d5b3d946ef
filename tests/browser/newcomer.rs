//! A newcomer tries `tieline serve --sandbox`: an account is connected, called and disconnected, with nothing but the pages.

use std::process::Stdio;

use serde_json::Value;
use tieline_tests::chromium::{Window, in_every_mode};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::scene::{consent, sign_in};

/// The program, as somebody runs it who has just built it.
struct Server {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    base: String,
    key: String,
}

impl Server {
    async fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tieline-under-test"))
            .args(["serve", "--sandbox", "--json", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = next(&mut lines).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            base: text(&ready["public_url"]),
            key: text(&ready["tried"]["api_key"]),
            process,
            lines,
        }
    }

    /// Ends it as Ctrl-C does; returns what the provider's ledger says.
    async fn end(mut self) -> Value {
        let id = self.process.id().unwrap().to_string();
        let kill = Command::new("kill").args(["-INT", &id]).status().await;
        assert!(kill.unwrap().success());
        let told = next(&mut self.lines).await;
        assert!(self.process.wait().await.unwrap().success());
        told["ledger"].clone()
    }
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Value {
    let line = lines.next_line().await.unwrap();
    serde_json::from_str(&line.unwrap()).unwrap()
}

#[tokio::test]
async fn a_newcomer_clicks_through_the_whole_story() {
    in_every_mode(async |window| {
        let server = Server::start().await;
        shop(&server, window).await;
        account(&server, window).await;
        let ledger = server.end().await;
        assert_eq!(ledger["consents"], 1, "{ledger}");
        assert_eq!(ledger["exchanges"], 1, "{ledger}");
        assert_eq!(ledger["refreshes"], 1, "{ledger}");
    })
    .await;
}

/// As the customer of an application.
async fn shop(server: &Server, window: &Window) {
    window.goto(&format!("{}/host", server.base)).await;
    window.see("You are signed in as Ada").await;
    window.look("newcomer-shop").await;
    window.press("Connect Infusionsoft").await;
    window.see("asks to use your").await;
    window.look("newcomer-link").await;
    window.press("Continue to Infusionsoft").await;
    consent(window, "ada").await;
    window.see("The shop may use Ada's account now").await;
    window.look("newcomer-connected").await;
}

/// As whoever runs the application.
async fn account(server: &Server, window: &Window) {
    window.follow("See the account").await;
    sign_in(window, &server.key).await;
    window.see("What happened").await;
    window.press("Call").await;
    window.see("The answer 200").await;
    window.see("of 1,500").await;
    window.press("Refresh now").await;
    window.see("The tokens are refreshed").await;
    window.look("newcomer-account").await;
    window.follow("Providers").await;
    window.look("newcomer-providers").await;
    window.follow("Infusionsoft REST").await;
    window.look("newcomer-provider").await;
    window.follow("The shop").await;
    window.look("newcomer-app").await;
    window.follow("its accounts").await;
    window.look("newcomer-accounts").await;
    window.follow("Home").await;
    window.look("newcomer-home").await;
    window.follow("Accounts").await;
    window.follow("ada@example.com").await;
    window.follow("Disconnect …").await;
    window.press("Disconnect").await;
    window.see("The account is disconnected.").await;
}
