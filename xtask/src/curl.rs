//! curl for the tests that run the guides' commands: the machine's own, or else Debian's package.

use std::{path::Path, process::Command};

use crate::{apt::AptGet, machine, say};

/// The first release with `--json`.
const OLDEST: (u32, u32) = (7, 82);

const WAYS_OUT: &str = "install curl 7.82 or newer yourself, or leave out the tests that need it: cargo xtask test --without curl";

/// What went wrong before a test could run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the tests need curl, and {why}; {WAYS_OUT}")]
    Missing { why: &'static str },
    #[error("the tests need curl 7.82 or newer, and this is {found}; {WAYS_OUT}")]
    Old { found: String },
    #[error("{0}; or {WAYS_OUT}")]
    Step(#[from] machine::Error),
}

/// Finds or installs it, after saying so.
pub(crate) fn provide(root: &Path) -> Result<(), Error> {
    let _lock = machine::alone(root)?;
    let found = match release() {
        Some(found) => found,
        None => {
            let apt_get = AptGet::find().map_err(|why| Error::Missing { why })?;
            let packages = ["curl"];
            machine::announce(&[apt_get.plan(&packages)]);
            apt_get.update()?;
            apt_get.install(&packages)?;
            let why = "it was installed, but there is still none";
            release().ok_or(Error::Missing { why })?
        }
    };
    if !is_new_enough(&found) {
        return Err(Error::Old { found });
    }
    say(&format!("curl is {found}"));
    Ok(())
}

/// The second word of `curl 7.88.1 (…)`.
fn release() -> Option<String> {
    let told = machine::succeeds(Command::new("curl").arg("--version"))?;
    told.split_whitespace().nth(1).map(str::to_owned)
}

fn is_new_enough(release: &str) -> bool {
    let mut numbers = release.split('.').map(|number| number.parse().ok());
    let (major, minor) = (numbers.next().flatten(), numbers.next().flatten());
    major.zip(minor).is_some_and(|found| found >= OLDEST)
}

#[cfg(test)]
mod tests {
    #[test]
    fn releases_before_json_are_too_old() {
        for (release, expected) in [
            ("7.81.0", false),
            ("7.82.0", true),
            ("8.0.1-DEV", true),
            ("unknown", false),
        ] {
            assert_eq!(super::is_new_enough(release), expected, "{release}");
        }
    }
}
