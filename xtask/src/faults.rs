//! `cargo xtask faults`: does harm to real processes, and tells what came of it.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use clap::Args;
use serde::Deserialize;

use crate::{machine::shown, postgres, root, say};

/// From so many kills on, the table is written.
const LONG: u64 = 1_000;

const PAGE: &str = "docs/reliability.md";
const BEGINS: &str = "<!-- What follows is written by `cargo xtask faults --kills 1000`. -->";
const ENDS: &str = "<!-- Here it ends. -->";

/// Kill, stop, cut off and starve `tieline serve`, and judge by what the authorization server saw.
///
/// Works on SQLite and on a PostgreSQL of its own, which is installed if need be. With 1,000 kills or more it writes the table
/// in docs/reliability.md; that takes about an hour.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How many kills for each store and kind of provider; the other faults in proportion
    #[arg(long, default_value_t = 50)]
    kills: u64,
    /// Break a rule on purpose, to see that it is noticed: then the exit code is not zero
    #[arg(long, value_parser = ["skip-intent", "use-before-commit", "no-lease"])]
    sabotage: Option<String>,
    /// The seed of all that is random, to see something again [default: a new one]
    #[arg(long)]
    seed: Option<u64>,
    /// Leave PostgreSQL out, and say so
    #[arg(long)]
    without_postgres: bool,
}

#[derive(Deserialize)]
struct Report {
    seed: u64,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    fault: String,
    store: String,
    provider: String,
    faults: u64,
    refreshes: u64,
    lost: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let root = root()?;
    let mut build = Command::new("cargo");
    build
        .args(["build", "--package", "tieline-tests", "--bins"])
        .current_dir(root);
    say(&format!("running {}", shown(&build)));
    if !build.status()?.success() {
        return Ok(ExitCode::FAILURE);
    }
    let mut harness = Command::new("cargo");
    harness
        .args([
            "run",
            "--quiet",
            "--package",
            "tieline-tests",
            "--bin",
            "faults",
            "--",
        ])
        .args(["--json", "--kills", &arguments.kills.to_string()])
        .current_dir(root)
        .stdout(Stdio::piped())
        // What it sees as it goes is for the person who waits.
        .stderr(Stdio::inherit());
    if let Some(rule) = &arguments.sabotage {
        harness.args(["--sabotage", rule]);
    }
    if let Some(seed) = arguments.seed {
        harness.args(["--seed", &seed.to_string()]);
    }
    if arguments.without_postgres {
        harness.arg("--without-postgres");
    } else {
        harness.env("TIELINE_TEST_POSTGRES_BIN", postgres::provide(root)?);
    }
    say(&format!("running {}", shown(&harness)));
    let done = harness.output()?;
    let is_whole =
        arguments.kills >= LONG && arguments.sabotage.is_none() && !arguments.without_postgres;
    if done.status.success() && is_whole {
        let report: Report = serde_json::from_slice(&done.stdout)?;
        write_table(root, &report)?;
    }
    if arguments.without_postgres {
        say("LEFT OUT, as asked (--without-postgres): everything on PostgreSQL");
    }
    let code = done.status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn write_table(root: &Path, report: &Report) -> Result<(), Box<dyn Error>> {
    let path = root.join(PAGE);
    let page = fs::read_to_string(&path)?;
    let (before, rest) = page
        .split_once(BEGINS)
        .ok_or_else(|| format!("{PAGE} has no line {BEGINS}"))?;
    let (_, after) = rest
        .split_once(ENDS)
        .ok_or_else(|| format!("{PAGE} has no line {ENDS}"))?;
    fs::write(
        &path,
        format!("{before}{BEGINS}\n\n{}\n{ENDS}{after}", table(report)),
    )?;
    say(&format!("wrote the table in {PAGE}"));
    Ok(())
}

fn table(report: &Report) -> String {
    let mut text = String::from(
        "| fault | store | reuse window | faults | refreshes at the server | lost |\n|---|---|---|---:|---:|---:|\n",
    );
    for row in &report.rows {
        let Row {
            fault,
            store,
            provider,
            faults,
            refreshes,
            lost,
        } = row;
        // Writing to a string never fails.
        let _ = writeln!(
            text,
            "| {fault} | {store} | {provider} | {faults} | {refreshes} | {lost} |"
        );
    }
    let _ = writeln!(text, "\nSeed {}.", report.seed);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_line() {
        let report = Report {
            seed: 7,
            rows: vec![Row {
                fault: "kill -9".into(),
                store: "SQLite".into(),
                provider: "30 s".into(),
                faults: 1_000,
                refreshes: 40_000,
                lost: 0,
            }],
        };
        let table = table(&report);
        assert!(
            table.contains("| kill -9 | SQLite | 30 s | 1000 | 40000 | 0 |\n"),
            "{table}"
        );
        assert!(table.ends_with("\nSeed 7.\n"), "{table}");
    }
}
