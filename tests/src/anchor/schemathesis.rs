//! PyPI's `schemathesis`, who reads the API's document and tries it.

use std::path::PathBuf;

use tokio::process::Command;

use super::AnchorError;
use super::server::tool;

/// The command, without arguments. Its packages are in the folder that `TIELINE_TEST_SCHEMATHESIS` names, else in
/// `target/tools/schemathesis`.
///
/// # Errors
/// When they are not there.
pub fn schemathesis() -> Result<Command, AnchorError> {
    let packages = tool("TIELINE_TEST_SCHEMATHESIS").map_or_else(usual_packages, PathBuf::from);
    if !packages.join("schemathesis").is_dir() {
        return Err(AnchorError::PackagesMissing {
            packages: "schemathesis",
            folder: packages,
        });
    }
    let mut command = Command::new("python3");
    let script = "from schemathesis.cli import schemathesis; schemathesis()";
    command.args(["-c", script]).env("PYTHONPATH", packages);
    Ok(command)
}

fn usual_packages() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/tools/schemathesis"
    ))
}
