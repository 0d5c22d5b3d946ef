//! Ending early without losing anything: the work stops, what is in flight lands.

use tokio::signal::unix::{SignalKind, signal};

use crate::error::CliError;
use crate::output::Output;

/// What ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What service managers and `kill` send.
    Terminate,
}

impl Signal {
    /// The exit code by which a shell knows it.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Does the work unless a signal comes first. The caller then still shuts down what it opened.
///
/// The work must not block its thread: whoever waits there for a pipe or a person can't be interrupted.
pub(crate) async fn unless_interrupted<T>(
    output: &Output,
    work: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let ended = tokio::select! {
        biased;
        done = work => return done,
        _ = interrupt.recv() => Signal::Interrupt,
        _ = terminate.recv() => Signal::Terminate,
    };
    output.notice("Stopping. What is under way with the provider is finished first, so that no token is lost.");
    Err(CliError::Interrupted(ended))
}
