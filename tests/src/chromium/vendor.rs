//! Commands that the WebDriver standard does not have, or fantoccini does not.

use fantoccini::Client;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

/// A command of Chromium's own, such as `Page.captureScreenshot` (Chrome DevTools Protocol).
pub(super) async fn devtools(
    client: &Client,
    command: &str,
    parameters: Value,
) -> Result<Value, CmdError> {
    let body = json!({ "cmd": command, "params": parameters });
    post(client, "goog/cdp/execute", body).await
}

/// What was written to the console since the last time.
pub(super) async fn log(client: &Client) -> Result<Value, CmdError> {
    post(client, "se/log", json!({ "type": "browser" })).await
}

/// A command without parameters, below the session.
pub(super) async fn get(client: &Client, path: &str) -> Result<Value, CmdError> {
    let command = Command {
        path: path.to_owned(),
        body: None,
    };
    client.issue_cmd(command).await
}

async fn post(client: &Client, path: &str, body: Value) -> Result<Value, CmdError> {
    let command = Command {
        path: path.to_owned(),
        body: Some(body),
    };
    client.issue_cmd(command).await
}

#[derive(Debug)]
struct Command {
    /// Below the session.
    path: String,
    body: Option<Value>,
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.path
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        match &self.body {
            Some(body) => (Method::POST, Some(body.to_string())),
            None => (Method::GET, None),
        }
    }
}
