//! What is read while a command runs: on a thread of its own, so that the command can be interrupted meanwhile.

use std::io::{self, Read as _};

use tieline::Secret;

use crate::error::CliError;

/// What a file holds; `-` is standard input. A file may be a pipe, and take its time.
pub(crate) async fn bytes(file: &str) -> Result<Vec<u8>, CliError> {
    let path = file.to_owned();
    let read = elsewhere(move || {
        if path == "-" {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            std::fs::read(path)
        }
    });
    read.await
        .map_err(|error| CliError::Usage(format!("can't read {file}: {error}")))
}

/// As [`bytes`], for what must be text; the line break that ends a file is no part of it.
pub(crate) async fn secret(file: &str) -> Result<Secret, CliError> {
    let text = String::from_utf8(bytes(file).await?)
        .map(Secret::new)
        .map_err(|_| CliError::Usage(format!("{file} is not UTF-8 text")))?;
    let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    Ok(Secret::from(line.strip_suffix('\r').unwrap_or(line)))
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

async fn elsewhere<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(read)
        .await
        .map_err(io::Error::other)?
}
