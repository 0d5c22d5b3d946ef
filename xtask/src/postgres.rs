//! PostgreSQL for the tests that crash one: the machine's own, or else Debian's package.

#[path = "../../tests/src/postgres/programs.rs"]
mod programs;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{apt::AptGet, machine, say};

/// Debian's packages: the server, and `ps`, by which the tests find its processes.
const SERVER: &str = "postgresql";
const PS: &str = "procps";

/// Says that Debian's package makes no cluster of the machine's own. Comes with `postgresql-common`.
const CREATE_CLUSTER: &str = "/etc/postgresql-common/createcluster.conf";

const WAYS_OUT: &str = "install PostgreSQL yourself and name the folder of its initdb in TIELINE_TEST_POSTGRES_BIN, or \
                        leave out the tests that need it: cargo xtask test --without postgres";

/// What went wrong before a test could run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "there is no initdb {looked}: correct the variable, or unset it to have PostgreSQL looked for"
    )]
    Named { looked: String },
    #[error(
        "the tests need {packages}, and {why}; run `apt-get install {packages}` as root (or what does that on this \
         system), {WAYS_OUT}"
    )]
    Missing { packages: String, why: &'static str },
    #[error("PostgreSQL was installed, but there is still none {looked}; {WAYS_OUT}")]
    Unusable { looked: String },
    #[error("{0}; or {WAYS_OUT}")]
    Step(#[from] machine::Error),
}

/// Finds or installs a server, after saying what will be installed; returns the folder of its programs.
pub(crate) fn provide(root: &Path) -> Result<PathBuf, Error> {
    let _lock = machine::alone(root)?;
    let mut packages = Vec::new();
    match programs::find() {
        Ok(_) => {}
        Err(programs::NotFound { looked, named }) if named => return Err(Error::Named { looked }),
        Err(_) => packages.push(SERVER),
    }
    if machine::succeeds(Command::new("ps").args(["-o", "pid="])).is_none() {
        packages.push(PS);
    }
    if !packages.is_empty() {
        install(&packages)?;
    }
    let folder = programs::find().map_err(|missing| Error::Unusable {
        looked: missing.looked,
    })?;
    say(&format!("PostgreSQL is {}", folder.display()));
    Ok(folder)
}

fn install(packages: &[&str]) -> Result<(), Error> {
    let apt_get = AptGet::find().map_err(|why| Error::Missing {
        packages: packages.join(" "),
        why,
    })?;
    let mut plan = vec![apt_get.plan(packages)];
    // Who has the file has decided already.
    let is_first = packages.contains(&SERVER) && !Path::new(CREATE_CLUSTER).exists();
    if is_first {
        plan.push(format!(
            "create_main_cluster = off into {CREATE_CLUSTER}, so that no server is started but the tests'"
        ));
    }
    machine::announce(&plan);
    apt_get.update()?;
    if is_first {
        apt_get.install(&["postgresql-common"])?;
        let no_cluster = ["set", "create_main_cluster", "off"];
        apt_get.run(&[&["pg_conftool", CREATE_CLUSTER][..], &no_cluster].concat())?;
    }
    Ok(apt_get.install(packages)?)
}
