//! What `cargo xtask bench` runs: measures `tieline serve` beside its peers.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it tells the person who runs it what it saw"
)]

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tieline_tests::bench::machine::Machine;
use tieline_tests::bench::measures::Bench;
use tieline_tests::bench::peers;
use tieline_tests::bench::report::Report;
use tieline_tests::bench::rounds::Pace;

/// Measures `tieline serve` beside its peers, in turns, and tells ratios.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    as_another: Option<AsAnother>,
    /// 3 seconds for each contender instead of 15
    #[arg(long)]
    quick: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Connections to whoever is asked
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// The program nginx [default: it is left out]
    #[arg(long)]
    nginx: Option<PathBuf>,
    /// Where to put what is gone in the end; the store is measured on its disk [default: the system's own place]
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[derive(Subcommand)]
enum AsAnother {
    /// Answer everything with this body, until standard input ends
    #[command(hide = true)]
    Peer { body: String },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.as_another {
        Some(AsAnother::Peer { body }) => peers::serve(body).await,
        None => bench(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(arguments: Arguments) -> io::Result<()> {
    let pace = pace(&arguments);
    let machine = Machine::here();
    let is_told = !arguments.json;
    if is_told {
        println!("{machine}\n");
    }
    let left_out = match arguments.nginx {
        Some(_) => Vec::new(),
        None => vec!["nginx".to_owned()],
    };
    if !arguments.json && io::stderr().is_terminal() {
        let seconds = pace.time.as_secs();
        eprintln!("{seconds} seconds for each line; a line is told with its peers.\n");
    }
    let bench = Bench {
        binary: std::env::current_exe()?.with_file_name("tieline-under-test"),
        nginx: arguments.nginx,
        folder: arguments.folder.unwrap_or_else(std::env::temp_dir),
        pace,
    };
    let told = |measure: &_| {
        if is_told {
            println!("{measure}");
        }
    };
    let report = Report {
        machine,
        seconds: pace.time.as_secs_f64(),
        rounds: pace.rounds,
        connections: pace.connections,
        left_out,
        measures: bench.run(told).await?,
    };
    if is_told {
        println!("ratio: the first line's rate as a multiple of this line's");
    } else {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(())
}

fn pace(arguments: &Arguments) -> Pace {
    let (seconds, rounds) = if arguments.quick { (3, 3) } else { (15, 5) };
    Pace {
        time: Duration::from_secs(seconds),
        rounds,
        connections: arguments.connections.into(),
    }
}
