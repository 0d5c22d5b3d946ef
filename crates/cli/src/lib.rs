//! `tieline`: register apps, connect accounts, and use their tokens, from a terminal.
//!
//! The binary is one line, so that a host with providers of its own can build the same program with them linked in:
//!
//! ```no_run
//! // use acme_provider as _;   // whatever registers providers must be named to be linked
//! fn main() -> std::process::ExitCode {
//!     tieline_cli::main()
//! }
//! ```

mod args;
mod commands;
mod desk;
mod environment;
mod error;
mod input;
mod log;
mod output;
mod session;
mod signal;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Arguments;
use crate::error::CliError;
use crate::output::Output;

/// The whole program: reads the command line, does what it says, and tells how the process is to end.
pub fn main() -> ExitCode {
    let (output, done) = match Arguments::try_parse() {
        Ok(arguments) => {
            let output = Output::new(arguments.common.json);
            (output, run(arguments, &output))
        }
        Err(error) if error.use_stderr() => return misspelt(&error),
        // Help, or the version: asked for, so an answer.
        Err(help) => (
            Output::new(false),
            output::styled(help.render().ansi().to_string().trim_end()),
        ),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(told @ CliError::Told(_)) => ExitCode::from(told.code()),
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.code())
        }
    }
}

fn run(arguments: Arguments, output: &Output) -> Result<(), CliError> {
    log::start(&arguments.common)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(commands::run(arguments, output));
    // A thread may still wait for somebody to type something; all else has ended.
    runtime.shutdown_background();
    done
}

/// What was typed can't be understood; so nobody knows whether JSON was wanted but by looking for the word.
fn misspelt(error: &clap::Error) -> ExitCode {
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = error.render().to_string();
        let text = text.trim();
        Output::new(true).refusal(text.strip_prefix("error: ").unwrap_or(text), 2);
    } else {
        let _ = error.print();
    }
    ExitCode::from(2)
}
