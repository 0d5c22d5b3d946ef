//! Starts anchor servers (authorization servers that nobody here wrote) and reads their ledgers.

use std::{
    ffi::OsString,
    fmt, io,
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

use crate::browser::{Browser, BrowserError};

/// A server that says nothing for this long has failed; nothing waits for it to pass.
const LAST_RESORT: Duration = Duration::from_secs(60);

/// How an [`OidcProvider`] is started.
#[derive(Debug, Clone)]
pub struct OidcProviderOptions {
    /// Where the server may send the browser back to, compared as exact strings.
    ///
    /// Default: `http://127.0.0.1:8917/callback`.
    pub redirect_uris: Vec<String>,
    /// How long an access token lives, in whole seconds of the machine's clock, at least one. Default: an hour.
    pub access_token_ttl: Duration,
}

impl Default for OidcProviderOptions {
    fn default() -> Self {
        Self {
            redirect_uris: vec!["http://127.0.0.1:8917/callback".to_owned()],
            access_token_ttl: Duration::from_secs(3600),
        }
    }
}

/// A client that the server knows. Its credentials are fixtures, and need form-encoding before Basic.
#[derive(Debug, Clone, Deserialize)]
pub struct RegisteredClient {
    /// The client identifier.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
    /// `client_secret_basic` or `client_secret_post`: the server refuses the other one.
    pub token_endpoint_auth_method: String,
}

/// The npm package `oidc-provider`, running on a loopback port of its own until it is dropped.
///
/// It requires PKCE, rotates refresh tokens, revokes the whole grant when one is used twice, and sends `iss` in
/// authorization responses. Refresh tokens are only given for scope `offline_access` with `prompt=consent`.
#[derive(Debug)]
pub struct OidcProvider {
    issuer: Url,
    clients: Vec<RegisteredClient>,
    ledger: watch::Receiver<Ledger>,
    marks: Mutex<Marks>,
    stderr: Mutex<JoinHandle<String>>,
    _server: Child,
}

impl OidcProvider {
    /// Starts the server and waits until it listens.
    ///
    /// Node is the program that the environment variable `TIELINE_TEST_NODE` names, else `node` on the `PATH`.
    ///
    /// # Errors
    /// When Node or the npm packages are missing, or the server ends instead of listening.
    pub async fn start(options: OidcProviderOptions) -> Result<Self, AnchorError> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("anchors/oidc-provider");
        if !folder.join("node_modules/oidc-provider").is_dir() {
            return Err(AnchorError::PackagesMissing { folder });
        }
        let node = node();
        let mut command = Command::new(&node);
        command
            .arg("server.mjs")
            .arg(format!(
                "--access-token-ttl={}",
                options.access_token_ttl.as_secs()
            ))
            .args(
                options
                    .redirect_uris
                    .iter()
                    .map(|uri| format!("--redirect-uri={uri}")),
            )
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut server = command
            .spawn()
            .map_err(|source| AnchorError::Node { node, source })?;
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
        let mut provider = Self {
            issuer: Url::parse("http://127.0.0.1")?,
            clients: Vec::new(),
            ledger,
            marks: Mutex::new(Marks { stdin, last: 0 }),
            stderr: Mutex::new(tokio::spawn(read_all(stderr))),
            _server: server,
        };
        let ready = provider.until(|ledger| ledger.ready.is_some()).await?.ready;
        let ready: Ready = serde_json::from_value(ready.unwrap_or_default())?;
        provider.issuer = ready.issuer;
        provider.clients = ready.clients;
        Ok(provider)
    }

    /// The issuer, as an authorization server's metadata and `iss` spell it: without a slash at the end.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.issuer.as_str().trim_end_matches('/')
    }

    /// An endpoint of the server, such as `/auth`, `/token`, `/token/revocation`, `/token/introspection`, `/me`.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    /// The client that must authenticate in this way: `client_secret_basic` or `client_secret_post`.
    #[must_use]
    pub fn client(&self, token_endpoint_auth_method: &str) -> Option<&RegisteredClient> {
        self.clients
            .iter()
            .find(|client| client.token_endpoint_auth_method == token_endpoint_auth_method)
    }

    /// Everything the server has logged, oldest first.
    ///
    /// Complete for every answer that was received before the call. Each entry has an `event`: see `server.mjs`.
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

/// Why an anchor server can't be used.
#[derive(thiserror::Error)]
pub enum AnchorError {
    /// The npm packages are not installed.
    #[error("{folder:?} has no node_modules: `cargo xtask test` installs them")]
    PackagesMissing {
        /// The package's folder.
        folder: PathBuf,
    },
    /// Node can't be run.
    #[error(
        "can't run {node:?}: {source}; `cargo xtask test` finds or installs Node and names it to the tests in TIELINE_TEST_NODE"
    )]
    Node {
        /// The program.
        node: OsString,
        /// What the system said.
        source: io::Error,
    },
    /// The server's process is over.
    #[error("the anchor server ended; it wrote: {stderr}")]
    Ended {
        /// What it wrote to stderr.
        stderr: String,
    },
    /// The server runs, but what was waited for did not happen.
    #[error("what was waited for is not in the anchor server's log: {log:?}")]
    Silent {
        /// The log.
        log: Vec<Value>,
    },
    /// The first line the server wrote is not what it should be.
    #[error("the anchor server's first line can't be read: {0}")]
    Ready(#[from] serde_json::Error),
    /// The given address is none.
    #[error("not a URL: {0}")]
    Url(#[from] url::ParseError),
    /// Sign-in or consent failed.
    #[error(transparent)]
    Browser(#[from] BrowserError),
}

/// As for people: it is what `unwrap` shows in a failed test.
impl fmt::Debug for AnchorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Debug, Clone, Default)]
struct Ledger {
    ready: Option<Value>,
    events: Vec<Value>,
    mark: u64,
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

#[expect(
    clippy::disallowed_methods,
    reason = "it says where the test's tools are, and is no parameter of the product"
)]
fn node() -> OsString {
    std::env::var_os("TIELINE_TEST_NODE").unwrap_or_else(|| "node".into())
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
                let mark = entry["text"].as_str().and_then(|text| text.parse().ok());
                ledger.mark = mark.unwrap_or(ledger.mark);
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
