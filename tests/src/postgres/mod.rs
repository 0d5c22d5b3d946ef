//! Throw-away PostgreSQL clusters: a real server with its own folder and port, that a test may crash.
//!
//! Each cluster has a keeper, a shell that holds the server for as long as the test process holds the keeper's input:
//! when that process ends, however it does, nothing stays behind. Needs a Unix with `sh` and `ps`.

mod keeper;
mod programs;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use keeper::Keeper;

/// Below the ports that systems give to whoever asks for any, so that a crashed server's is free when it comes back.
const PORTS: std::ops::Range<u16> = 10_000..30_000;

/// So many ports are not taken all at once.
const TRIES: usize = 20;

/// What the server logs, last of all, when its port is taken.
const PORT_IS_TAKEN: &str = "could not create any TCP/IP sockets";

/// A PostgreSQL server on a loopback port of its own; gone with its folder when this is dropped, or the process ends.
///
/// It syncs what it commits, as in earnest.
#[derive(Debug)]
pub struct Cluster {
    keeper: Arc<Mutex<Keeper>>,
    folder: PathBuf,
    port: u16,
    password: String,
    databases: AtomicU32,
}

/// The cluster that all tests of this process share. Nobody may crash or stop it.
///
/// # Panics
/// When it can't be started: no test can do without.
#[expect(clippy::panic, reason = "each test would only say the same")]
pub async fn shared() -> &'static Cluster {
    static SHARED: OnceCell<Cluster> = OnceCell::const_new();
    SHARED
        .get_or_init(async || match Cluster::start().await {
            Ok(cluster) => cluster,
            Err(error) => panic!("{error}"),
        })
        .await
}

impl Cluster {
    /// Starts a new cluster and waits until it answers.
    ///
    /// The server's programs are those in the folder that the environment variable `TIELINE_TEST_POSTGRES_BIN` names,
    /// else the newest of Debian's, else those beside the `pg_ctl` on the `PATH`.
    ///
    /// # Errors
    /// When PostgreSQL is missing or does not start.
    pub async fn start() -> Result<Self, PostgresError> {
        let ports = PORTS.len() as u64;
        let any = move || PORTS.start + u16::try_from(random() % ports).unwrap_or_default();
        Self::start_on(std::iter::repeat_with(any).take(TRIES)).await
    }

    /// As [`start`](Self::start), on the first of the ports that is free.
    ///
    /// # Errors
    /// As there, or when no port is.
    pub async fn start_on(
        ports: impl Iterator<Item = u16> + Send + 'static,
    ) -> Result<Self, PostgresError> {
        blocking(move || {
            let programs = programs::find()?;
            let password = format!("{:016x}{:016x}", random(), random());
            let mut keeper = Keeper::start(&programs)?;
            let folder = keeper.ask(&format!("init {password}"))?.into();
            let port = start_on(&mut keeper, ports)?;
            Ok(Self {
                keeper: Arc::new(Mutex::new(keeper)),
                folder,
                port,
                password,
                databases: AtomicU32::new(0),
            })
        })
        .await
    }

    /// Makes a database that nobody else has; returns its [`url`](Self::url).
    ///
    /// # Errors
    /// When the server does not run.
    pub async fn create_database(&self) -> Result<String, PostgresError> {
        let name = format!("d{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok(self.url(&name))
    }

    /// `postgres://postgres:PASSWORD@127.0.0.1:PORT/DATABASE`: the superuser's, who needs the password.
    pub fn url(&self, database: &str) -> String {
        let Self { port, password, .. } = self;
        format!("postgres://postgres:{password}@127.0.0.1:{port}/{database}")
    }

    /// The port, which stays the same when the server starts again.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Holds `data`, and the log of the last start in `server.log`. Only root and the server's user may look.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Kills the server and all its children at once, by SIGKILL: nobody gets to tidy up.
    ///
    /// # Errors
    /// When the server does not run.
    pub async fn crash(&self) -> Result<(), PostgresError> {
        self.ask("crash".to_owned()).await
    }

    /// Shuts the server down; connections are closed, what is not committed is rolled back.
    ///
    /// # Errors
    /// When the server does not run, or takes a minute.
    pub async fn stop(&self) -> Result<(), PostgresError> {
        self.ask("stop".to_owned()).await
    }

    /// Starts a crashed or stopped server on the same folder and port, and waits until it answers: until it has
    /// recovered.
    ///
    /// # Errors
    /// When the server runs already, its port is taken by now, or it takes a minute.
    pub async fn start_again(&self) -> Result<(), PostgresError> {
        self.ask(format!("start {}", self.port)).await
    }

    async fn ask(&self, command: String) -> Result<(), PostgresError> {
        let keeper = Arc::clone(&self.keeper);
        blocking(move || {
            let mut keeper = keeper.lock().unwrap_or_else(PoisonError::into_inner);
            keeper.ask(&command).map(drop)
        })
        .await
    }
}

fn start_on(keeper: &mut Keeper, ports: impl Iterator<Item = u16>) -> Result<u16, PostgresError> {
    let mut outcome = Err(PostgresError::NoPort);
    for port in ports {
        outcome = keeper.ask(&format!("start {port}")).map(|_| port);
        match &outcome {
            Err(PostgresError::Failed { said, .. }) if said.contains(PORT_IS_TAKEN) => {}
            _ => break,
        }
    }
    outcome
}

/// A test's runtime may be gone before the cluster that it started is, so the keeper is spoken to without one.
async fn blocking<T: Send + 'static>(
    task: impl FnOnce() -> Result<T, PostgresError> + Send + 'static,
) -> Result<T, PostgresError> {
    spawn_blocking(task)
        .await
        .map_err(|error| PostgresError::Task(error.into()))?
}

/// The keys of the standard library's hash tables are the system's random numbers.
fn random() -> u64 {
    RandomState::new().hash_one(())
}

/// Why there is no cluster to test with.
#[derive(thiserror::Error)]
pub enum PostgresError {
    /// The server's programs are not on this machine.
    #[error(
        "there is no PostgreSQL server {looked}: `cargo xtask test` installs one, and so does `apt-get install \
         postgresql`; name the folder of its initdb in TIELINE_TEST_POSTGRES_BIN if it is elsewhere"
    )]
    Missing {
        /// Where a server was looked for.
        looked: String,
    },
    /// They are not where the environment has them.
    #[error(
        "there is no PostgreSQL server {looked}: correct the variable, or unset it to have one looked for"
    )]
    Named {
        /// Where a server was looked for.
        looked: String,
    },
    /// What keeps the cluster can't be run.
    #[error("can't run {program}, which keeps the test's PostgreSQL: {source}")]
    Run {
        /// The program, with its arguments.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The keeper could not do what it was asked for.
    #[error("PostgreSQL's keeper failed to {command}; it wrote: {said}")]
    Failed {
        /// What it was asked for.
        command: String,
        /// What it, or the server, said.
        said: String,
    },
    /// Nobody said which port to take.
    #[error("no port is given to start PostgreSQL on")]
    NoPort,
    /// The server runs, but refuses.
    #[error("the test's PostgreSQL: {0}")]
    Database(#[from] sqlx::Error),
    /// The runtime ends.
    #[error("asking PostgreSQL's keeper: {0}")]
    Task(io::Error),
}

impl From<programs::NotFound> for PostgresError {
    fn from(missing: programs::NotFound) -> Self {
        let programs::NotFound { looked, named } = missing;
        if named {
            Self::Named { looked }
        } else {
            Self::Missing { looked }
        }
    }
}

/// As for people: it is what `unwrap` shows in a failed test.
impl fmt::Debug for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
