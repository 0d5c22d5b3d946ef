//! The log, on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::args::{Common, LogFormat};
use crate::error::CliError;

/// Starts logging.
pub(crate) fn start(common: &Common) -> Result<(), CliError> {
    let filter = EnvFilter::try_new(&common.log).map_err(|error| {
        CliError::Usage(format!(
            "--log {}: {error}; try info, or tieline_engine=debug",
            common.log
        ))
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Where the log can't be written, saying so in the same place would panic.
        .log_internal_errors(false);
    let started = match common.log_format {
        LogFormat::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| CliError::Failure(format!("the log can't be started: {error}")))
}
