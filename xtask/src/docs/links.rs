//! Tests over all Markdown that people read: links lead somewhere, and the summary lists every page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::files::files_of;
use super::markdown::slug;

const SUMMARY: &str = "docs/SUMMARY.md";

/// What a page offers to links, and where its own links lead.
#[derive(Default)]
struct Outline {
    anchors: BTreeSet<String>,
    links: Vec<String>,
}

/// Follows every internal link; says what leads nowhere.
fn broken_links(root: &Path, outlines: &BTreeMap<String, Outline>) -> Vec<String> {
    let mut broken = Vec::new();
    for (page, outline) in outlines {
        for link in &outline.links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                Some(page.clone())
            } else {
                resolve(page, path)
            };
            let fault = match target {
                None => Some("leads out of the repository"),
                Some(target) if !root.join(&target).exists() => Some("leads to no file"),
                Some(target) => {
                    let known = |outline: &Outline| outline.anchors.contains(anchor);
                    let found = anchor.is_empty() || outlines.get(&target).is_some_and(known);
                    (!found).then_some("leads to no heading")
                }
            };
            broken.extend(fault.map(|fault| format!("{page}: {link} {fault}")));
        }
    }
    broken
}

/// `path` as seen from `page`, relative to the repository; `None` if it leaves it.
fn resolve(page: &str, path: &str) -> Option<String> {
    let mut steps: Vec<&str> = page.split('/').collect();
    steps.pop();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop()?;
            }
            step => steps.push(step),
        }
    }
    // A path that starts with a slash means something else on every host.
    (!path.starts_with('/')).then(|| steps.join("/"))
}

fn outline(markdown: &str) -> Outline {
    let mut outline = Outline::default();
    let mut repeated: BTreeMap<String, usize> = BTreeMap::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let slug = slug(&heading.take().unwrap_or_default());
                let count = repeated
                    .entry(slug.clone())
                    .and_modify(|count| *count += 1)
                    .or_insert(0);
                outline.anchors.insert(if *count == 0 {
                    slug
                } else {
                    format!("{slug}-{count}")
                });
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                outline.links.push(dest_url.into_string());
            }
            _ => {}
        }
    }
    outline
}

/// Everything below docs/, and the pages beside it.
fn outlines(root: &Path) -> BTreeMap<String, Outline> {
    let beside = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let paths = beside
        .chain(files_of(root, "docs").unwrap())
        .filter(|path| path.ends_with(".md"));
    paths
        .map(|path| {
            let text = fs::read_to_string(root.join(&path)).unwrap();
            (path, outline(&text))
        })
        .collect()
}

#[test]
fn every_internal_link_leads_somewhere() {
    let root = crate::root().unwrap();
    let outlines = outlines(root);
    assert!(
        outlines.values().any(|outline| !outline.links.is_empty()),
        "no links were found"
    );
    let broken = broken_links(root, &outlines);
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn the_summary_lists_every_page() {
    let outlines = outlines(crate::root().unwrap());
    let listed: BTreeSet<_> = outlines[SUMMARY]
        .links
        .iter()
        .filter_map(|link| resolve(SUMMARY, link))
        .collect();
    let pages = outlines
        .keys()
        .filter(|path| path.starts_with("docs/") && *path != SUMMARY);
    let unlisted: Vec<_> = pages.filter(|page| !listed.contains(*page)).collect();
    assert!(unlisted.is_empty(), "not in {SUMMARY}: {unlisted:?}");
}

#[test]
fn broken_links_are_found() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("docs/guide")).unwrap();
    fs::write(
        root.path().join("README.md"),
        "# A `b` c\n# A b c\n[ok](#a-b-c) [ok](#a-b-c-1) [no](#a-b-c-2) [ok](docs/guide/one.md#one) `[x](code.md)`\n",
    )
    .unwrap();
    fs::write(
        root.path().join("docs/guide/one.md"),
        "# One\n[ok](../../README.md) [ok](https://acme.example/x.md) [no](two.md) [no](../../../README.md) \
         [no](/README.md) ![no](picture.png)\n\n| A |\n|---|\n| [no](#two) |\n",
    )
    .unwrap();
    assert_eq!(
        broken_links(root.path(), &outlines(root.path())),
        [
            "README.md: #a-b-c-2 leads to no heading",
            "docs/guide/one.md: two.md leads to no file",
            "docs/guide/one.md: ../../../README.md leads out of the repository",
            "docs/guide/one.md: /README.md leads out of the repository",
            "docs/guide/one.md: picture.png leads to no file",
            "docs/guide/one.md: #two leads to no heading",
        ]
    );
}
