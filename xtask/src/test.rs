//! `cargo xtask test`: installs what the tests need, says so first, and runs them.

use std::{
    error::Error,
    path::Path,
    process::{Command, ExitCode},
};

use cargo_metadata::MetadataCommand;
use clap::{Args, ValueEnum};

use crate::{node, python, root, say};

/// The test target whose tests need Node.
const NODE_TARGET: &str = "anchors";

/// The module of that target whose tests need Python.
const PYTHON_MODULE: &str = "django_oauth_toolkit::";

const WHOLE_SUITE: [&str; 2] = ["--workspace", "--all-features"];

/// Install what the tests need, and run them.
///
/// Runs `cargo test --workspace --all-features`. The anchor tests drive authorization servers. One needs Node 20 or
/// newer with npm: the machine's own, or else one installed into target/tools from PyPI (with python3 and pip, which
/// apt-get installs where they are missing). TIELINE_TEST_NODE tells the tests which Node it is. The other needs Python
/// 3.11 or newer; its packages are installed into target/tools from PyPI. TIELINE_TEST_DJANGO tells the tests where they
/// are.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Leave out the tests that need this tool, and say so in the last line.
    #[arg(long, value_enum, conflicts_with = "cargo_test_arguments")]
    without: Option<Tool>,
    /// What `cargo test` is given instead of `--workspace --all-features`.
    #[arg(last = true)]
    cargo_test_arguments: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tool {
    /// The anchor tests, those that need Python included
    Node,
    /// Those of the anchor tests that need Python and its packages
    Python,
}

/// Runs the task; the exit code is that of the tests.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let root = root()?;
    match arguments.without {
        Some(Tool::Node) => without_node(root),
        Some(Tool::Python) => without_python(root),
        None => with_everything(root, &arguments.cargo_test_arguments),
    }
}

fn with_everything(root: &Path, given: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    let node = node::provide(root)?;
    let mut command = cargo_test(root);
    command
        .env("TIELINE_TEST_NODE", &node.program)
        .env("TIELINE_TEST_DJANGO", python::provide(root)?);
    if given.is_empty() {
        command.args(WHOLE_SUITE);
    } else {
        command.args(given);
    }
    finish(&mut command)
}

fn without_node(root: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let targets = test_targets(root)?;
    let mut tests = cargo_test(root);
    tests
        .args(WHOLE_SUITE)
        .args(["--lib", "--bins", "--examples"]);
    let left_out = targets.iter().filter(|target| *target == NODE_TARGET);
    if left_out.count() != 1 {
        return Err(format!("there is no single test target {NODE_TARGET} to leave out").into());
    }
    for target in targets.iter().filter(|target| *target != NODE_TARGET) {
        tests.args(["--test", target]);
    }
    let mut code = finish(&mut tests)?;
    // Cargo runs documentation tests either with all targets or alone.
    if code == ExitCode::SUCCESS {
        code = finish(cargo_test(root).args(WHOLE_SUITE).arg("--doc"))?;
    }
    say(&format!(
        "LEFT OUT, as asked (--without node): the test target {NODE_TARGET}, so nothing ran against oidc-provider \
         and django-oauth-toolkit"
    ));
    Ok(code)
}

fn without_python(root: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let node = node::provide(root)?;
    let mut tests = cargo_test(root);
    tests
        .env("TIELINE_TEST_NODE", &node.program)
        .args(WHOLE_SUITE)
        .args(["--", "--skip", PYTHON_MODULE]);
    let code = finish(&mut tests)?;
    say(&format!(
        "LEFT OUT, as asked (--without python): the tests in {NODE_TARGET} named {PYTHON_MODULE}…, so nothing ran against \
         django-oauth-toolkit"
    ));
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

fn cargo_test(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.arg("test").current_dir(root);
    command
}

fn finish(command: &mut Command) -> Result<ExitCode, Box<dyn Error>> {
    say(&format!("running {}", node::shown(command)));
    let status = command.status()?;
    // A signal leaves no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
