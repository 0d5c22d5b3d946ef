//! Repository tasks, run as `cargo xtask <task>`.

mod docs;
mod node;
mod test;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Docs(docs::Arguments),
    Test(test::Arguments),
}

fn main() -> ExitCode {
    let outcome: Result<ExitCode, Box<dyn Error>> = match Cli::parse().task {
        Task::Docs(arguments) => docs::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        say(&format!("error: {error}"));
        ExitCode::FAILURE
    })
}

/// Tells the person who runs the task something; standard output stays the tests' and the tools'.
#[expect(
    clippy::print_stderr,
    reason = "a task speaks to the person who runs it"
)]
fn say(message: &str) {
    eprintln!("xtask: {message}");
}
