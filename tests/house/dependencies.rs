//! Data flows one way: a crate imports only what stands below it.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Crate → what it may import of this workspace. Anything else, or a crate that is not listed, is a change of the
/// architecture: think first, then change this table and docs/architecture.md together.
const ALLOWED: &[(&str, &[&str])] = &[
    ("tieline-core", &[]),
    ("tieline-oauth", &["tieline-core"]),
    ("tieline-store", &["tieline-core"]),
    (
        "tieline-engine",
        &["tieline-core", "tieline-oauth", "tieline-store"],
    ),
    (
        "tieline-server",
        &["tieline-core", "tieline-engine", "tieline-store"],
    ),
    ("tieline-sandbox", &["tieline-core"]),
    (
        "tieline-testkit",
        &["tieline-core", "tieline-oauth", "tieline-sandbox"],
    ),
    (
        "tieline",
        &[
            "tieline-core",
            "tieline-engine",
            "tieline-server",
            "tieline-store",
            "providers",
        ],
    ),
    ("tieline-cli", &["tieline", "tieline-sandbox"]),
    ("tieline-example-catalogue", &["tieline"]),
    ("tieline-example-host", &["tieline", "tieline-sandbox"]),
    ("xtask", &["tieline"]),
];

/// What a crate that never opens a socket, or never touches a database, must not depend on.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "tieline-core",
        &["reqwest", "tokio", "sqlx", "axum", "oauth2"],
    ),
    ("tieline-oauth", &["sqlx", "axum"]),
    ("tieline-store", &["reqwest", "axum", "oauth2", "http"]),
    ("tieline-engine", &["sqlx", "axum", "oauth2"]),
    ("tieline-server", &["sqlx", "reqwest", "oauth2"]),
    ("tieline-testkit", &["sqlx"]),
    ("xtask", &["sqlx", "reqwest", "axum"]),
];

#[test]
fn crates_import_only_what_stands_below_them() {
    let metadata = MetadataCommand::new()
        .manifest_path(super::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let members: BTreeSet<_> = metadata
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let providers: BTreeSet<_> = metadata
        .packages
        .iter()
        .filter(|package| {
            package
                .manifest_path
                .as_str()
                .contains("/crates/providers/")
        })
        .map(|package| package.name.to_string())
        .collect();
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let mut broken = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        if name == "tieline-tests" {
            continue;
        }
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| members.contains(&dependency.name))
        {
            let is_provider = providers.contains(&dependency.name);
            let is_kits_test =
                name == "tieline-testkit" && dependency.kind == DependencyKind::Development;
            let fine = if is_kits_test {
                is_provider
            } else if providers.contains(name) {
                match dependency.kind {
                    DependencyKind::Development => dependency.name == "tieline-testkit",
                    _ => dependency.name == "tieline-core",
                }
            } else {
                allowed.get(name).is_some_and(|may| {
                    may.contains(&dependency.name.as_str())
                        || (is_provider && may.contains(&"providers"))
                })
            };
            if !fine {
                broken.push(format!("{name} must not import {}", dependency.name));
            }
        }
        if !providers.contains(name) && !allowed.contains_key(name) {
            broken.push(format!("{name} has no place in the house yet"));
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn crates_stay_away_from_what_is_not_theirs() {
    let metadata = MetadataCommand::new()
        .manifest_path(super::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let mut broken = Vec::new();
    for (name, forbidden) in FORBIDDEN {
        let package = metadata
            .packages
            .iter()
            .find(|package| package.name.as_str() == *name)
            .expect(name);
        for dependency in &package.dependencies {
            if dependency.kind == DependencyKind::Normal
                && forbidden.contains(&dependency.name.as_str())
            {
                broken.push(format!("{name} must not depend on {}", dependency.name));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}
