//! Repository tasks, run as `cargo xtask <task>`.

mod apt;
mod bench;
mod chromium;
mod curl;
mod docs;
mod faults;
mod machine;
mod new_provider;
mod nginx;
mod node;
mod pictures;
mod postgres;
mod python;
mod test;
mod tidy;

use std::{error::Error, path::Path, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Bench(bench::Arguments),
    Docs(docs::Arguments),
    Faults(faults::Arguments),
    NewProvider(new_provider::Arguments),
    Pictures(pictures::Arguments),
    Test(test::Arguments),
    Tidy(tidy::Arguments),
}

fn main() -> ExitCode {
    let outcome: Result<ExitCode, Box<dyn Error>> = match Cli::parse().task {
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Docs(arguments) => docs::run(&arguments),
        Task::Faults(arguments) => faults::run(&arguments),
        Task::NewProvider(arguments) => new_provider::run(&arguments),
        Task::Pictures(arguments) => pictures::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Tidy(arguments) => tidy::run(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        say(&format!("error: {error}"));
        ExitCode::FAILURE
    })
}

/// The root of the workspace.
fn root() -> Result<&'static Path, &'static str> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the xtask package is not in a workspace")
}

/// Tells the person who runs the task something; standard output stays the tests' and the tools'.
#[expect(
    clippy::print_stderr,
    reason = "a task speaks to the person who runs it"
)]
fn say(message: &str) {
    eprintln!("xtask: {message}");
}
