//! Rust in guides is Rust that runs: each excerpt stands in an example, letter for letter.

use std::fs;

const GUIDES: &[&str] = &["README.md", "docs/quick-start-embedding.md"];

#[test]
fn excerpts_of_guides_stand_in_an_example() {
    let sources: Vec<String> = super::rust_files(&super::root().join("crates/tieline/examples"))
        .iter()
        .map(|file| unindented(&fs::read_to_string(file).unwrap()))
        .collect();
    for guide in GUIDES {
        let text = fs::read_to_string(super::root().join(guide)).unwrap();
        let excerpts: Vec<&str> = text
            .split("```rust\n")
            .skip(1)
            .map(|rest| rest.split_once("```").unwrap().0)
            .collect();
        assert!(!excerpts.is_empty(), "{guide} has no Rust");
        for excerpt in excerpts {
            let words = unindented(excerpt);
            assert!(
                sources.iter().any(|source| source.contains(&words)),
                "{guide}: this stands in no example:\n{excerpt}"
            );
        }
    }
}

/// An excerpt may stand further left than its source.
fn unindented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("{}\n", line.trim()));
    lines.collect()
}
