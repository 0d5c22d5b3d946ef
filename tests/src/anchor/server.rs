//! The process of an anchor server: what it registered, its ledger, and the person who consents there.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::Deserialize;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::{Mutex, watch},
    task::JoinHandle,
    time::timeout,
};
use url::Url;

use super::AnchorError;
use crate::browser::Browser;

/// A server that says nothing for this long has failed; nothing waits for it to pass.
const LAST_RESORT: Duration = Duration::from_secs(60);

/// A client that the server knows. Its credentials are fixtures, and need form-encoding before Basic.
#[derive(Debug, Clone, Deserialize)]
pub struct RegisteredClient {
    /// The client identifier.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
    /// `client_secret_basic` or `client_secret_post`.
    pub token_endpoint_auth_method: String,
}

/// A server on a loopback port of its own, running until it is dropped.
///
/// It writes a JSON object a line to stdout: first `ready`, then its events; and it gives back lines of text on stdin as
/// `mark`s, after everything it has logged before.
#[derive(Debug)]
pub struct AnchorServer {
    issuer: Url,
    clients: Vec<RegisteredClient>,
    ledger: watch::Receiver<Ledger>,
    marks: Mutex<Marks>,
    stderr: Mutex<JoinHandle<String>>,
    _server: Child,
}

impl AnchorServer {
    /// Starts the server and waits until it listens. `cure` says who installs its program.
    pub(super) async fn start(
        command: &mut Command,
        cure: &'static str,
    ) -> Result<Self, AnchorError> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut server = command.spawn().map_err(|source| AnchorError::Start {
            program: command.as_std().get_program().to_owned(),
            source,
            cure,
        })?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (
            server.stdin.take(),
            server.stdout.take(),
            server.stderr.take(),
        ) else {
            return Err(AnchorError::Ended {
                stderr: String::new(),
            });
        };

        let (writer, ledger) = watch::channel(Ledger::default());
        tokio::spawn(keep_ledger(stdout, writer));
        let mut started = Self {
            issuer: Url::parse("http://127.0.0.1")?,
            clients: Vec::new(),
            ledger,
            marks: Mutex::new(Marks { stdin, last: 0 }),
            stderr: Mutex::new(tokio::spawn(read_all(stderr))),
            _server: server,
        };
        let ready = started.until(|ledger| ledger.ready.is_some()).await?.ready;
        let ready: Ready = serde_json::from_value(ready.unwrap_or_default())?;
        started.issuer = ready.issuer;
        started.clients = ready.clients;
        Ok(started)
    }

    /// The issuer, as an authorization server's metadata and `iss` spell it: without a slash at the end.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.issuer.as_str().trim_end_matches('/')
    }

    /// An address on the server's origin, of a path such as `/token`.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.issuer.origin().ascii_serialization())
    }

    /// The client that authenticates in this way: `client_secret_basic` or `client_secret_post`.
    #[must_use]
    pub fn client(&self, token_endpoint_auth_method: &str) -> Option<&RegisteredClient> {
        self.clients
            .iter()
            .find(|client| client.token_endpoint_auth_method == token_endpoint_auth_method)
    }

    /// Registers where clients may be sent back to, besides those that there are.
    ///
    /// # Errors
    /// When the server has ended, or takes no more.
    pub async fn register(&self, redirect_uri: &str) -> Result<(), AnchorError> {
        let mut marks = self.marks.lock().await;
        let line = format!("{redirect_uri}\n");
        if marks.stdin.write_all(line.as_bytes()).await.is_err() {
            return Err(self.ended().await);
        }
        drop(marks);
        let is_told = |ledger: &Ledger| ledger.marked.iter().any(|text| text == redirect_uri);
        self.until(is_told).await.map(drop)
    }

    /// Everything the server has logged, oldest first.
    ///
    /// Complete for every answer that was received before the call. Each entry has an `event`: see the server's source.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn log(&self) -> Result<Vec<Value>, AnchorError> {
        let mut marks = self.marks.lock().await;
        marks.last += 1;
        let mark = marks.last;
        let line = format!("{mark}\n");
        if marks.stdin.write_all(line.as_bytes()).await.is_err() {
            return Err(self.ended().await);
        }
        Ok(self.until(|ledger| ledger.mark >= mark).await?.events)
    }

    /// How often the server has logged `event`, for this `grant_type` if one is given.
    ///
    /// # Errors
    /// When the server has ended.
    pub async fn count(&self, event: &str, grant_type: Option<&str>) -> Result<usize, AnchorError> {
        let log = self.log().await?;
        Ok(log
            .iter()
            .filter(|entry| entry["event"] == event)
            .filter(|entry| grant_type.is_none_or(|wanted| entry["grant_type"] == wanted))
            .count())
    }

    /// Waits until the log satisfies the condition, and returns it.
    ///
    /// # Errors
    /// When the server ends first, or nothing happens for a minute.
    pub async fn wait_for(
        &self,
        mut condition: impl FnMut(&[Value]) -> bool,
    ) -> Result<Vec<Value>, AnchorError> {
        Ok(self.until(|ledger| condition(&ledger.events)).await?.events)
    }

    /// Plays a person who signs in and consents; returns the callback URL that the browser is sent to.
    ///
    /// # Errors
    /// When the server shows an error page instead.
    pub async fn consent(&self, authorization_url: &str) -> Result<Url, AnchorError> {
        let mut browser = Browser::new(&self.issuer)?;
        Ok(browser.consent(Url::parse(authorization_url)?).await?)
    }

    /// Plays a person who turns the request down; returns the callback URL that the browser is sent to.
    ///
    /// # Errors
    /// When the server shows an error page instead.
    pub async fn deny(&self, authorization_url: &str) -> Result<Url, AnchorError> {
        let mut browser = Browser::new(&self.issuer)?;
        Ok(browser.deny(Url::parse(authorization_url)?).await?)
    }

    async fn until(
        &self,
        mut condition: impl FnMut(&Ledger) -> bool,
    ) -> Result<Ledger, AnchorError> {
        let mut ledger = self.ledger.clone();
        let found = timeout(LAST_RESORT, async {
            let found = ledger.wait_for(|ledger| condition(ledger)).await;
            found.map(|ledger| ledger.clone()).ok()
        });
        match found.await {
            Ok(Some(ledger)) => Ok(ledger),
            Ok(None) => Err(self.ended().await),
            Err(_) => Err(AnchorError::Silent {
                log: self.ledger.borrow().events.clone(),
            }),
        }
    }

    async fn ended(&self) -> AnchorError {
        let mut stderr = self.stderr.lock().await;
        let stderr = match timeout(LAST_RESORT, &mut *stderr).await {
            Ok(Ok(stderr)) => stderr,
            Ok(Err(_)) | Err(_) => String::new(),
        };
        AnchorError::Ended { stderr }
    }
}

#[derive(Debug, Clone, Default)]
struct Ledger {
    ready: Option<Value>,
    events: Vec<Value>,
    mark: u64,
    /// What came back that is no number.
    marked: Vec<String>,
}

/// Lines sent to the server, which come back after everything it has logged before.
#[derive(Debug)]
struct Marks {
    stdin: ChildStdin,
    last: u64,
}

#[derive(Deserialize)]
struct Ready {
    issuer: Url,
    clients: Vec<RegisteredClient>,
}

/// What `cargo xtask test` tells the tests about their tools.
#[expect(
    clippy::disallowed_methods,
    reason = "it says where the test's tools are, and is no parameter of the product"
)]
pub(super) fn tool(variable: &str) -> Option<OsString> {
    std::env::var_os(variable)
}

/// The folder of the repository that holds this anchor's server.
pub(super) fn source_folder(anchor: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("anchors")
        .join(anchor)
}

/// Ends, and with it every wait, when the server does.
async fn keep_ledger(stdout: ChildStdout, ledger: watch::Sender<Ledger>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let entry = serde_json::from_str(&line)
            .unwrap_or_else(|_| serde_json::json!({ "event": "unreadable", "line": line }));
        ledger.send_modify(|ledger| match entry["event"].as_str() {
            Some("ready") => ledger.ready = Some(entry),
            Some("mark") => {
                let text = entry["text"].as_str().unwrap_or_default();
                match text.parse() {
                    Ok(mark) => ledger.mark = mark,
                    Err(_) => ledger.marked.push(text.to_owned()),
                }
            }
            _ => ledger.events.push(entry),
        });
    }
}

async fn read_all(mut stderr: ChildStderr) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is still worth showing.
    let _ = stderr.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
