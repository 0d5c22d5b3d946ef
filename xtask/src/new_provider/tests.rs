//! Tests of the task, in a scratch copy of what it changes.

use std::collections::BTreeMap;

use toml_edit::DocumentMut;

use super::*;
use crate::docs::files_of;

const CHANGED: [&str; 4] = [
    "Cargo.toml",
    "crates/tieline/Cargo.toml",
    "crates/tieline/src/lib.rs",
    "docs/SUMMARY.md",
];

/// A copy of the files that the task changes.
fn scratch() -> tempfile::TempDir {
    let scratch = tempfile::tempdir().unwrap();
    for path in CHANGED {
        let text = fs::read_to_string(root().unwrap().join(path)).unwrap();
        write(&scratch.path().join(path), &text).unwrap();
    }
    scratch
}

fn make(root: &Path, id: &str, name: Option<&str>) -> Result<Vec<String>, String> {
    let names = Names::new(id, name)?;
    create(root, &names).map_err(|error| error.to_string())
}

fn contents(root: &Path) -> BTreeMap<String, String> {
    let paths = ["crates", "docs", "tests"].map(|folder| files_of(root, folder).unwrap());
    let paths = paths.into_iter().flatten().chain(["Cargo.toml".to_owned()]);
    paths
        .map(|path| (path.clone(), fs::read_to_string(root.join(path)).unwrap()))
        .collect()
}

fn manifest(root: &Path, path: &str) -> DocumentMut {
    fs::read_to_string(root.join(path))
        .unwrap()
        .parse()
        .unwrap()
}

fn added(before: &str, after: &str) -> Vec<String> {
    let diff = similar::TextDiff::from_lines(before, after);
    let changes = diff
        .iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal);
    changes
        .map(|change| format!("{}{}", change.tag(), change.value().trim_end()))
        .collect()
}

#[test]
fn a_provider_is_made_and_linked_and_nothing_else_changes() {
    let scratch = scratch();
    let before = contents(scratch.path());
    let written = make(scratch.path(), "zz-crm", Some("Zz \"CRM\"")).unwrap();
    let after = contents(scratch.path());
    let new: Vec<&String> = after
        .keys()
        .filter(|path| !before.contains_key(*path))
        .collect();
    assert_eq!(
        new,
        [
            "crates/providers/zz-crm/Cargo.toml",
            "crates/providers/zz-crm/src/lib.rs",
            "crates/providers/zz-crm/tests/conformance.rs",
            "tests/vendors/zz-crm.json",
        ]
    );
    assert_eq!(written.len(), new.len() + CHANGED.len());

    let difference = |path: &str| added(&before[path], &after[path]);
    assert_eq!(
        difference("Cargo.toml"),
        ["+tieline-zz-crm = { path = \"crates/providers/zz-crm\" }"]
    );
    assert_eq!(
        difference("docs/SUMMARY.md"),
        ["+- [Zz \"CRM\"](providers/zz-crm.md)"]
    );
    assert_eq!(
        difference("crates/tieline/src/lib.rs"),
        [
            "+#[cfg(feature = \"zz-crm\")]",
            "+pub use tieline_zz_crm as zz_crm;"
        ]
    );
    let lines = difference("crates/tieline/Cargo.toml");
    for line in [
        "+zz-crm = [\"dep:tieline-zz-crm\"]",
        "+tieline-zz-crm = { workspace = true, optional = true }",
    ] {
        assert!(
            lines.iter().any(|found| found == line),
            "{line} is not in {lines:?}"
        );
    }

    let own = manifest(scratch.path(), "crates/providers/zz-crm/Cargo.toml");
    assert_eq!(own["package"]["name"].as_str(), Some("tieline-zz-crm"));
    assert_eq!(
        own["package"]["description"].as_str(),
        Some("Zz \"CRM\" for Tieline.")
    );
    let source = &after["crates/providers/zz-crm/src/lib.rs"];
    assert!(
        source.contains("::new(\"zz-crm\", \"Zz \\\"CRM\\\"\", MAPPINGS)"),
        "{source}"
    );
    assert!(source.contains("register_provider!(ZzCrm);"), "{source}");
    assert!(source.lines().count() <= 160);
    let vendor: serde_json::Value =
        serde_json::from_str(&after["tests/vendors/zz-crm.json"]).unwrap();
    assert_eq!(
        (&vendor["id"], &vendor["title"]),
        (&"zz-crm".into(), &"Zz \"CRM\"".into())
    );
}

#[test]
fn each_fact_of_the_vendors_file_is_marked_or_named_where_it_is_to_be_checked() {
    let names = Names::new("zz", None).unwrap();
    let vendor = names.fill(include_str!("templates/vendor.json.in"));
    let vendor: serde_json::Value = serde_json::from_str(&vendor).unwrap();
    let about = vendor["about"].as_array().unwrap().iter();
    let named: Vec<&str> = about
        .map(|entry| entry.as_str().unwrap())
        .filter_map(|entry| entry.strip_prefix("PLACEHOLDER: check these members, "))
        .flat_map(|entry| entry.trim_end_matches('.').split([' ', ',']))
        .filter(|word| word.contains('.'))
        .collect();
    let is_marked = |fact: &serde_json::Value| {
        let text = fact.to_string();
        text.contains("placeholder.invalid") || text.contains("PLACEHOLDER")
    };
    let mut unmarked = Vec::new();
    for section in ["authorization", "token", "revocation", "api"] {
        for (member, fact) in vendor[section].as_object().unwrap() {
            if fact.is_object() || member == "routes" || !is_marked(fact) {
                unmarked.push(format!("{section}.{member}"));
            }
        }
    }
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let named = named.into_iter().map(str::to_owned).collect();
    assert_eq!(sorted(named), sorted(unmarked));
}

#[test]
fn what_is_next_is_what_contributing_says() {
    let contributing = fs::read_to_string(root().unwrap().join("CONTRIBUTING.md")).unwrap();
    let contributing = contributing.replace("<id>", "zz");
    let (_, mut rest) = contributing.split_once("## Add a provider").unwrap();
    let next = next("zz");
    let commands = next.lines().filter_map(|line| line.trim().split_once(". "));
    let commands: Vec<_> = commands
        .map(|(_, command)| command)
        .filter(|command| command.contains("cargo "))
        .collect();
    assert_eq!(commands.len(), 6, "{next}");
    for command in commands {
        let found = rest.split_once(command);
        (_, rest) = found.unwrap_or_else(|| panic!("{command} is not where it belongs"));
    }
}

#[test]
fn every_list_stays_sorted_whatever_comes_first() {
    let scratch = scratch();
    let known = |root: &Path| -> Vec<String> {
        let facade = manifest(root, "crates/tieline/Cargo.toml");
        let all = facade["features"]["all-providers"].as_array().unwrap();
        all.iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect()
    };
    let mut expected = known(scratch.path());
    for id in ["mm", "zz", "aa", "a0-b", "zzz"] {
        make(scratch.path(), id, None).unwrap();
        expected.push(id.to_owned());
    }
    expected.sort();
    assert_eq!(known(scratch.path()), expected);
    assert_eq!(cfg_features(scratch.path()), expected);

    let facade = manifest(scratch.path(), "crates/tieline/Cargo.toml");
    let features: Vec<&str> = facade["features"]
        .as_table()
        .unwrap()
        .iter()
        .map(|(name, _)| name)
        .collect();
    let ours: Vec<&str> = features
        .iter()
        .copied()
        .filter(|name| expected.iter().any(|id| id == name))
        .collect();
    assert_eq!(ours, expected);
    assert_eq!(features.first(), Some(&"default"));
    let dependencies: Vec<&str> = facade["dependencies"]
        .as_table()
        .unwrap()
        .iter()
        .map(|(name, _)| name)
        .collect();
    assert!(dependencies.is_sorted(), "{dependencies:?}");
    let workspace = fs::read_to_string(scratch.path().join("Cargo.toml")).unwrap();
    let house = workspace
        .split_once("# The house.\n")
        .unwrap()
        .1
        .split_once("\n\n")
        .unwrap()
        .0;
    let house: Vec<&str> = house
        .lines()
        .map(|line| line.split_once(" = ").unwrap().0)
        .collect();
    assert!(
        house.is_sorted() && house.contains(&"tieline-a0-b"),
        "{house:?}"
    );
}

fn cfg_features(root: &Path) -> Vec<String> {
    let source = fs::read_to_string(root.join("crates/tieline/src/lib.rs")).unwrap();
    let features = source.lines().filter_map(|line| {
        line.strip_prefix("#[cfg(feature = \"")?
            .strip_suffix("\")]")
    });
    features
        .filter(|feature| !["engine", "server"].contains(feature))
        .map(str::to_owned)
        .collect()
}

#[test]
fn lists_keep_the_way_they_are_written() {
    let one_a_line = "[features]\nall-providers = [\n    \"bb\",\n    # Why.\n    \"dd\",\n]\nbb = [\"dep:tieline-bb\"] # b\n\
                      dd = [\"dep:tieline-dd\"]\n\n[dependencies]\n";
    let line = "[features]\nall-providers = [\"bb\"]\nbb = []\n\n[dependencies]\n";
    for (before, id, all) in [
        (
            one_a_line,
            "aa",
            "[\n    \"aa\",\n    \"bb\",\n    # Why.\n    \"dd\",\n]",
        ),
        (
            one_a_line,
            "ee",
            "[\n    \"bb\",\n    # Why.\n    \"dd\",\n    \"ee\",\n]",
        ),
        (line, "aa", "[\"aa\", \"bb\"]"),
        (line, "cc", "[\"bb\", \"cc\"]"),
    ] {
        let after = manifests::facade(before, id).unwrap();
        assert!(after.contains(all), "{after}");
        assert!(
            !before.contains(" # b") || after.contains("bb = [\"dep:tieline-bb\"] # b\n"),
            "{after}"
        );
    }
}

#[test]
fn what_is_taken_or_no_id_is_refused_and_nothing_changes() {
    let scratch = scratch();
    make(scratch.path(), "acme-crm", None).unwrap();
    fs::create_dir_all(scratch.path().join("crates/engine")).unwrap();
    fs::remove_dir_all(scratch.path().join("crates/providers/acme-crm")).unwrap();
    let before = contents(scratch.path());
    for (id, name, words) in [
        (
            "Acme",
            None,
            "\"Acme\" is not an id: use lower-case letters, digits and dashes",
        ),
        ("../acme", None, "is not an id"),
        ("acme-", None, "is not an id"),
        (
            "index",
            None,
            "docs/providers/index.md is the list of all providers",
        ),
        (
            "acme",
            Some("  "),
            "the name \"\" is to be one line of text",
        ),
        ("acme", Some("A\nB"), "is to be one line of text"),
        (
            "acme-crm",
            None,
            "tests/vendors/acme-crm.json exists: nothing was changed",
        ),
        (
            "engine",
            None,
            "tieline-engine would pass for a crate of the workspace, crates/engine",
        ),
        (
            "server",
            None,
            "Cargo.toml: tieline-server is there already; nothing was changed",
        ),
        (
            "sqlite",
            None,
            "crates/tieline/Cargo.toml: sqlite is there already; nothing was changed",
        ),
    ] {
        let refusal = make(scratch.path(), id, name).unwrap_err();
        assert!(refusal.contains(words), "{id}: {refusal}");
        assert_eq!(contents(scratch.path()), before, "{id}");
    }
    fs::remove_file(scratch.path().join("tests/vendors/acme-crm.json")).unwrap();
    let refusal = make(scratch.path(), "acme-crm", None).unwrap_err();
    assert!(
        refusal.contains("Cargo.toml: tieline-acme-crm is there already"),
        "{refusal}"
    );
}

#[test]
fn ids_that_are_no_names_in_rust_get_one() {
    for (id, offered, filled) in [
        ("acme-crm", "acme_crm", "acme_crm AcmeCrm"),
        ("box", "r#box", "box Box"),
        ("4me", "provider_4me", "4me Provider4me"),
        ("a--b", "a__b", "a__b AB"),
    ] {
        let names = Names::new(id, None).unwrap();
        assert_eq!(names.offered(), offered);
        assert_eq!(names.fill("{module} {type}"), filled);
    }
    assert_eq!(Names::new("acme-crm", None).unwrap().name, "Acme Crm");
}
