//! Parameters: layers and their origins, every problem at once, and secrets that look like something else.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::path::Path;

use tieline_core::parameters::{Given, Problem};
use tieline_core::prelude::*;
use tieline_core::{Configuration, parameters};

#[derive(Debug)]
struct Acme;

static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor {
    vendor: "Acme Inc",
    ..ProviderDescriptor::new(
        "acme",
        "Acme REST",
        &[
            ParameterMapping::api_key("Consumer Key"),
            ParameterMapping::api_secret("Consumer Secret"),
            ParameterMapping::callback_url("Redirect URL"),
            ParameterMapping {
                required: false,
                default: Some("eu"),
                ..ParameterMapping::new("Region", ParameterKey::new("acme.region"))
            },
        ],
    )
};

impl ProviderSetup for Acme {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &DESCRIPTOR
    }
}

const WHOLE: &str = r#"
[providers.acme]
"oauth.api.key" = "from-file"
"oauth.callback.url" = "https://host.example/callback"

[providers.acme.oauth.api]
secret = "file-secret"
"#;

fn configuration(toml: &str, environment: &[(&str, &str)]) -> Configuration {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Configuration::from_parts(Some((Path::new("tieline.toml"), toml)), environment).unwrap()
}

fn origin(parameters: &parameters::Parameters, key: ParameterKey) -> &str {
    &parameters.parameter(key).unwrap().origin
}

fn problems(configuration: &Configuration, given: &Given) -> String {
    configuration.resolve(&Acme, given).unwrap_err().to_string()
}

#[test]
fn later_layers_win_and_origins_are_exact() {
    let configuration = configuration(WHOLE, &[("ACME_OAUTH_API_KEY", "from-environment")]);
    let given = Given::from([(
        "oauth.callback.url".to_owned(),
        "http://127.0.0.1:8917/callback".into(),
    )]);
    let parameters = configuration.resolve(&Acme, &given).unwrap();

    assert_eq!(
        parameters.get(ParameterKey::OAUTH_API_KEY),
        Some("from-environment")
    );
    assert_eq!(
        origin(&parameters, ParameterKey::OAUTH_API_KEY),
        "environment variable ACME_OAUTH_API_KEY"
    );
    assert_eq!(
        parameters.field(OAuthField::ClientSecret),
        Some("file-secret")
    );
    assert_eq!(
        origin(&parameters, ParameterKey::OAUTH_API_SECRET),
        "tieline.toml: providers.acme.oauth.api.secret"
    );
    assert_eq!(
        parameters.field(OAuthField::RedirectUri),
        Some("http://127.0.0.1:8917/callback")
    );
    assert_eq!(
        origin(&parameters, ParameterKey::OAUTH_CALLBACK_URL),
        "given for this app"
    );
    assert_eq!(
        origin(&parameters, ParameterKey::new("acme.region")),
        "default of Acme REST"
    );
}

#[test]
fn secrets_keep_their_spelling() {
    for secret in [
        "007",
        "[x]",
        "true",
        "12345",
        "1e5",
        "{a=1}",
        "nö\u{e9}✓",
        "a=b&c",
        "\"quoted\"",
    ] {
        let configuration = configuration(WHOLE, &[("ACME_OAUTH_API_SECRET", secret)]);
        let parameters = configuration.resolve(&Acme, &Given::new()).unwrap();
        assert_eq!(parameters.field(OAuthField::ClientSecret), Some(secret));
    }
}

#[test]
fn a_file_may_hold_the_secret_and_loses_one_newline() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "sesame\n").unwrap();
    let named = path.to_str().unwrap();
    let variables = [("ACME_OAUTH_API_SECRET_FILE", named)];
    let parameters = configuration(WHOLE, &variables)
        .resolve(&Acme, &Given::new())
        .unwrap();
    assert_eq!(parameters.field(OAuthField::ClientSecret), Some("sesame"));
    assert_eq!(
        origin(&parameters, ParameterKey::OAUTH_API_SECRET),
        format!("file {named} named by ACME_OAUTH_API_SECRET_FILE")
    );

    std::fs::write(&path, "sesame\n\n").unwrap();
    assert!(
        problems(&configuration(WHOLE, &variables), &Given::new()).contains("holds a line break")
    );

    let both = [
        ("ACME_OAUTH_API_SECRET_FILE", named),
        ("ACME_OAUTH_API_SECRET", "x"),
    ];
    assert!(
        problems(&configuration(WHOLE, &both), &Given::new())
            .contains("set both directly and by a file")
    );
}

#[test]
fn all_problems_come_together_in_both_vocabularies_with_the_cure() {
    let toml = r#"
[providers.acme]
"oauth.api.key" = 12345
"oauth.api.secert" = "x"
"oauth.callback.url" = "http://host.example/callback"
"Region" = "eu"
"acme.region" = ""
"#;
    let configuration = configuration(toml, &[("ACME_OAUTH_API_SECRT", "x")]);
    assert_eq!(
        problems(&configuration, &Given::new()),
        r#"acme: Region (tieline.toml: providers.acme.Region) is not a parameter of Acme Inc: did you mean acme.region?
acme: oauth.api.key (tieline.toml: providers.acme."oauth.api.key") is not text; write it in quotes. Acme Inc calls it "Consumer Key". Set ACME_OAUTH_API_KEY, or providers.acme."oauth.api.key" in tieline.toml
acme: oauth.api.secert (tieline.toml: providers.acme."oauth.api.secert") is not a parameter of Acme Inc: did you mean oauth.api.secret?
acme: oauth.api.secret is missing (ACME_OAUTH_API_SECRT is set: is that a misspelling?). Acme Inc calls it "Consumer Secret". Set ACME_OAUTH_API_SECRET, or providers.acme."oauth.api.secret" in tieline.toml
acme: oauth.callback.url (tieline.toml: providers.acme."oauth.callback.url") is not a URL that can be used: it must be absolute, https (http only for a loopback address), without fragment, user or password. Acme Inc calls it "Redirect URL". Set ACME_OAUTH_CALLBACK_URL, or providers.acme."oauth.callback.url" in tieline.toml
acme: acme.region (tieline.toml: providers.acme."acme.region") is empty. Acme Inc calls it "Region". Set ACME_ACME_REGION, or providers.acme."acme.region" in tieline.toml"#
    );
}

#[test]
fn what_was_given_for_an_app_is_cured_there_and_nowhere_below() {
    let given = Given::from([("oauth.callback.url".to_owned(), "nowhere".into())]);
    assert_eq!(
        problems(&configuration(WHOLE, &[]), &given),
        "acme: oauth.callback.url (given for this app) is not a URL that can be used: it must be absolute, https (http \
         only for a loopback address), without fragment, user or password. Acme Inc calls it \"Redirect URL\". Change it \
         where it was given for this app"
    );
}

#[test]
fn secrets_with_line_breaks_or_padding_are_refused_without_being_shown() {
    for (secret, told) in [
        ("CANARY\nCANARY", "holds a line break"),
        (" CANARY", "starts or ends with white space"),
        ("CANARY\0", "control character"),
    ] {
        let message = problems(
            &configuration(WHOLE, &[("ACME_OAUTH_API_SECRET", secret)]),
            &Given::new(),
        );
        assert!(message.contains(told), "{message}");
        assert!(!message.contains("CANARY"), "{message}");
    }
}

#[test]
fn a_tenant_gets_neither_the_operators_credentials_nor_their_rights() {
    let toml = "[providers.acme]\n\"oauth.api.key\" = \"k\"\n\"oauth.api.secret\" = \"s\"\n\"oauth.callback.url\" = \
                \"https://h.example/\"\n\"base.url\" = \"http://127.0.0.1:9\"\n";
    let ambiguous = [
        ("ACME_OAUTH_API_SECRET", "s"),
        ("ACME_OAUTH_API_SECRET_FILE", "/nowhere"),
    ];
    let configuration = configuration(toml, &ambiguous);
    let refused = configuration
        .resolve_for_tenant(&Acme, &Given::new())
        .unwrap_err();
    assert_eq!(
        refused
            .0
            .iter()
            .map(|told| told.problem)
            .collect::<Vec<_>>(),
        [Problem::Missing; 3]
    );

    let mut given: Given = ["oauth.api.key", "oauth.api.secret"]
        .map(|key| (key.to_owned(), "mine".into()))
        .into();
    given.insert(
        "oauth.callback.url".to_owned(),
        "https://mine.example/".into(),
    );
    let parameters = configuration.resolve_for_tenant(&Acme, &given).unwrap();
    assert_eq!(
        parameters.get(ParameterKey::BASE_URL),
        Some("http://127.0.0.1:9")
    );

    given.insert(
        "oauth.token.url".to_owned(),
        "https://thief.example/".into(),
    );
    let refused = configuration
        .resolve_for_tenant(&Acme, &given)
        .unwrap_err()
        .to_string();
    assert_eq!(
        refused,
        "acme: oauth.token.url (given for this app) may only be set by the operator, in the configuration"
    );
}

#[test]
fn a_broken_file_is_located_and_never_quoted() {
    let broken = |text| {
        Configuration::from_parts(Some((Path::new("tieline.toml"), text)), [])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        broken("[providers.acme]\n\"oauth.api.secret\" = CANARY\n"),
        "tieline.toml, line 2, column 22: this is not TOML; strings need quotes, as in \"oauth.api.key\" = \"…\""
    );
    assert_eq!(
        broken("[provider.acme]"),
        "tieline.toml: provider means nothing to Tieline: did you mean providers?"
    );
    assert_eq!(
        broken("[providers]\nacme = \"CANARY\""),
        "tieline.toml: providers.acme means nothing to Tieline: it holds tables such as [providers.acme]"
    );
}

#[test]
fn explain_shows_origins_and_redacts_secrets() {
    let configuration = configuration(WHOLE, &[("ACME_OAUTH_CALLBACK_URL", "https://e.example/")]);
    let explained = serde_json::to_string_pretty(&configuration.explain(&Acme)).unwrap();
    assert!(!explained.contains("file-secret"));
    insta::assert_snapshot!(explained);
}

#[test]
fn debug_shows_no_values() {
    let configuration = configuration(WHOLE, &[("ACME_OAUTH_API_SECRET", "CANARY")]);
    let parameters = configuration.resolve(&Acme, &Given::new()).unwrap();
    let shown = format!("{configuration:?} {parameters:?}");
    for value in ["CANARY", "from-file", "file-secret"] {
        assert!(!shown.contains(value), "{shown}");
    }
}
