//! `cargo xtask new-provider`: makes a provider's crate, its vendor's file and the lines that link it.

mod manifests;
mod names;
#[cfg(test)]
mod tests;
mod text;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use clap::Args;
use tieline::Registry;

use crate::{root, say};
use names::Names;

/// Make a provider's crate, its vendor's file, and the lines that link it.
///
/// What is made compiles, and every fact in it is a placeholder: `cargo xtask tidy` lists those that are left.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Names the provider everywhere: lower-case letters, digits and dashes.
    id: String,
    /// What people call it. Default: the id in words.
    name: Option<String>,
    /// The workspace to work in.
    #[arg(long, hide = true)]
    root: Option<PathBuf>,
}

/// Runs the task; nothing is written unless everything can be.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let names = Names::new(&arguments.id, arguments.name.as_deref())?;
    if let Ok(known) = Registry::discover()?.provider(&names.id) {
        let (taken, id) = (&names.id, known.descriptor().id);
        return Err(
            format!("{taken} is taken: it is the provider {id}, or another name of it").into(),
        );
    }
    let root = match &arguments.root {
        Some(root) => root,
        None => root()?,
    };
    for file in create(root, &names)? {
        say(&format!("wrote {file}"));
    }
    say(&next(&names.id));
    Ok(ExitCode::SUCCESS)
}

/// What there is to do, as CONTRIBUTING.md has it.
fn next(id: &str) -> String {
    format!(
        "next:\n  \
         1. fill in crates/providers/{id}/src/lib.rs, and tests/vendors/{id}.json without looking at it\n  \
         2. cargo xtask docs\n  \
         3. cargo test -p tieline-{id}\n     \
         misses two snapshots\n  \
         4. UPDATE_SNAPSHOTS=1 cargo test -p tieline-{id}\n     \
         writes them, the authorization URL and the transcript of what went over the wire: review both\n  \
         5. cargo test -p tieline-{id}\n     \
         is green\n  \
         6. INSTA_UPDATE=always cargo test -p tieline-cli\n     \
         writes the command line's lists of all providers: review those too\n  \
         7. cargo xtask tidy\n     \
         lists the placeholders that are left"
    )
}

/// Makes everything below `root`, and tells which files it wrote.
fn create(root: &Path, names: &Names) -> Result<Vec<String>, Box<dyn Error>> {
    let id = &names.id;
    let folder = format!("crates/providers/{id}");
    let vendor = format!("tests/vendors/{id}.json");
    for taken in [&folder, &vendor] {
        if root.join(taken).exists() {
            return Err(format!("{taken} exists: nothing was changed").into());
        }
    }
    // The workspace's own crates are tieline-… too.
    for taken in [id.clone(), format!("crates/{id}")] {
        if root.join(&taken).is_dir() {
            return Err(
                format!("tieline-{id} would pass for a crate of the workspace, {taken}").into(),
            );
        }
    }
    let fill = |template| names.fill(template);
    // What links the crate comes last, so that a failure on the way leaves no workspace that can't be read.
    let files = [
        (
            format!("{folder}/src/lib.rs"),
            fill(include_str!("templates/lib.rs.in")),
        ),
        (
            format!("{folder}/tests/conformance.rs"),
            fill(include_str!("templates/conformance.rs.in")),
        ),
        (vendor, fill(include_str!("templates/vendor.json.in"))),
        (
            format!("{folder}/Cargo.toml"),
            fill(include_str!("templates/Cargo.toml.in")),
        ),
        changed(root, "Cargo.toml", |text| manifests::workspace(text, id))?,
        changed(root, "crates/tieline/src/lib.rs", |text| {
            text::link(text, names)
        })?,
        changed(root, "docs/SUMMARY.md", |text| text::list(text, names))?,
        changed(root, "crates/tieline/Cargo.toml", |text| {
            manifests::facade(text, id)
        })?,
    ];
    for (path, text) in &files {
        write(&root.join(path), text).map_err(|error| format!("can't write {path}: {error}"))?;
    }
    Ok(files.map(|(path, _)| path).into())
}

/// A file as it is to be: its path and its text.
fn changed(
    root: &Path,
    path: &str,
    change: impl FnOnce(&str) -> Result<String, Box<dyn Error>>,
) -> Result<(String, String), String> {
    let text = fs::read_to_string(root.join(path)).map_err(Box::from);
    match text.and_then(|text| change(&text)) {
        Ok(text) => Ok((path.to_owned(), text)),
        Err(error) => Err(format!("{path}: {error}; nothing was changed")),
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, text)
}
