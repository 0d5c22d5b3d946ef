//! Finds the server's programs, which Debian keeps off the `PATH`. Also a part of `cargo xtask`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Names the folder of `initdb` and `postgres`; `cargo xtask test` sets it.
const VARIABLE: &str = "TIELINE_TEST_POSTGRES_BIN";

/// Where Debian has a folder for each major version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// There is no server where one was looked for.
pub(super) struct NotFound {
    pub(super) looked: String,
    /// Whether that is what the environment names.
    pub(super) named: bool,
}

pub(super) fn find() -> Result<PathBuf, NotFound> {
    let Some(named) = variable(VARIABLE) else {
        return newest().or_else(on_the_path).ok_or_else(|| NotFound {
            looked: format!("in {DEBIAN} or beside a pg_ctl on the PATH"),
            named: false,
        });
    };
    let named = PathBuf::from(named);
    if is_complete(&named) {
        return Ok(named);
    }
    Err(NotFound {
        looked: format!("in {}, which {VARIABLE} names", named.display()),
        named: true,
    })
}

fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir(DEBIAN).ok()?.filter_map(Result::ok);
    versions
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| is_complete(folder))
        .max()
        .map(|(_, folder)| folder)
}

/// The link on the `PATH` may be the only one: its target has the others beside it.
fn on_the_path() -> Option<PathBuf> {
    std::env::split_paths(&variable("PATH")?)
        .filter_map(|folder| fs::canonicalize(folder.join("pg_ctl")).ok())
        .filter_map(|program| Some(program.parent()?.to_owned()))
        .find(|folder| is_complete(folder))
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres"].map(|name| folder.join(name).is_file()) == [true; 2]
}

#[expect(
    clippy::disallowed_methods,
    reason = "it says where the test's tools are, and is no parameter of the product"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
