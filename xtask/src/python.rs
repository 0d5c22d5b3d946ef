//! django-oauth-toolkit for the anchor tests: installed with pip into the repository's folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    apt::AptGet,
    machine::{self, step, succeeds, writing},
    node::{PYTHON, has_pip, remove},
    say,
};

/// The oldest minor version of Python 3 that the packages run on.
const OLDEST: u32 = 11;

/// Names each package with the hashes of its files; a copy of it is a part of what marks a complete installation.
const REQUIREMENTS: &str = include_str!("../python-requirements.txt");

const WAYS_OUT: &str = "leave out the tests that need it: cargo xtask test --without python";

/// What went wrong before a test could run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "django-oauth-toolkit is fetched with Python's pip, which is missing, and {why}; run `apt-get install python3 \
         python3-pip` as root (or what does that on this system), or {WAYS_OUT}"
    )]
    NoPip { why: &'static str },
    #[error(
        "python3 is older than 3.{OLDEST}, which django-oauth-toolkit needs: install a newer one and put it on the PATH, or \
         {WAYS_OUT}"
    )]
    Old,
    #[error("{0}; or {WAYS_OUT}")]
    Step(#[from] machine::Error),
}

/// Installs what is missing, after saying what and where; the folder of the packages.
pub(crate) fn provide(root: &Path) -> Result<PathBuf, Error> {
    let _lock = machine::alone(root)?;

    let folder = machine::tools(root)?.join("django");
    if stamp()?.is_some_and(|stamp| is_complete(&folder, &stamp)) {
        say(&format!(
            "django-oauth-toolkit is in {}, nothing to install for it",
            folder.display()
        ));
        return Ok(folder);
    }
    let apt_get = if has_pip() {
        None
    } else {
        Some(AptGet::find().map_err(|why| Error::NoPip { why })?)
    };
    let mut plan: Vec<_> = apt_get
        .iter()
        .map(|apt_get| apt_get.plan(&PYTHON))
        .collect();
    plan.push(format!(
        "{} (PyPI, with what it needs: 14 MB to download, 80 MB on disk) into {}",
        release(),
        folder.display()
    ));
    machine::announce(&plan);
    if let Some(apt_get) = apt_get {
        apt_get.update()?;
        apt_get.install(&PYTHON)?;
    }
    // As it is now: Python may have come only just.
    install(&folder, &stamp()?.unwrap_or_default())?;
    Ok(folder)
}

fn release() -> &'static str {
    let mut lines = REQUIREMENTS.lines();
    let line = lines.find(|line| line.starts_with("django-oauth-toolkit=="));
    line.unwrap_or_default().trim_end_matches([' ', '\\'])
}

/// What marks a complete installation for this Python: some of the packages are compiled for one version of it.
/// `None`: there is no Python yet.
fn stamp() -> Result<Option<String>, Error> {
    let script = "import sys; print(sys.version_info[:2] >= (3, int(sys.argv[1])), sys.implementation.cache_tag, sys.platform)";
    let told = succeeds(Command::new("python3").args(["-c", script, &OLDEST.to_string()]));
    match told {
        Some(told) if told.starts_with("True") => Ok(Some(format!("{REQUIREMENTS}# {told}"))),
        Some(_) => Err(Error::Old),
        None => Ok(None),
    }
}

fn is_complete(folder: &Path, stamp: &str) -> bool {
    fs::read_to_string(folder.join("installed.txt")).is_ok_and(|found| found == stamp)
}

/// Installs beside the folder and renames at the end, so that an interruption leaves nothing that looks complete.
fn install(folder: &Path, stamp: &str) -> Result<(), Error> {
    let partial = folder.with_extension("partial");
    remove(&partial, fs::remove_dir_all)?;
    fs::create_dir(&partial).map_err(writing(&partial))?;
    let requirements = partial.join("installed.txt");
    fs::write(&requirements, stamp).map_err(writing(&requirements))?;
    step(
        Command::new("python3")
            .args(["-m", "pip", "install", "--require-hashes", "--no-deps"])
            .args(["--only-binary=:all:", "--disable-pip-version-check"])
            .args(["--quiet", "--target"])
            .arg(&partial)
            .arg("--requirement")
            .arg(&requirements)
            .env("PIP_ROOT_USER_ACTION", "ignore"),
        "check the network",
    )?;
    remove(folder, fs::remove_dir_all)?;
    fs::rename(&partial, folder).map_err(writing(folder))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_pinned_and_hashed() {
        let text = REQUIREMENTS.replace("\\\n", " ");
        let requirements = text.lines().filter(|line| !line.starts_with('#'));
        for requirement in requirements {
            let is_pinned = requirement.contains("==") && requirement.contains("--hash=sha256:");
            assert!(is_pinned, "{requirement}");
        }
        assert!(
            release().starts_with("django-oauth-toolkit==3."),
            "{}",
            release()
        );
    }
}
