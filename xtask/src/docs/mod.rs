//! `cargo xtask docs`: writes the pages that are generated from the providers' descriptors, or checks them.

mod api;
mod callback_url;
mod captures;
mod connect;
mod consent;
mod environment;
mod examples;
mod files;
mod formats;
mod give;
mod index;
#[cfg(test)]
mod invented;
mod lead;
#[cfg(test)]
mod links;
mod lives;
mod markdown;
mod optional;
mod owner;
mod page;
mod places;
mod reference;
mod steps;
mod tables;
mod tokens;
mod unusual;
mod ways;
mod words;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;
use tieline::Registry;

#[cfg(test)]
pub(crate) use files::files_of;

use crate::{root, say};
use files::Page;

/// Write the generated pages: docs/providers, and parts of docs/reference.
///
/// They come from the descriptors of all linked providers. Pages that nothing generates any more are removed.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Write nothing; show what differs, and fail if anything does.
    #[arg(long)]
    check: bool,
}

/// Runs the task; with `--check`, the exit code tells whether the pages are up to date.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let root = root()?;
    let pages = pages(&Registry::discover()?);
    let mut drift = files::drift(root, &pages)?;
    let mut cure = "run `cargo xtask docs`";
    if !arguments.check {
        for done in files::mend(root, &pages, &drift)? {
            say(&done);
        }
        drift = files::drift(root, &pages)?;
        cure = "this can't be mended by writing";
    }
    if drift.is_empty() {
        say(&format!(
            "all {} generated pages are up to date",
            pages.len()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let mut output = std::io::stdout().lock();
    for drift in &drift {
        write!(output, "{drift}")?;
    }
    Err(format!("docs differ from their sources: {cure}").into())
}

/// All generated pages.
fn pages(registry: &Registry) -> Vec<Page> {
    let mut pages: Vec<_> = registry
        .iter()
        .map(|provider| page::render(provider.descriptor()))
        .collect();
    pages.push(index::render(registry));
    pages.push(reference::credential_mapping(registry));
    pages.push(reference::parameters(registry));
    pages.push(environment::render(registry));
    pages.push(unusual::render(registry));
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_pages_are_up_to_date() {
        let drift = files::drift(root().unwrap(), &pages(&Registry::discover().unwrap())).unwrap();
        let told: String = drift.iter().map(ToString::to_string).collect();
        assert!(drift.is_empty(), "run `cargo xtask docs`:\n{told}");
    }

    #[test]
    fn no_two_pages_are_one_file() {
        for registry in [Registry::discover().unwrap(), invented::registry()] {
            let mut paths: Vec<_> = pages(&registry).into_iter().map(|page| page.path).collect();
            let count = paths.len();
            paths.sort();
            paths.dedup();
            assert_eq!(paths.len(), count, "{paths:?}");
        }
    }

    #[test]
    fn pages_are_plain_text_files() {
        let (linked, invented) = (Registry::discover().unwrap(), invented::registry());
        for page in pages(&linked).into_iter().chain(pages(&invented)) {
            let (path, text) = (page.path, page.text);
            assert!(text.starts_with(files::MARK), "{path}");
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{path}");
            assert!(
                !text.contains('\r') && !text.contains(env!("CARGO_MANIFEST_DIR")),
                "{path}"
            );
        }
    }
}
