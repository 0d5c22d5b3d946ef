//! What is true of one provider belongs into its crate: no provider's name stands in the crates that serve them all.

use std::collections::BTreeSet;

use tieline::Registry;

const NEUTRAL: &[&str] = &["core", "oauth", "store", "engine", "server"];

#[test]
fn no_providers_name_stands_in_the_neutral_crates() {
    let registry = Registry::discover().unwrap();
    let names: BTreeSet<String> = registry
        .iter()
        .map(|provider| provider.descriptor())
        .flat_map(|known| {
            [known.id, known.vendor]
                .into_iter()
                .chain(known.aliases.iter().copied())
        })
        .map(str::to_lowercase)
        .collect();
    assert!(names.contains("infusionsoft"), "{names:?}");
    let mut found = Vec::new();
    for folder in NEUTRAL
        .iter()
        .map(|name| super::root().join("crates").join(name).join("src"))
    {
        for file in if folder.exists() {
            super::rust_files(&folder)
        } else {
            Vec::new()
        } {
            let text = std::fs::read_to_string(&file).unwrap().to_lowercase();
            for (line, words) in (1..).zip(text.lines()) {
                let told = names.iter().filter(|name| words.contains(name.as_str()));
                found.extend(
                    told.map(|name| format!("{}:{line} says {name}; say acme", file.display())),
                );
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
