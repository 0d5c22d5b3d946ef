//! What went wrong, and with which exit code the program ends.

use std::io;

use tieline::engine::{EngineError, Kind};
use tieline::server::Problem;
use tieline::store::StoreError;

use crate::signal::Signal;

/// Exit codes: 1 failure, 2 usage (clap's), 3 configuration, 4 a person must reconnect, 5 not available now, 128 and the
/// signal's number where a signal ended it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What the server that holds the store says: the same as an engine here would.
    #[error("{}", .0.detail)]
    There(Box<Problem>),
    /// The server that holds the store can't be talked to any more.
    #[error("{0}")]
    Gone(String),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Configuration(String),
    #[error("{0}")]
    Failure(String),
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The answer can't be printed.
    #[error("can't write to standard output: {0}")]
    Output(#[source] io::Error),
    /// The answer was bad news, and said all there is to say.
    #[error("what is wrong stands in the answer")]
    Told(Kind),
    /// A person, or the system, ended the command.
    #[error("interrupted; what was under way with the provider was given the time to finish")]
    Interrupted(Signal),
}

impl CliError {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Engine(error) => code_of(error.kind()),
            Self::There(problem) => code_of(problem.kind),
            Self::Told(kind) => code_of(*kind),
            Self::Gone(_) => code_of(Kind::Unavailable),
            Self::Usage(_) => 2,
            Self::Configuration(_) => 3,
            Self::Failure(_) | Self::Io(_) | Self::Output(_) => 1,
            Self::Interrupted(signal) => signal.code(),
        }
    }

    /// The stable name of an engine's error, wherever the engine is.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Engine(error) => Some(error.name()),
            Self::There(problem) => Some(problem.name()),
            _ => None,
        }
    }

    /// Whether whoever read the answer has gone away, as `head` does: nobody is left to be told.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

fn code_of(kind: Kind) -> u8 {
    match kind {
        Kind::Failure => 1,
        Kind::Configuration => 3,
        Kind::Reconnect => 4,
        Kind::Unavailable => 5,
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<tieline::core::registry::UnknownProvider> for CliError {
    fn from(error: tieline::core::registry::UnknownProvider) -> Self {
        Self::Engine(error.into())
    }
}

impl From<tieline::core::registry::RegistryError> for CliError {
    fn from(error: tieline::core::registry::RegistryError) -> Self {
        Self::Configuration(error.to_string())
    }
}

impl From<tieline::core::parameters::ConfigurationError> for CliError {
    fn from(error: tieline::core::parameters::ConfigurationError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        Self::Failure(format!("the answer can't be written as JSON: {error}"))
    }
}
