//! A provider needs no place in this repository: the example of one is built as somebody else's package, and runs.

use std::fs;
use std::path::Path;
use std::process::Command;

const EXAMPLE: &str = "crates/tieline/examples/private-provider";

#[test]
fn a_provider_of_another_repository_is_listed_beside_a_public_one() {
    let elsewhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("private-provider");
    copy(&elsewhere);
    let ran = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline"])
        .current_dir(&elsewhere)
        // What is compiled already need not be compiled again.
        .env("CARGO_TARGET_DIR", elsewhere.join("../.."))
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(
        told,
        "\
Acme CRM (acme)
  Consumer Key             oauth.api.key
  Consumer Secret          oauth.api.secret
  Redirect URL             oauth.callback.url
Infusionsoft REST (infusionsoft)
  client_id                oauth.api.key
  client_secret            oauth.api.secret
  Callback URL             oauth.callback.url
"
    );
}

/// Takes it out of the repository, as somebody does who begins with it, and with the versions of all crates that are here.
fn copy(elsewhere: &Path) {
    let (root, example) = (super::root(), super::root().join(EXAMPLE));
    fs::create_dir_all(elsewhere.join("src")).unwrap();
    for file in super::rust_files(&example.join("src")) {
        let name = file.strip_prefix(&example).unwrap();
        fs::copy(&file, elsewhere.join(name)).unwrap();
    }
    let manifest = fs::read_to_string(example.join("Cargo.toml")).unwrap();
    let crates = format!("path = \"{}/crates/", root.display());
    let manifest = manifest.replace("path = \"../../../../crates/", &crates);
    fs::write(elsewhere.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("Cargo.lock"), elsewhere.join("Cargo.lock")).unwrap();
}
