//! nginx as a peer: a server that only answers with fixed bytes, or a plain reverse proxy.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// Whom root runs it as: nobody, and nobody's group, by the number that they have on every Linux.
const NOBODY: u32 = 65_534;

/// It listens after so many looks, or has failed.
const LOOKS: u32 = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// What it does.
#[derive(Debug, Clone)]
pub enum Serves {
    /// Answers with this, whatever is asked.
    Bytes(String),
    /// Hands everything on to this server.
    Upstream(SocketAddr),
}

/// A running nginx with one worker for each processor; it ends when this is dropped.
#[derive(Debug)]
pub struct Nginx {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its configuration, and whatever it writes.
    folder: TempDir,
}

impl Nginx {
    /// Starts the program with a configuration of its own, in a new folder below this one.
    ///
    /// # Errors
    /// When it does not start, with what it says.
    pub async fn start(program: &Path, below: &Path, serves: &Serves) -> io::Result<Self> {
        let address = free().await?;
        let folder = tempfile::tempdir_in(below)?;
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(address, serves))?;
        // Where it was found may be closed to the user who runs it.
        let copy = folder.path().join("nginx");
        let missing =
            |error| io::Error::other(format!("no nginx at {}: {error}", program.display()));
        let program = match program.is_absolute() {
            true => fs::copy(program, copy)
                .map(|_| Path::new("./nginx"))
                .map_err(missing)?,
            false => program,
        };
        let mut command = as_nobody(folder.path())?;
        let log = fs::File::create(folder.path().join("nginx.log"))?;
        command
            .arg(program)
            // Relative: the folders above may be closed to the user.
            .args(["-p", "./", "-c", "nginx.conf", "-e", "stderr"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut nginx = Self {
            process: command.spawn()?,
            address,
            folder,
        };
        nginx.listening().await?;
        Ok(nginx)
    }

    /// Its first process, whose children are the workers.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    async fn listening(&mut self) -> io::Result<()> {
        for _ in 0..LOOKS {
            if TcpStream::connect(self.address).await.is_ok() {
                return Ok(());
            }
            if self.process.try_wait()?.is_some() {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        let told = fs::read_to_string(self.folder.path().join("nginx.log"))?;
        Err(io::Error::other(format!("nginx does not listen: {told}")))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if !matches!(self.process.try_wait(), Ok(None)) {
            return;
        }
        // Killed, it would leave its workers behind.
        let kill = format!("kill -TERM {}", self.process.id());
        let _ = Command::new("sh").args(["-c", &kill]).status();
        let _ = self.process.wait();
    }
}

/// The beginning of a command that is run by a user without rights; the folder becomes that user's.
fn as_nobody(folder: &Path) -> io::Result<Command> {
    let user = Command::new("id").arg("-u").output()?;
    if user.stdout.trim_ascii() != b"0" {
        let mut command = Command::new("env");
        command.arg("--");
        return Ok(command);
    }
    chown(folder, Some(NOBODY), Some(NOBODY))?;
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={NOBODY}"))
        .arg(format!("--regid={NOBODY}"))
        .args(["--clear-groups", "--"]);
    Ok(command)
}

/// An address where nobody listens.
async fn free() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    listener.local_addr()
}

/// Without what would make it slower than it can be: it writes no log, and ends no connection for its age.
fn configuration(address: SocketAddr, serves: &Serves) -> String {
    let (upstream, location) = match serves {
        Serves::Bytes(body) => (
            String::new(),
            format!("default_type application/json;\n            return 200 '{body}';"),
        ),
        Serves::Upstream(upstream) => (
            format!(
                "upstream behind {{\n        server {upstream};\n        keepalive 256;\n        \
                 keepalive_requests 1000000000;\n    }}"
            ),
            "proxy_pass http://behind;\n            proxy_http_version 1.1;\n            \
             proxy_set_header Connection \"\";"
                .to_owned(),
        ),
    };
    format!(
        "daemon off;
worker_processes auto;
pid nginx.pid;
events {{
    worker_connections 4096;
}}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {upstream}
    server {{
        listen {address};
        location / {{
            {location}
        }}
    }}
}}
"
    )
}
