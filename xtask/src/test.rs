//! `cargo xtask test`: installs what the tests need, says so first, and runs them.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use cargo_metadata::MetadataCommand;
use clap::{Args, ValueEnum};

use crate::{chromium, curl, machine::shown, node, postgres, python, root, say};

/// What needs more than Rust. Each target is a test target of exactly one package.
const NEEDS: &[Need] = &[
    Need {
        tool: Tool::Node,
        targets: &["anchors"],
        missed: "nothing ran against oidc-provider",
    },
    Need {
        tool: Tool::Python,
        targets: &["anchors_django", "schemathesis"],
        missed: "nothing ran against django-oauth-toolkit, and no stranger read the API's document",
    },
    Need {
        tool: Tool::Postgres,
        targets: &["faults_postgres", "postgres", "store_postgres"],
        missed: "nothing ran on PostgreSQL",
    },
    Need {
        tool: Tool::Curl,
        targets: &["guides"],
        missed: "no command of a guide ran",
    },
    Need {
        tool: Tool::Chromium,
        targets: &["browser"],
        missed: "no page was opened in a browser",
    },
];

const WHOLE_SUITE: [&str; 2] = ["--workspace", "--all-features"];

/// Install what the tests need, and run them.
///
/// Runs `cargo test --workspace --all-features`. The anchor tests drive authorization servers, and a stranger reads the
/// API's document: two Python packages from PyPI, in target/tools. One server needs Node 20 or
/// newer with npm: the machine's own, or else one installed into target/tools from PyPI (with python3 and pip, which
/// apt-get installs where they are missing). The tests on PostgreSQL start servers of their own: with the machine's
/// programs, or else those of Debian's package `postgresql`, which apt-get installs. The guides' commands are run with
/// the machine's curl, or else Debian's. Pages are opened in the machine's Chromium, or else in that of Debian's packages
/// `chromium` and `chromium-driver`, and judged by axe-core, which needs Node to install. TIELINE_TEST_NODE and
/// TIELINE_TEST_POSTGRES_BIN tell the tests where Node and PostgreSQL are.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Leave out the tests that need this tool, and say so in the last lines. May be repeated.
    #[arg(long, value_enum, conflicts_with = "cargo_test_arguments")]
    without: Vec<Tool>,
    /// What `cargo test` is given instead of `--workspace --all-features`.
    #[arg(last = true)]
    cargo_test_arguments: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tool {
    Node,
    Python,
    Postgres,
    Curl,
    Chromium,
}

/// A tool, and the tests that can't do without.
struct Need {
    tool: Tool,
    targets: &'static [&'static str],
    /// What is unproved without them.
    missed: &'static str,
}

/// Runs the task; the exit code is that of the tests.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let root = root()?;
    let (left_out, needed): (Vec<_>, Vec<_>) = NEEDS
        .iter()
        .partition(|need| arguments.without.contains(&need.tool));
    let mut tools = Vec::new();
    for need in needed {
        tools.extend(need.tool.provide(root)?);
    }
    let cargo_test = || {
        let mut command = Command::new("cargo");
        command.arg("test").current_dir(root);
        command.envs(tools.iter().map(|(name, path)| (name, path)));
        command
    };
    if left_out.is_empty() {
        let mut tests = cargo_test();
        if arguments.cargo_test_arguments.is_empty() {
            tests.args(WHOLE_SUITE);
        } else {
            tests.args(&arguments.cargo_test_arguments);
        }
        return finish(&mut tests);
    }
    without(&left_out, &test_targets(root)?, cargo_test)
}

impl Tool {
    /// Finds or installs it; returns the variables that tell the tests where things are, unless they call them by name.
    fn provide(self, root: &Path) -> Result<Vec<(&'static str, PathBuf)>, Box<dyn Error>> {
        Ok(match self {
            Self::Node => vec![(
                "TIELINE_TEST_NODE",
                node::provide(root, &node::OIDC_PROVIDER)?.program,
            )],
            Self::Python => vec![
                (
                    "TIELINE_TEST_DJANGO",
                    python::provide(root, &python::DJANGO)?,
                ),
                (
                    "TIELINE_TEST_SCHEMATHESIS",
                    python::provide(root, &python::SCHEMATHESIS)?,
                ),
            ],
            Self::Postgres => vec![("TIELINE_TEST_POSTGRES_BIN", postgres::provide(root)?)],
            Self::Curl => {
                curl::provide(root)?;
                Vec::new()
            }
            Self::Chromium => vec![("TIELINE_TEST_NODE", chromium::provide(root)?)],
        })
    }
}

impl Need {
    /// What the last lines say of it.
    fn left_out(&self) -> String {
        let tool = format!("{:?}", self.tool).to_lowercase();
        let targets = match self.targets {
            [one] => format!("target {one}"),
            [some @ .., last] => format!("targets {} and {last}", some.join(", ")),
            [] => "targets: none".to_owned(),
        };
        let missed = self.missed;
        format!("LEFT OUT, as asked (--without {tool}): the test {targets}, so {missed}")
    }
}

fn without(
    left_out: &[&Need],
    targets: &[String],
    cargo_test: impl Fn() -> Command,
) -> Result<ExitCode, Box<dyn Error>> {
    let names: Vec<&str> = left_out
        .iter()
        .flat_map(|need| need.targets)
        .copied()
        .collect();
    for name in &names {
        if targets.iter().filter(|target| target == name).count() != 1 {
            return Err(format!("there is no single test target {name} to leave out").into());
        }
    }
    let mut tests = cargo_test();
    tests
        .args(WHOLE_SUITE)
        .args(["--lib", "--bins", "--examples"]);
    for target in targets {
        if !names.contains(&target.as_str()) {
            tests.args(["--test", target]);
        }
    }
    let mut code = finish(&mut tests)?;
    // Cargo runs documentation tests either with all targets or alone.
    if code == ExitCode::SUCCESS {
        code = finish(cargo_test().args(WHOLE_SUITE).arg("--doc"))?;
    }
    for need in left_out {
        say(&need.left_out());
    }
    Ok(code)
}

/// The names of all integration test targets of the workspace.
fn test_targets(root: &Path) -> Result<Vec<String>, cargo_metadata::Error> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec()?;
    let targets = metadata
        .packages
        .iter()
        .flat_map(|package| &package.targets);
    Ok(targets
        .filter(|target| target.is_test())
        .map(|target| target.name.clone())
        .collect())
}

fn finish(command: &mut Command) -> Result<ExitCode, Box<dyn Error>> {
    say(&format!("running {}", shown(command)));
    let status = command.status()?;
    // A signal leaves no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_that_can_be_left_out_is_there_once() {
        let targets = test_targets(root().unwrap()).unwrap();
        for name in NEEDS.iter().flat_map(|need| need.targets) {
            let found = targets.iter().filter(|target| target == name).count();
            assert_eq!(found, 1, "{name} among {targets:?}");
        }
    }

    #[test]
    fn each_tool_that_can_be_left_out_is_needed() {
        for tool in Tool::value_variants() {
            let found = NEEDS.iter().filter(|need| need.tool == *tool).count();
            assert_eq!(found, 1, "{tool:?}");
        }
    }

    #[test]
    fn what_is_left_out_is_named() {
        let told: Vec<_> = NEEDS.iter().map(Need::left_out).collect();
        assert_eq!(
            told,
            [
                "LEFT OUT, as asked (--without node): the test target anchors, so nothing ran against oidc-provider",
                "LEFT OUT, as asked (--without python): the test targets anchors_django and schemathesis, so nothing ran against \
                 django-oauth-toolkit, and no stranger read the API's document",
                "LEFT OUT, as asked (--without postgres): the test targets faults_postgres, postgres and store_postgres, so nothing \
                 ran on PostgreSQL",
                "LEFT OUT, as asked (--without curl): the test target guides, so no command of a guide ran",
                "LEFT OUT, as asked (--without chromium): the test target browser, so no page was opened in a browser",
            ]
        );
    }
}
