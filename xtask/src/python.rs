//! What tests run in Python, django-oauth-toolkit and schemathesis: installed with pip into the repository's folder.

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

/// A package and all that it needs.
pub(crate) struct Packages {
    /// Its name on PyPI, and that of the folder below `target/tools`.
    name: &'static str,
    /// Names each package with the hashes of its files; a copy of it is a part of what marks a complete installation.
    requirements: &'static str,
    sizes: &'static str,
}

pub(crate) const DJANGO: Packages = Packages {
    name: "django-oauth-toolkit",
    requirements: include_str!("../python/django.txt"),
    sizes: "14 MB to download, 80 MB on disk",
};

pub(crate) const SCHEMATHESIS: Packages = Packages {
    name: "schemathesis",
    requirements: include_str!("../python/schemathesis.txt"),
    sizes: "12 MB to download, 45 MB on disk",
};

const WAYS_OUT: &str = "leave out the tests that need it: cargo xtask test --without python";

/// What went wrong before a test could run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "{name} is fetched with Python's pip, which is missing, and {why}; run `apt-get install python3 \
         python3-pip` as root (or what does that on this system), or {WAYS_OUT}"
    )]
    NoPip {
        name: &'static str,
        why: &'static str,
    },
    #[error(
        "python3 is older than 3.{OLDEST}, which the tests need: install a newer one and put it on the PATH, or \
         {WAYS_OUT}"
    )]
    Old,
    #[error("{0}; or {WAYS_OUT}")]
    Step(#[from] machine::Error),
}

/// Installs what is missing, after saying what and where; the folder of the packages.
pub(crate) fn provide(root: &Path, packages: &Packages) -> Result<PathBuf, Error> {
    let _lock = machine::alone(root)?;

    let name = packages.name;
    let folder = machine::tools(root)?.join(name);
    if (packages.stamp()?).is_some_and(|stamp| is_complete(&folder, &stamp)) {
        say(&format!(
            "{name} is in {}, nothing to install for it",
            folder.display()
        ));
        return Ok(folder);
    }
    let apt_get = if has_pip() {
        None
    } else {
        Some(AptGet::find().map_err(|why| Error::NoPip { name, why })?)
    };
    let mut plan: Vec<_> = apt_get
        .iter()
        .map(|apt_get| apt_get.plan(&PYTHON))
        .collect();
    plan.push(format!(
        "{} (PyPI, with what it needs: {}) into {}",
        packages.release(),
        packages.sizes,
        folder.display()
    ));
    machine::announce(&plan);
    if let Some(apt_get) = apt_get {
        apt_get.update()?;
        apt_get.install(&PYTHON)?;
    }
    // As it is now: Python may have come only just.
    install(&folder, &packages.stamp()?.unwrap_or_default())?;
    Ok(folder)
}

impl Packages {
    fn release(&self) -> &'static str {
        let mut lines = self.requirements.lines();
        let line = lines.find(|line| line.split("==").next() == Some(self.name));
        line.unwrap_or_default().trim_end_matches([' ', '\\'])
    }

    /// What marks a complete installation for this Python: some of the packages are compiled for one version of it.
    /// `None`: there is no Python yet.
    fn stamp(&self) -> Result<Option<String>, Error> {
        let script = "import sys; print(sys.version_info[:2] >= (3, int(sys.argv[1])), sys.implementation.cache_tag, sys.platform)";
        let told = succeeds(Command::new("python3").args(["-c", script, &OLDEST.to_string()]));
        match told {
            Some(told) if told.starts_with("True") => {
                Ok(Some(format!("{}# {told}", self.requirements)))
            }
            Some(_) => Err(Error::Old),
            None => Ok(None),
        }
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
        for packages in [DJANGO, SCHEMATHESIS] {
            let text = packages.requirements.replace("\\\n", " ");
            let requirements = text.lines().filter(|line| !line.starts_with('#'));
            for requirement in requirements {
                let is_pinned =
                    requirement.contains("==") && requirement.contains("--hash=sha256:");
                assert!(is_pinned, "{requirement}");
            }
            let release = packages.release();
            assert!(release.contains("=="), "{release}");
        }
    }
}
