//! One `tieline serve`, and the small part of its control socket that the harness speaks: with a client of its own.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A process that does not get ready, or end, in this time has failed.
const LAST_RESORT: Duration = Duration::from_secs(90);

/// How a process is started.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The binary.
    pub binary: PathBuf,
    /// Its data folder, and so its control socket.
    pub data_dir: PathBuf,
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
    /// What `serve` is told besides, such as what to log.
    pub arguments: Vec<String>,
    /// Shell commands before it is run in the shell's place, such as a limit; may be blank.
    pub before: String,
}

/// A running `tieline serve`; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    data_dir: PathBuf,
    ready: Value,
}

/// What a request came to.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; null where it is no JSON.
    pub body: Value,
}

impl Server {
    /// Starts it and waits until it says that it is ready.
    ///
    /// # Errors
    /// When it ends instead, with what it wrote to standard error.
    pub async fn start(options: &ServerOptions) -> io::Result<Self> {
        let log = options.data_dir.with_extension("log");
        let stderr = File::options().create(true).append(true).open(&log)?;
        let script = format!("{}\nexec \"$0\" \"$@\"", options.before);
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .arg(&options.binary)
            .args(["serve", "--json", "--data-dir"])
            .arg(&options.data_dir)
            .args(&options.arguments)
            .env_clear()
            .envs(options.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = timeout(LAST_RESORT, lines.next_line()).await??;
        let ready = ready.and_then(|line| serde_json::from_str::<Value>(&line).ok());
        let Some(ready) = ready.filter(|told| !told["ready"].is_null()) else {
            let told = std::fs::read_to_string(&log)?;
            let last: Vec<_> = told.lines().rev().take(5).collect();
            return Err(io::Error::other(format!("it ended: {last:?}")));
        };
        Ok(Self {
            child,
            data_dir: options.data_dir.clone(),
            ready,
        })
    }

    /// One request to its control socket.
    ///
    /// # Errors
    /// When it is gone, or goes before it has answered.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Answer> {
        ask(&self.data_dir, method, path, body).await
    }

    /// Its data folder.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What it said when it was ready, such as where it listens.
    #[must_use]
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends it a signal, by name.
    ///
    /// # Errors
    /// When there is no shell to send it with.
    pub async fn signal(&self, name: &str) -> io::Result<()> {
        let Some(pid) = self.child.id() else {
            return Ok(());
        };
        let kill = format!("kill -{name} {pid} 2>/dev/null || true");
        Command::new("sh").args(["-c", &kill]).status().await?;
        Ok(())
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        timeout(LAST_RESORT, self.child.wait()).await?
    }
}

/// One request to the control socket in a data folder.
///
/// # Errors
/// When nobody answers.
pub async fn ask(
    data_dir: &Path,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(data_dir.join("control.sock")).await?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: tieline\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Answer {
        status: status.ok_or(io::ErrorKind::InvalidData)?,
        body: serde_json::from_str(body).unwrap_or_default(),
    })
}
