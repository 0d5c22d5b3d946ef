//! The example runs, and lists what there is.

use std::process::Command;

use tieline::Registry;

#[test]
fn the_catalogue_names_every_provider_and_its_credentials() {
    let ran = Command::new(env!("CARGO_BIN_EXE_catalogue"))
        .env_clear()
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let told = String::from_utf8(ran.stdout).unwrap();
    let registry = Registry::discover().unwrap();
    assert_eq!(
        told.lines().filter(|line| !line.starts_with(' ')).count(),
        registry.iter().count() + 1,
        "{told}"
    );
    for provider in registry.iter() {
        let known = provider.descriptor();
        let title = format!("{} ({})", known.name, known.id);
        assert!(told.lines().any(|line| line == title), "{title}: {told}");
    }
    assert!(
        told.contains("  client_id                oauth.api.key\n"),
        "{told}"
    );
    assert!(
        told.ends_with("Keap's client_secret is oauth.api.secret.\n"),
        "{told}"
    );
}
