//! Chromium for the tests of pages, with the driver that they speak to: the machine's own, or else Debian's packages.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{apt::AptGet, machine, node, say};

/// The programs, which Debian has in a package each.
const PROGRAMS: [&str; 2] = ["chromium", "chromedriver"];
const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

const WAYS_OUT: &str = "put a chromium and the chromedriver of its version on the PATH yourself, or leave out the tests that need \
                        them: cargo xtask test --without chromium";

/// What went wrong before a test could run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the tests of pages need chromium and chromedriver, and {why}; {WAYS_OUT}")]
    Missing { why: &'static str },
    #[error(
        "the tests need a chromedriver of the browser's version, and there are {found}; {WAYS_OUT}"
    )]
    Apart { found: String },
    #[error(transparent)]
    Node(#[from] node::Error),
    #[error("{0}; or {WAYS_OUT}")]
    Step(#[from] machine::Error),
}

/// Finds or installs them, what judges pages, and the provider that people consent at, after saying so; returns the program that
/// runs that one.
pub(crate) fn provide(root: &Path) -> Result<PathBuf, Error> {
    node::provide(root, &node::AXE_CORE)?;
    let node = node::provide(root, &node::OIDC_PROVIDER)?;
    let _lock = machine::alone(root)?;
    let found = match releases() {
        Some(found) => found,
        None => {
            let apt_get = AptGet::find().map_err(|why| Error::Missing { why })?;
            machine::announce(&[apt_get.plan(&PACKAGES)]);
            apt_get.update()?;
            apt_get.install(&PACKAGES)?;
            let why = "they were installed, but still do not run";
            releases().ok_or(Error::Missing { why })?
        }
    };
    let told = found.join(" and ");
    if !are_of_one_version(&found) {
        return Err(Error::Apart { found: told });
    }
    say(&format!("the browser is {told}"));
    Ok(node.program)
}

/// What both say of themselves.
fn releases() -> Option<[String; 2]> {
    let [browser, driver] = PROGRAMS.map(|program| {
        let told = machine::succeeds(Command::new(program).arg("--version"))?;
        told.lines().next().map(|line| line.trim().to_owned())
    });
    Some([browser?, driver?])
}

/// The driver's second word is the same as the browser's, as far as the first dot.
fn are_of_one_version(releases: &[String; 2]) -> bool {
    let [browser, driver] = releases.each_ref().map(|told| {
        let version = told.split_whitespace().nth(1)?;
        version.split('.').next()
    });
    browser.is_some() && browser == driver
}

#[cfg(test)]
mod tests {
    #[test]
    fn browser_and_driver_are_of_one_version() {
        let browser = "Chromium 156.0.8078.73 built on Debian GNU/Linux 12 (bookworm)";
        for (driver, expected) in [
            ("ChromeDriver 156.0.8078.73 (0123abc)", true),
            ("ChromeDriver 156.0.8000.1", true),
            ("ChromeDriver 155.0.8078.73", false),
            ("ChromeDriver", false),
        ] {
            let releases = [browser, driver].map(str::to_owned);
            assert_eq!(super::are_of_one_version(&releases), expected, "{driver}");
        }
        assert!(!super::are_of_one_version(&[String::new(), String::new()]));
    }
}
