//! What people read: help, tables and pages, compared with what was read and found good.

use crate::home::Home;

async fn told(arguments: &[&str]) -> String {
    Home::new().run(arguments).await.ok().stdout
}

#[tokio::test]
async fn help() {
    insta::assert_snapshot!(told(&["--help"]).await);
}

#[tokio::test]
async fn help_of_connect() {
    insta::assert_snapshot!(told(&["connect", "--help"]).await);
}

#[tokio::test]
async fn help_of_instances() {
    insta::assert_snapshot!(told(&["instances", "--help"]).await);
}

#[tokio::test]
async fn help_of_doctor() {
    insta::assert_snapshot!(told(&["doctor", "--help"]).await);
}

#[tokio::test]
async fn help_of_api_keys() {
    let create = told(&["api-keys", "create", "--help"]).await;
    insta::assert_snapshot!("help_of_api_keys_create", create);
    insta::assert_snapshot!("help_of_tenants", told(&["tenants", "--help"]).await);
}

#[tokio::test]
async fn mappings() {
    insta::assert_snapshot!(told(&["mappings"]).await);
    insta::assert_snapshot!("mappings_json", told(&["mappings", "keap", "--json"]).await);
}

#[tokio::test]
async fn providers() {
    insta::assert_snapshot!("providers_list", told(&["providers", "list"]).await);
    insta::assert_snapshot!(
        "providers_show",
        told(&["providers", "show", "infusionsoft"]).await
    );
}

#[tokio::test]
async fn config_explain() {
    let mut home = Home::new();
    std::fs::write(
        home.path().join("tieline.toml"),
        "[providers.infusionsoft]\n\"oauth.api.key\" = \"from-the-file\"\noauth.api.secret = \"CANARY\"\n",
    )
    .unwrap();
    home.set("INFUSIONSOFT_OAUTH_SCOPE", "full");
    let ran = home.run(&["config", "explain", "infusionsoft"]).await.ok();
    assert!(!ran.stdout.contains("CANARY"));
    insta::assert_snapshot!(ran.stdout);
}

#[tokio::test]
async fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = told(&["completions", shell]).await;
        assert!(
            script.contains("infusionsoft") || script.contains("tieline"),
            "{shell}: {script}"
        );
    }
}
