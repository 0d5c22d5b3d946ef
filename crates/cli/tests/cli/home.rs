//! A home folder of its own for each test, and the binary run inside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tempfile::TempDir;
use tieline_sandbox::{Sandbox, VendorRules};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

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

    /// Fails the test unless the run succeeded.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
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
        let rules = include_str!("../../../../tests/vendors/infusionsoft.json");
        let rules = VendorRules::from_json(rules).unwrap();
        let sandbox = Sandbox::start(rules, Arc::new(tieline::core::SystemClock))
            .await
            .unwrap();
        let mut home = Self::new();
        let (client_id, client_secret) = sandbox.client();
        for (name, value) in [
            ("OAUTH_API_KEY", client_id),
            ("OAUTH_API_SECRET", client_secret),
            ("OAUTH_AUTHORIZATION_URL", &sandbox.authorization_endpoint()),
            ("OAUTH_TOKEN_URL", &sandbox.token_endpoint()),
            ("BASE_URL", &sandbox.api_base()),
        ] {
            home.set(&format!("INFUSIONSOFT_{name}"), value);
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

    fn command(&self, arguments: &[&str]) -> Command {
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

    /// Runs `connect`, lets `browser` turn the authorization URL into the callback's address, and pastes that back.
    pub(crate) async fn connect(
        &self,
        arguments: &[&str],
        browser: impl AsyncFnOnce(String) -> String,
    ) -> Ran {
        let mut all = vec!["connect", "infusionsoft", "--no-browser"];
        all.extend(arguments);
        let mut child = self.command(&all).stdin(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut stderr = String::new();
        let url = loop {
            let mut line = String::new();
            if lines.read_line(&mut line).await.unwrap() == 0 {
                break None;
            }
            stderr.push_str(&line);
            if line.trim().starts_with("http") && line.contains("response_type=code") {
                break Some(line.trim().to_owned());
            }
        };
        if let Some(url) = url {
            let callback = browser(url).await;
            let mut stdin = child.stdin.take().unwrap();
            stdin
                .write_all(format!("{callback}\n").as_bytes())
                .await
                .unwrap();
        }
        lines.read_to_string(&mut stderr).await.unwrap();
        let output = child.wait_with_output().await.unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr,
        }
    }

    /// Connects an account, and returns its instance's id.
    pub(crate) async fn connected(&self, sandbox: &Sandbox) -> String {
        let ran = self
            .connect(&["--json"], async |url| {
                sandbox.consent(&url).await.unwrap()
            })
            .await
            .ok();
        ran.json()["id"].to_string()
    }
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path))
        } else {
            found.push(path)
        }
    }
    found
}
