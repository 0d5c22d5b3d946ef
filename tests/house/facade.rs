//! The facade's features are the truth: one per provider's folder, each linked and registered under the same id.

use std::collections::BTreeSet;

use cargo_metadata::MetadataCommand;
use tieline::Registry;

#[test]
fn folders_features_and_ids_are_the_same() {
    let folders: BTreeSet<String> = super::providers()
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let ids: BTreeSet<String> = Registry::discover()
        .unwrap()
        .iter()
        .map(|provider| provider.descriptor().id.to_owned())
        .collect();
    let metadata = MetadataCommand::new()
        .manifest_path(super::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let facade = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "tieline")
        .unwrap();
    let all: BTreeSet<String> = facade.features["all-providers"].iter().cloned().collect();
    assert_eq!(
        folders, ids,
        "a provider's folder is named after its id, and every folder is registered"
    );
    assert_eq!(
        folders, all,
        "the facade's feature all-providers lists every provider"
    );
    for id in &folders {
        assert!(
            facade.features.contains_key(id),
            "the facade has no feature {id}"
        );
    }
}
