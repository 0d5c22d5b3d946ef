//! The rules of the house, as tests: who may import whom, whose name stands where, and what is in step with what.

#![expect(
    clippy::unwrap_used,
    reason = "a test that can't read the workspace has failed"
)]

mod dependencies;
mod event_kinds;
mod facade;
mod guides;
mod names;
mod outside;
mod sizes;

use std::path::{Path, PathBuf};

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The folders of the providers' crates.
fn providers() -> Vec<PathBuf> {
    let folder = root().join("crates/providers");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

/// All Rust files below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
