//! Debian's package manager, for what tests need of the whole machine.

use std::process::Command;

use crate::machine::{Error, step, succeeds};

/// An `apt-get` that may install.
pub(crate) struct AptGet {
    /// What makes a command root's.
    as_root: &'static [&'static str],
}

impl AptGet {
    /// The machine's, or why it can't be used.
    pub(crate) fn find() -> Result<Self, &'static str> {
        if succeeds(Command::new("apt-get").arg("--version")).is_none() {
            return Err("this system has no apt-get to install it with");
        }
        let user = succeeds(Command::new("id").arg("-u"));
        if user.is_some_and(|user| user.trim() == "0") {
            return Ok(Self { as_root: &[] });
        }
        match succeeds(Command::new("sudo").arg("--version")) {
            Some(_) => Ok(Self { as_root: &["sudo"] }),
            None => Err("only root can install it, and there is no sudo"),
        }
    }

    /// For the list of what will be installed.
    pub(crate) fn plan(&self, packages: &[&str]) -> String {
        let with = [self.as_root, &["apt-get"]].concat().join(" ");
        format!(
            "{}, for the whole machine, with {with}",
            packages.join(" and ")
        )
    }

    /// Fetches the lists of packages, without which there may be none.
    pub(crate) fn update(&self) -> Result<(), Error> {
        self.run(&["apt-get", "update"])
    }

    pub(crate) fn install(&self, packages: &[&str]) -> Result<(), Error> {
        // Nobody is there to answer a package's questions; each has a default.
        let quietly = [
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "install",
            "--yes",
            "--no-install-recommends",
        ];
        self.run(&[&quietly, packages].concat())
    }

    /// Runs a command as root.
    pub(crate) fn run(&self, command: &[&str]) -> Result<(), Error> {
        let words = [self.as_root, command].concat();
        step(
            Command::new(words[0]).args(&words[1..]),
            "check the network, and that you may install packages",
        )
    }
}
