//! `tieline`: register apps, connect accounts, and use their tokens, from a terminal.

mod args;
mod commands;
mod environment;
mod error;
mod log;
mod output;
mod session;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Arguments;
use crate::output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.common.json);
    match run(arguments, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.code())
        }
    }
}

fn run(arguments: Arguments, output: &Output) -> Result<(), error::CliError> {
    log::start(&arguments.common)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(commands::run(arguments, output))
}
