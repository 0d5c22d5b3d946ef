//! `cargo xtask bench`: measures `tieline serve` beside its peers, on this machine.

use std::{
    error::Error,
    fs,
    process::{Command, ExitCode},
};

use clap::{Args, ValueEnum};

use crate::{machine::shown, nginx, root, say};

/// Measure `tieline serve` beside a bare axum route, nginx and the upstream itself, in turns.
///
/// All that is told is relative to peers in the same run: see docs/benchmarks.md. nginx is the machine's own, or else
/// Debian's, unpacked into target/tools.
#[derive(Args)]
pub(crate) struct Arguments {
    /// 3 seconds for each contender instead of 15
    #[arg(long)]
    quick: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Leave out what needs this tool, and say so
    #[arg(long, value_enum)]
    without: Vec<Tool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tool {
    Nginx,
}

/// Runs the task; the exit code is that of the bench.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let root = root()?;
    let nginx = match arguments.without.contains(&Tool::Nginx) {
        true => None,
        false => Some(nginx::provide(root)?),
    };
    let mut build = Command::new("cargo");
    build
        .args(["build", "--release", "--package", "tieline-tests"])
        .args(["--bin", "bench", "--bin", "tieline-under-test"])
        .current_dir(root);
    say(&format!("running {}", shown(&build)));
    if !build.status()?.success() {
        return Ok(ExitCode::FAILURE);
    }
    let folder = root.join("target/bench");
    fs::create_dir_all(&folder)?;
    let mut bench = Command::new("cargo");
    bench
        .args(["run", "--quiet", "--release", "--package", "tieline-tests"])
        .args(["--bin", "bench", "--", "--folder"])
        .arg(folder)
        .current_dir(root);
    if arguments.quick {
        bench.arg("--quick");
    }
    if arguments.json {
        bench.arg("--json");
    }
    if let Some(nginx) = &nginx {
        bench.arg("--nginx").arg(nginx);
    }
    say(&format!("running {}", shown(&bench)));
    let status = bench.status()?;
    if nginx.is_none() {
        say("LEFT OUT, as asked (--without nginx): nothing was compared with nginx");
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
