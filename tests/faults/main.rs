//! The long run of the fault harness: `cargo xtask faults`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it tells the person who runs it what it saw"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use fastrand::Rng;
use tieline_tests::faults::judge::Tally;
use tieline_tests::faults::kills::kill;
use tieline_tests::faults::world::{Kept, Provider, World, WorldOptions};

/// Does harm to `tieline serve`, and judges by what the other side saw.
#[derive(Parser)]
struct Arguments {
    /// How many kills for each store and provider
    #[arg(long, default_value_t = 20)]
    kills: u64,
    /// Break a rule on purpose: skip-intent, use-before-commit or no-lease
    #[arg(long)]
    sabotage: Option<String>,
    /// The seed of all that is random [default: a new one]
    #[arg(long)]
    seed: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(|| Rng::new().get_seed());
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let mut sum = Tally::default();
    for provider in [Provider::Forgiving, Provider::Strict] {
        let sabotage = arguments.sabotage.iter();
        let options = WorldOptions {
            binary: binary(),
            provider,
            kept: Kept::Sqlite,
            accounts: 12,
            environment: sabotage
                .map(|rule| ("TIELINE_SABOTAGE".to_owned(), rule.clone()))
                .collect(),
            token_host: None,
        };
        let mut world = match World::begin(options).await {
            Ok(world) => world,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        let tally = kill(&mut world, arguments.kills, &mut random, |tally| {
            eprint!(
                "\r{provider:?} {} kills, {} lost   ",
                tally.faults, tally.lost
            );
        })
        .await;
        match tally {
            Ok(tally) => {
                println!("{provider:?}: {tally:?}");
                sum.add(tally);
            }
            Err(error) => {
                eprintln!("{provider:?}: {error}");
                let log = std::fs::read_to_string(world.folder().join("data-0.log"));
                eprintln!("{}", log.unwrap_or_default());
                return ExitCode::FAILURE;
            }
        }
    }
    if sum.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Built beside this one.
fn binary() -> PathBuf {
    let this = std::env::current_exe().unwrap_or_default();
    this.with_file_name("tieline-under-test")
}
