//! nginx to be compared with: the machine's own, or else that of Debian's package, unpacked and not installed: installed, it
//! would begin to serve.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{apt::AptGet, machine, say};

/// Where Debian's package has it, below the folder it is unpacked into.
const PROGRAM: &str = "usr/sbin/nginx";

const WAYS_OUT: &str = "install nginx yourself, or leave it out: cargo xtask bench --without nginx";

/// What went wrong before anything was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the benchmarks need nginx, and {why}; {WAYS_OUT}")]
    Missing { why: &'static str },
    #[error("{0}; or {WAYS_OUT}")]
    Step(#[from] machine::Error),
}

/// Finds or unpacks it, after saying so; returns the program.
pub(crate) fn provide(root: &Path) -> Result<PathBuf, Error> {
    let _lock = machine::alone(root)?;
    let folder = machine::tools(root)?.join("nginx");
    let unpacked = folder.join(PROGRAM);
    // Only root's PATH leads to the second.
    let places = ["nginx".into(), Path::new("/").join(PROGRAM), unpacked];
    let found = places.iter().find(|program| runs(program));
    let program = match found {
        Some(program) => program.clone(),
        None => {
            unpack(&folder)?;
            let why = "Debian's was unpacked, but does not run";
            let unpacked = folder.join(PROGRAM);
            let runs = runs(&unpacked);
            runs.then_some(unpacked).ok_or(Error::Missing { why })?
        }
    };
    say(&format!("nginx is {}", program.display()));
    Ok(program)
}

fn runs(program: &Path) -> bool {
    machine::succeeds(Command::new(program).arg("-v")).is_some()
}

fn unpack(folder: &Path) -> Result<(), Error> {
    let apt_get = AptGet::find().map_err(|why| Error::Missing { why })?;
    machine::announce(&[format!(
        "nginx from Debian's package, unpacked into {}",
        folder.display()
    )]);
    fs::create_dir_all(folder).map_err(machine::writing(folder))?;
    apt_get.update()?;
    let hint = "check the network, and that there is a package nginx";
    let mut download = Command::new("apt-get");
    download.args(["download", "nginx"]).current_dir(folder);
    machine::step(&mut download, hint)?;
    let mut unpack = Command::new("sh");
    unpack
        .args(["-c", "dpkg-deb --extract nginx_*.deb . && rm nginx_*.deb"])
        .current_dir(folder);
    Ok(machine::step(
        &mut unpack,
        "remove the folder, and try again",
    )?)
}
