//! `cargo xtask pictures`: the README's pictures, as the browser tests took them.

use std::{collections::BTreeSet, error::Error, fs, process::ExitCode};

use clap::Args;

use crate::{root, say};

/// Where the README's pictures are, as it says.
const PICTURES: &str = "docs/pictures/";

/// Take the README's pictures from what the browser tests left in target/screenshots.
#[derive(Args)]
pub(crate) struct Arguments {}

/// Runs the task.
pub(crate) fn run(&Arguments {}: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let root = root()?;
    let readme = fs::read_to_string(root.join("README.md"))?;
    let named = named(&readme);
    fs::create_dir_all(root.join(PICTURES))?;
    for name in &named {
        let taken = root.join("target/screenshots").join(name);
        fs::copy(&taken, root.join(PICTURES).join(name)).map_err(|error| {
            format!(
                "{}: {error}; `cargo xtask test -- -p tieline-tests --test browser` takes it",
                taken.display()
            )
        })?;
    }
    say(&format!("{} pictures are in {PICTURES}", named.len()));
    Ok(ExitCode::SUCCESS)
}

/// The pictures that a text shows.
fn named(text: &str) -> BTreeSet<&str> {
    let after = text.split(PICTURES).skip(1);
    after
        .filter_map(|rest| rest.split(['"', ')', ' ']).next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_shows_pictures_that_are_there() {
        let root = root().unwrap();
        let readme = fs::read_to_string(root.join("README.md")).unwrap();
        let shown = named(&readme);
        assert!(!shown.is_empty(), "it shows none");
        let folder = fs::read_dir(root.join(PICTURES)).unwrap();
        let names: BTreeSet<_> = folder
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let there: BTreeSet<_> = names.iter().map(String::as_str).collect();
        assert_eq!(shown, there);
    }
}
