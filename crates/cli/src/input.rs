//! What is read while a command runs: on a thread of its own, so that the command can be interrupted meanwhile.

use std::io::{self, IsTerminal as _, Read as _};
use std::os::fd::AsFd;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tieline::Secret;

use crate::error::CliError;

/// What a file holds; `-` is standard input.
pub(crate) async fn bytes(file: &str) -> Result<Vec<u8>, CliError> {
    let read = read(file).await;
    read.map_err(|error| CliError::Usage(format!("can't read {file}: {error}")))
}

/// As [`bytes`], for what must be text; the line break that ends a file is no part of it. The error doesn't name the file.
pub(crate) async fn secret(file: &str) -> io::Result<Secret> {
    let text = String::from_utf8(read(file).await?)
        .map(Secret::new)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))?;
    let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    Ok(Secret::from(line.strip_suffix('\r').unwrap_or(line)))
}

/// A file may be a pipe, and take its time.
async fn read(file: &str) -> io::Result<Vec<u8>> {
    let path = file.to_owned();
    elsewhere(move || {
        if path == "-" {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            std::fs::read(path)
        }
    })
    .await
}

/// The next line of standard input; `None` when there is none.
pub(crate) async fn line() -> io::Result<Option<String>> {
    elsewhere(|| {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line)?;
        Ok((read > 0).then_some(line))
    })
    .await
}

/// Whether there is a person to be asked: one who sees the question, and can type an answer.
pub(crate) fn is_person() -> bool {
    is_terminal() && io::stderr().is_terminal()
}

/// Whether standard input is typed.
pub(crate) fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// As [`line`], without its line break, while the terminal doesn't show what is typed.
pub(crate) async fn hidden_line() -> io::Result<Option<Secret>> {
    let hidden = Hidden::on(io::stdin())?;
    let line = line().await?.map(Secret::new);
    drop(hidden);
    Ok(line.map(|line| Secret::from(line.expose().trim_end_matches(['\n', '\r']))))
}

/// A terminal that doesn't show what is typed. It shows it again when this is dropped, so also when the command is
/// interrupted.
struct Hidden<T: AsFd> {
    terminal: T,
    before: Termios,
}

impl<T: AsFd> Hidden<T> {
    fn on(terminal: T) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut hiding = before.clone();
        hiding.local_modes.remove(LocalModes::ECHO);
        // The line break at the end still is shown: what comes next stands on a line of its own.
        hiding.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&terminal, OptionalActions::Flush, &hiding)?;
        Ok(Self { terminal, before })
    }
}

impl<T: AsFd> Drop for Hidden<T> {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

async fn elsewhere<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(read)
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    #[test]
    fn a_terminal_hides_what_is_typed_and_shows_it_again() {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let terminal = std::fs::File::open(name.to_str().unwrap()).unwrap();
        let shows = || {
            let modes = tcgetattr(&terminal).unwrap().local_modes;
            (
                modes.contains(LocalModes::ECHO),
                modes.contains(LocalModes::ECHONL),
            )
        };
        assert_eq!(shows(), (true, false));
        let hidden = Hidden::on(&terminal).unwrap();
        assert_eq!(shows(), (false, true));
        drop(hidden);
        assert_eq!(shows(), (true, false));
    }
}
