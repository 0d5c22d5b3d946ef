//! A PostgreSQL server for the tests of one process, thrown away when that ends, however it ends.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::sync::OnceCell;

pub(crate) const USER: &str = "tieline";
/// Marks what must be shown nowhere.
pub(crate) const PASSWORD: &str = "pAsSwOrD-cAnArY";

/// Makes a cluster, runs it, and takes it away once nobody holds the other end of its input.
const SCRIPT: &str = r#"
set -eu
folder=$(mktemp -d "${TMPDIR:-/tmp}/tieline-postgres.XXXXXX")
cd "$folder"
printf '%s\n' "$PASSWORD_OF_TESTS" > password
"$BIN/initdb" -D data -U "$USER_OF_TESTS" --pwfile=password -A scram-sha-256 -E UTF8 --no-locale > initdb.log 2>&1 \
    || { cat initdb.log; rm -rf "$folder"; exit 1; }
cat >> data/postgresql.conf <<CONF
listen_addresses = '127.0.0.1'
port = $PORT
unix_socket_directories = ''
max_connections = 300
shared_buffers = 64MB
CONF
"$BIN/pg_ctl" -D data -w -l server.log start > /dev/null 2>&1 || { cat server.log; rm -rf "$folder"; exit 1; }
echo ready
cat > /dev/null
"$BIN/pg_ctl" -D data -w -m immediate stop > /dev/null 2>&1 || true
cd / && rm -rf "$folder"
"#;

pub(crate) struct Cluster {
    port: u16,
    databases: AtomicU32,
    /// Its end is the cluster's.
    _input: ChildStdin,
    _script: Child,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

impl Cluster {
    /// The one of this process.
    pub(crate) async fn get() -> &'static Self {
        CLUSTER.get_or_init(async || Self::start()).await
    }

    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let mut script = as_nobody_special()
            .env("BIN", binaries())
            .env("PORT", port.to_string())
            .env("USER_OF_TESTS", USER)
            .env("PASSWORD_OF_TESTS", PASSWORD)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("PostgreSQL cannot be started: {error}"));
        let input = script.stdin.take().unwrap();
        let mut said = String::new();
        for line in BufReader::new(script.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if line == "ready" {
                return Self {
                    port,
                    databases: AtomicU32::new(0),
                    _input: input,
                    _script: script,
                };
            }
            said.push_str(&line);
            said.push('\n');
        }
        let ended = script.wait();
        panic!("PostgreSQL does not start ({ended:?}):\n{said}");
    }

    /// A database that nobody else has.
    pub(crate) async fn new_database(&self) -> PgConnectOptions {
        let name = format!("d{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = self.connect("postgres").await;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        self.options(&name)
    }

    pub(crate) async fn connect(&self, database: &str) -> PgConnection {
        self.options(database).connect().await.unwrap()
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new()
            .host("127.0.0.1")
            .port(self.port)
            .username(USER)
            .password(PASSWORD)
            .database(database)
            .disable_statement_logging()
    }
}

/// A shell, and not as root, which PostgreSQL refuses to run as: Debian makes the user `postgres` with its package.
fn as_nobody_special() -> Command {
    let root = fs::metadata("/proc/self")
        .is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    if !root {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]);
        return command;
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--", "sh", "-c", SCRIPT]);
    command
}

/// Where `initdb` and `pg_ctl` are.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told where a server is, not configured"
)]
fn binaries() -> PathBuf {
    let has = |folder: &Path| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
    if let Some(folder) = env::var_os("TIELINE_TEST_POSTGRES_BIN") {
        let folder = PathBuf::from(folder);
        assert!(
            has(&folder),
            "there is no initdb in {}, which TIELINE_TEST_POSTGRES_BIN names",
            folder.display()
        );
        return folder;
    }
    let newest = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry)))
        .map(|(version, entry)| (version, entry.path().join("bin")))
        .filter(|(_, folder)| has(folder))
        .max();
    if let Some((_, folder)) = newest {
        return folder;
    }
    let asked = Command::new("pg_config").arg("--bindir").output();
    asked
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map(|folder| PathBuf::from(folder.trim()))
        .filter(|folder| has(folder))
        .unwrap_or_else(|| {
            panic!(
                "these tests need a PostgreSQL server: install the package postgresql, or say in \
                 TIELINE_TEST_POSTGRES_BIN where initdb is"
            )
        })
}
