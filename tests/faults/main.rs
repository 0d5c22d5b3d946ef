//! The long run of the fault harness: `cargo xtask faults`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it tells the person who runs it what it saw"
)]

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use fastrand::Rng;
use tieline_tests::faults::campaigns::{Listener, Plan, Row, Runner};
use tieline_tests::faults::world::{Kept, Provider};
use tieline_tests::postgres::Cluster;

/// Worlds on PostgreSQL at once: most of the time they wait until somebody counts as dead.
const WORLDS: u64 = 6;

/// Does harm to `tieline serve`, and judges by what the other side saw.
#[derive(Parser)]
struct Arguments {
    /// How many kills for each store and provider; the other faults in proportion
    #[arg(long, default_value_t = 50)]
    kills: u64,
    /// Break a rule on purpose, to see that the harness notices: skip-intent, use-before-commit or no-lease
    #[arg(long, value_parser = ["skip-intent", "use-before-commit", "no-lease"])]
    sabotage: Option<String>,
    /// The seed of all that is random [default: a new one]
    #[arg(long)]
    seed: Option<u64>,
    /// Leave PostgreSQL out
    #[arg(long)]
    without_postgres: bool,
    /// Print the rows as JSON
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(|| Rng::new().get_seed());
    eprintln!("seed {seed}");
    let plan = plan(&arguments, seed);
    let mut runner = Runner::new(&plan, Told::default());
    let done = match cluster(&arguments).await {
        Ok(cluster) => campaigns(&mut runner, &plan, cluster.as_ref()).await,
        Err(error) => Err(error),
    };
    let rows = runner.rows();
    if arguments.json {
        println!("{}", serde_json::json!({ "seed": seed, "rows": rows }));
    }
    if let Err(error) = done {
        eprintln!("the harness itself failed: {error}");
        return ExitCode::from(2);
    }
    if rows.iter().all(Row::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn campaigns(
    runner: &mut Runner<'_>,
    plan: &Plan,
    postgres: Option<&Cluster>,
) -> io::Result<()> {
    match (plan.sabotage.as_deref(), postgres) {
        (None, _) => {}
        // Where there is one process, a lease that nobody honours does no harm.
        (Some("no-lease"), Some(cluster)) => {
            return runner
                .kills(&[shared(cluster).await?], Provider::Strict)
                .await;
        }
        (Some(_), _) => return runner.kills(&[Kept::Sqlite], Provider::Strict).await,
    }
    // What takes longest comes last: whoever waits hears of a flaw soon.
    if let Some(cluster) = postgres {
        runner.crowds(&shared(cluster).await?).await?;
        for provider in [Provider::Forgiving, Provider::Strict] {
            runner.freezes(&shared(cluster).await?, provider).await?;
            runner.crashes(cluster, provider).await?;
            runner.aways(cluster, provider).await?;
        }
    }
    runner.crowds(&Kept::Sqlite).await?;
    runner.starvation().await?;
    if !runner.disks().await? {
        eprintln!("LEFT OUT: a full disk, a read-only disk: this machine lets us mount none");
    }
    runner.inside().await;
    runner.drains().await?;
    for provider in [Provider::Forgiving, Provider::Strict] {
        runner.wires(provider).await?;
    }
    for provider in [Provider::Forgiving, Provider::Strict] {
        runner.kills(&[Kept::Sqlite], provider).await?;
        if let Some(cluster) = postgres {
            let mut worlds = Vec::new();
            for _ in 0..WORLDS.min(plan.kills) {
                worlds.push(shared(cluster).await?);
            }
            runner.kills(&worlds, provider).await?;
        }
    }
    Ok(())
}

async fn cluster(arguments: &Arguments) -> io::Result<Option<Cluster>> {
    if arguments.without_postgres {
        return Ok(None);
    }
    Cluster::start().await.map(Some).map_err(io::Error::other)
}

/// A database that four processes are to share.
async fn shared(cluster: &Cluster) -> io::Result<Kept> {
    let url = cluster.create_database().await.map_err(io::Error::other)?;
    Ok(Kept::Postgres { url, processes: 4 })
}

/// A thousand kills are the long run.
fn plan(arguments: &Arguments, seed: u64) -> Plan {
    let kills = arguments.kills;
    let is_long = kills >= 1_000;
    let slow = if is_long { vec![0, 11, 29] } else { vec![0] };
    Plan {
        binary: binary(),
        seed,
        kills,
        wires: kills.div_ceil(10),
        crashes: kills.div_ceil(50),
        aways: kills.div_ceil(100),
        drains: (kills.div_ceil(10), if is_long { 500 } else { 50 }),
        crowd: (
            if is_long { 10_000 } else { 1_000 },
            slow.into_iter().map(Duration::from_secs).collect(),
        ),
        dropped: kills * 10,
        wrong_secret: kills * 10,
        flips: kills,
        sabotage: arguments.sabotage.clone(),
    }
}

/// Built beside this one.
fn binary() -> PathBuf {
    let this = std::env::current_exe().unwrap_or_default();
    this.with_file_name("tieline-under-test")
}

#[derive(Default)]
struct Told {
    is_open: bool,
}

impl Listener for Told {
    fn step(&mut self, fault: &str, done: u64, of: u64) {
        if io::stderr().is_terminal() {
            eprint!("\r{fault}: {done} of {of} ");
            self.is_open = true;
        }
    }

    fn row(&mut self, row: &Row) {
        if std::mem::take(&mut self.is_open) {
            eprintln!();
        }
        let verdict = if row.holds() { "holds" } else { "BROKEN" };
        eprintln!(
            "{verdict}: {} ({}, window {}): {} faults, {} refreshes, {} lost",
            row.fault, row.store, row.provider, row.faults, row.refreshes, row.lost
        );
        for violation in row.violations.iter().take(5) {
            eprintln!("  {violation}");
        }
    }
}
