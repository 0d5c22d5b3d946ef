//! The process that keeps a cluster, spoken to in lines: see `keeper.sh`.

use std::io::{self, BufRead as _, BufReader, PipeReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::PostgresError;

const SCRIPT: &str = include_str!("keeper.sh");

/// Whom root runs the server as, which refuses to run as root.
const USER: &str = "postgres";

/// A running keeper; dropping it waits until everything is gone.
#[derive(Debug)]
pub(super) struct Keeper {
    process: Child,
    /// Its end is the cluster's.
    input: Option<ChildStdin>,
    output: BufReader<PipeReader>,
}

impl Keeper {
    pub(super) fn start(programs: &Path) -> Result<Self, PostgresError> {
        let words: &[&str] = if is_root()? {
            &["runuser", "-u", USER, "--", "sh"]
        } else {
            &["sh"]
        };
        let run = |source| PostgresError::Run {
            program: words.join(" "),
            source,
        };
        let (output, theirs) = io::pipe().map_err(run)?;
        let mut process = Command::new(words[0])
            .args(&words[1..])
            .args(["-c", SCRIPT, "keeper"])
            .arg(programs)
            // The caller's folder may be closed to the user.
            .current_dir("/")
            // What a terminal sends to the tests is not for the keeper.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(theirs.try_clone().map_err(run)?)
            .stderr(theirs)
            .spawn()
            .map_err(run)?;
        Ok(Self {
            input: process.stdin.take(),
            process,
            output: BufReader::new(output),
        })
    }

    /// Has the keeper do something; returns the last line of what it says.
    pub(super) fn ask(&mut self, command: &str) -> Result<String, PostgresError> {
        let failed = |said: &[String]| PostgresError::Failed {
            // Without the password.
            command: command.split(' ').next().unwrap_or_default().to_owned(),
            said: said.join("\n"),
        };
        // A keeper that has ended can't be written to; it says why in what is read.
        if let Some(input) = &mut self.input {
            let _ = writeln!(input, "{command}");
        }
        let mut said = Vec::new();
        for line in (&mut self.output).lines() {
            let Ok(line) = line else { break };
            match line.as_str() {
                "keeper: done" => return Ok(said.pop().unwrap_or_default()),
                "keeper: failed" => return Err(failed(&said)),
                _ => said.push(line),
            }
        }
        Err(failed(&said))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

fn is_root() -> Result<bool, PostgresError> {
    let output = Command::new("id").arg("-u").output();
    let output = output.map_err(|source| PostgresError::Run {
        program: "id -u".to_owned(),
        source,
    })?;
    Ok(output.stdout.trim_ascii() == b"0")
}
