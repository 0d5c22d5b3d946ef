//! Ending early without losing anything: the work stops, what is in flight lands.

use std::io;

use tokio::signal::unix::{self, SignalKind, signal};

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

/// What a person, or a service manager, sends to end the program. From when this is made, nothing else ends it.
pub(crate) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

/// What becomes of what is under way here when the program ends.
pub(crate) const FINISHED_HERE: &str =
    "Stopping. What is under way with the provider is finished first, so that no token is lost.";
/// The same, where the server holds the store.
pub(crate) const FINISHED_THERE: &str = "Stopping. What is under way with the provider is finished by the server, so that no token is lost.";

/// Does the work unless a signal comes first, and then says how what is under way is `finished`. The caller still shuts
/// down what it opened.
///
/// The work must not block its thread: whoever waits there for a pipe or a person can't be interrupted.
pub(crate) async fn unless_interrupted<T>(
    output: &Output,
    finished: &str,
    work: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let mut signals = Signals::listen()?;
    let ended = tokio::select! {
        biased;
        done = work => return done,
        ended = signals.next() => ended,
    };
    output.notice(finished);
    Err(CliError::Interrupted(ended))
}
