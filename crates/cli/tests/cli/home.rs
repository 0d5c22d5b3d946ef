//! A home folder of its own for each test, and the binary run inside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tieline::{ParameterKey, Registry};
use tieline_sandbox::{Sandbox, VendorRules};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// How Infusionsoft behaves.
pub(crate) const INFUSIONSOFT: &str = include_str!("../../../../tests/vendors/infusionsoft.json");
/// A command that takes so long hangs.
const LAST_RESORT: Duration = Duration::from_secs(60);

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The last line of standard output as JSON.
    pub(crate) fn last_line(&self) -> serde_json::Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails the test unless the run succeeded.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

/// A command that is under way.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
    seen: Ran,
}

/// A home folder, and the variables that a shell there would have.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
    pub(crate) variables: BTreeMap<String, String>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        Self {
            folder,
            variables: BTreeMap::from([("HOME".to_owned(), home)]),
        }
    }

    /// A home whose configuration puts a sandbox in Infusionsoft's place.
    pub(crate) async fn with_sandbox() -> (Self, Sandbox) {
        Self::with_sandbox_of(INFUSIONSOFT).await
    }

    /// The same, with other rules.
    pub(crate) async fn with_sandbox_of(rules: &str) -> (Self, Sandbox) {
        Self::at("infusionsoft", rules).await
    }

    /// A home whose configuration puts a sandbox in the place of this provider.
    pub(crate) async fn at(provider: &str, rules: &str) -> (Self, Sandbox) {
        let rules = VendorRules::from_json(rules).unwrap();
        let sandbox = Sandbox::start(rules, Arc::new(tieline::core::SystemClock))
            .await
            .unwrap();
        let mut home = Self::new();
        let (client_id, client_secret) = sandbox.client();
        let values = [
            (ParameterKey::OAUTH_API_KEY, client_id.to_owned()),
            (ParameterKey::OAUTH_API_SECRET, client_secret.to_owned()),
            (
                ParameterKey::OAUTH_AUTHORIZATION_URL,
                sandbox.authorization_endpoint(),
            ),
            (
                ParameterKey::OAUTH_DEVICE_AUTHORIZATION_URL,
                sandbox.device_endpoint().unwrap_or_default(),
            ),
            (ParameterKey::OAUTH_TOKEN_URL, sandbox.token_endpoint()),
            (
                ParameterKey::OAUTH_TOKEN_REVOKE_URL,
                sandbox.revocation_endpoint().unwrap_or_default(),
            ),
            (ParameterKey::BASE_URL, sandbox.api_base()),
        ];
        let registry = Registry::discover().unwrap();
        let descriptor = registry.provider(provider).unwrap().descriptor();
        for row in descriptor.parameters() {
            // A provider without OAuth takes few of them, and not every sandbox has them all.
            let known = values.iter().filter(|(_, value)| !value.is_empty());
            let mut known = known.filter(|(key, _)| *key == row.parameter);
            if let Some((key, value)) = known.next() {
                home.set(&key.environment_name(provider), value);
            }
        }
        (home, sandbox)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.path().join(".local/share/tieline")
    }

    pub(crate) fn master_key(&self) -> PathBuf {
        self.path().join(".config/tieline/master.key")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieline"));
        command
            .args(arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.path())
            .kill_on_drop(true);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().await.unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts a command, and leaves it running. Its standard input stays open.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Running {
            stdout: BufReader::new(child.stdout.take().unwrap()),
            stderr: BufReader::new(child.stderr.take().unwrap()),
            child,
            seen: Ran {
                code: -1,
                stdout: String::new(),
                stderr: String::new(),
            },
        }
    }

    /// Starts a server that holds the data folder, and returns once it says that it is ready, with what it says.
    pub(crate) async fn serve(&self, arguments: &[&str]) -> (Running, serde_json::Value) {
        let mut server = self.start(&[&["serve", "--json"], arguments].concat());
        let line = server.until_stdout("ready").await;
        let Some(line) = line else {
            panic!("{:?}", server.end().await);
        };
        (server, serde_json::from_str(&line).unwrap())
    }

    /// Runs `connect`, lets `browser` turn the authorization URL into the callback's address, and pastes that back.
    pub(crate) async fn connect(
        &self,
        arguments: &[&str],
        browser: impl AsyncFnOnce(String) -> String,
    ) -> Ran {
        let mut all = vec!["connect", "infusionsoft", "--no-browser"];
        all.extend(arguments);
        let mut running = self.start(&all);
        let url = if all.contains(&"--json") {
            let line = running.until_stdout("authorization_url").await;
            line.map(|line| {
                let line: serde_json::Value = serde_json::from_str(&line).unwrap();
                line["authorization_url"].as_str().unwrap().to_owned()
            })
        } else {
            let line = running.until_stderr("response_type=code").await;
            line.map(|line| line.trim().to_owned())
        };
        if let Some(url) = url {
            running.type_in(&browser(url).await).await;
        }
        running.end().await
    }

    /// Connects an account, and returns its instance's id.
    pub(crate) async fn connected(&self, sandbox: &Sandbox) -> String {
        let ran = self
            .connect(&["--json"], async |url| {
                sandbox.consent(&url).await.unwrap()
            })
            .await
            .ok();
        ran.last_line()["id"].to_string()
    }
}

impl Running {
    /// The next line of standard error that holds `text`; `None` when there is none.
    pub(crate) async fn until_stderr(&mut self, text: &str) -> Option<String> {
        until(&mut self.stderr, &mut self.seen.stderr, text).await
    }

    /// The next line of standard output that holds `text`; `None` when there is none.
    pub(crate) async fn until_stdout(&mut self, text: &str) -> Option<String> {
        until(&mut self.stdout, &mut self.seen.stdout, text).await
    }

    /// Types a line.
    pub(crate) async fn type_in(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
    }

    /// Sends a signal, such as `INT`.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Ends standard input, and waits for the end of the command.
    pub(crate) async fn end(mut self) -> Ran {
        drop(self.child.stdin.take());
        self.ended().await
    }

    /// Waits for the end of the command while its standard input stays open.
    pub(crate) async fn ended(self) -> Ran {
        tokio::time::timeout(LAST_RESORT, self.wait())
            .await
            .unwrap()
    }

    async fn wait(mut self) -> Ran {
        let Ran { stdout, stderr, .. } = &mut self.seen;
        let (read_out, read_err) = tokio::join!(
            self.stdout.read_to_string(stdout),
            self.stderr.read_to_string(stderr)
        );
        read_out.unwrap();
        read_err.unwrap();
        let stdin = self.child.stdin.take();
        let ended = self.child.wait().await.unwrap();
        drop(stdin);
        self.seen.code = ended.code().unwrap_or(-1);
        self.seen
    }
}

/// Reads lines into `seen` up to one that holds `text`.
async fn until(
    lines: &mut (impl AsyncBufRead + Unpin),
    seen: &mut String,
    text: &str,
) -> Option<String> {
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await.unwrap() == 0 {
            return None;
        }
        seen.push_str(&line);
        if line.contains(text) {
            return Some(line);
        }
    }
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path))
        } else if path.is_file() {
            // A socket is none.
            found.push(path)
        }
    }
    found
}
