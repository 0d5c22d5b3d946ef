//! What tasks do to the machine that they run on, in view of the person who waits.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use crate::say;

/// A program could not do its part, or a file could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("can't run {program}: {source}")]
    Start { program: String, source: io::Error },
    #[error("{command} failed ({status}); {hint}")]
    Step {
        command: String,
        status: ExitStatus,
        hint: &'static str,
    },
    #[error("can't write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
}

/// The command line, for people.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Standard output of a command that ends well.
pub(crate) fn succeeds(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

/// Runs a command that may take a while, after saying so.
pub(crate) fn step(command: &mut Command, hint: &'static str) -> Result<(), Error> {
    say(&format!("running {}", shown(command)));
    // Standard output is the task's own, which may be read by a program.
    command.stdout(io::stderr());
    let status = command.status().map_err(|source| Error::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Step {
        command: shown(command),
        status,
        hint,
    })
}

/// Says what will be installed and where, a line each, if it is anything.
pub(crate) fn announce(plan: &[String]) {
    if !plan.is_empty() {
        say(&format!("will install\n  - {}", plan.join("\n  - ")));
    }
}

/// The folder for what is installed beside the machine's own, made if need be.
pub(crate) fn tools(root: &Path) -> Result<PathBuf, Error> {
    let folder = root.join("target/tools");
    fs::create_dir_all(&folder).map_err(writing(&folder))?;
    Ok(folder)
}

/// Lets one process at a time install; the lock goes with the process.
pub(crate) fn alone(root: &Path) -> Result<File, Error> {
    let path = tools(root)?.join("lock");
    let file = File::create(&path).map_err(writing(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say("waiting for another task that installs something");
            file.lock().map_err(writing(&path))?;
        }
        Err(TryLockError::Error(source)) => return Err(writing(&path)(source)),
    }
    Ok(file)
}

/// The error of a path that could not be written.
pub(crate) fn writing(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write {
        path: path.clone(),
        source,
    }
}
