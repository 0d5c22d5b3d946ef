//! The kinds of events are a closed list: what is written stands on it, and the docs tell of each.

use std::collections::BTreeSet;

use tieline_store::EVENT_KINDS;

/// What the name of a kind begins with: what it happened to.
const SUBJECTS: &[&str] = &[
    "api_key.",
    "app.",
    "authorization.",
    "instance.",
    "tenant.",
    "webhook.",
];
/// What a webhook may be told that is no event.
const NO_EVENT: &str = "webhook.test";

#[test]
fn every_kind_that_is_written_is_on_the_list_and_the_other_way_round() {
    let mut written = BTreeSet::new();
    for folder in ["crates/store/src", "crates/engine/src"] {
        for file in super::rust_files(&super::root().join(folder)) {
            if file.ends_with("event_kinds.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            let (code, _tests) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
            let code = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                // In SQL they stand in single quotes.
                let literals = line.split(['"', '\'']).filter(|text| is_kind(text));
                written.extend(literals.map(str::to_owned));
            }
        }
    }
    written.remove(NO_EVENT);
    let listed: BTreeSet<_> = EVENT_KINDS
        .iter()
        .map(|kind| kind.name.to_owned())
        .collect();
    assert_eq!(written, listed);
}

#[test]
fn the_docs_tell_of_each_kind() {
    let page = std::fs::read_to_string(super::root().join("docs/webhooks.md")).unwrap();
    for kind in EVENT_KINDS {
        let row = format!("| `{}` | {} |", kind.name, kind.means);
        assert!(page.contains(&row), "docs/webhooks.md has no row {row}");
    }
}

fn is_kind(text: &str) -> bool {
    let rest = SUBJECTS
        .iter()
        .find_map(|subject| text.strip_prefix(subject));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    })
}
