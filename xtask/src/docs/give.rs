//! How a person gives a provider's parameters to Tieline: the callback URL, and the three ways to write them down.

use tieline::core::{Format, OAuthField};
use tieline::{ParameterMapping, ProviderDescriptor};

use super::markdown::{Document, code, text};
use super::tables;

/// Adds the section.
pub(crate) fn section(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(2, "Give the parameters to Tieline");
    document.block(
        "Write the parameters into a file, set environment variables, or have your program give them for one app. If a \
         parameter is given more than once, the program's value wins over the environment's, and that over the file's. \
         The [parameter dictionary](../reference/parameters.md) explains each key.",
    );
    callback_url(document, descriptor);
    document.heading(3, "Configuration file");
    document.block(
        "The file is the one that `--config` names; without that, `tieline.toml` in the folder where Tieline starts; \
         without that, `tieline.toml` in `$XDG_CONFIG_HOME/tieline` (usually `~/.config/tieline`).",
    );
    document.code_block("toml", &toml(descriptor));
    document.heading(3, "Environment variables");
    document.code_block("sh", &environment(descriptor));
    document.block(&secrets_in_files(descriptor));
    document.heading(3, "JSON");
    document.block("A program gives the parameters of one app as an object of strings:");
    document.code_block("json", &json(descriptor));
    optional_parameters(document, descriptor);
    document.heading(3, "Check and connect");
    document.block("The first command shows which values Tieline found and where; the second connects an account.");
    document.code_block(
        "sh",
        &format!(
            "tieline config explain {0}\ntieline connect {0}",
            descriptor.id
        ),
    );
}

fn callback_url(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(3, "Callback URL");
    let (vendor, url) = (text(descriptor.vendor), local_callback_url(descriptor));
    document.block(&format!("To connect accounts from the command line of your own machine, register this callback URL with {vendor}:"));
    document.code_block("text", url);
    document.block(if descriptor.oauth2().https_redirect_uri_only {
        "It must be HTTPS there, and nothing on your machine answers HTTPS at that address. After you consent, the \
         browser therefore shows an error page: copy the whole address from its address bar, and paste it into the \
         terminal where `tieline connect` is waiting."
    } else {
        "`tieline connect` listens there until you have consented."
    });
    document.block(
        "For another port or URL, use `--callback-port` or `--callback-url`. If a program of yours embeds Tieline, \
         register the callback URL at which that program is reached. In any case, the registered URL and the one that \
         you give to Tieline must agree to the last character.",
    );
}

/// The redirect URI of a person at the command line.
fn local_callback_url(descriptor: &ProviderDescriptor) -> &'static str {
    if descriptor.oauth2().https_redirect_uri_only {
        "https://localhost:8917/callback"
    } else {
        "http://127.0.0.1:8917/callback"
    }
}

/// The provider's own parameters with values that show what belongs there.
fn examples(
    descriptor: &ProviderDescriptor,
) -> impl Iterator<Item = (&'static ParameterMapping, String)> {
    let callback = local_callback_url(descriptor);
    descriptor
        .mappings
        .iter()
        .filter(|mapping| mapping.required)
        .map(move |mapping| {
            let value = match (mapping.oauth_field, mapping.format) {
                (Some(OAuthField::RedirectUri), _) => callback.to_owned(),
                (_, Format::Url) => "https://example.com".to_owned(),
                (_, Format::Text) => format!("your {}", mapping.credential),
            };
            (mapping, value)
        })
}

fn toml(descriptor: &ProviderDescriptor) -> String {
    let table = format!("[providers.{}]\n", descriptor.id);
    let lines = examples(descriptor).map(|(mapping, value)| {
        // A basic string of TOML is written as JSON writes strings.
        let [key, value] = [mapping.parameter.as_str(), &value].map(quoted);
        format!("{key} = {value}\n")
    });
    table + &lines.collect::<String>()
}

fn environment(descriptor: &ProviderDescriptor) -> String {
    let lines = examples(descriptor).map(|(mapping, value)| {
        let name = mapping.parameter.environment_name(descriptor.id);
        format!("export {name}='{}'\n", value.replace('\'', r"'\''"))
    });
    lines.collect()
}

fn secrets_in_files(descriptor: &ProviderDescriptor) -> String {
    let secret = descriptor.mappings.iter().find(|mapping| mapping.secret);
    let example = secret.map_or_else(String::new, |mapping| {
        let [_, file] = tables::variables(mapping, descriptor);
        format!(" Here that is {file}.")
    });
    format!(
        "A secret is better kept in a file: with `_FILE` appended to its name, a variable takes the path of a file that \
         holds the value.{example} Setting both forms of a variable is an error. See \
         [environment variables](../reference/environment.md)."
    )
}

fn json(descriptor: &ProviderDescriptor) -> String {
    let members: Vec<_> = examples(descriptor)
        .map(|(mapping, value)| {
            let [key, value] = [mapping.parameter.as_str(), &value].map(quoted);
            format!("  {key}: {value}")
        })
        .collect();
    format!("{{\n{}\n}}", members.join(",\n"))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn optional_parameters(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(3, "Optional parameters");
    document.block(
        "None of these needs to be set. Those that the operator sets are taken from the file and the environment only, \
         never from a single app: whoever chooses an endpoint receives the secrets that are sent to it.",
    );
    let mut optional: Vec<_> = descriptor
        .parameters()
        .filter(|mapping| !mapping.required)
        .collect();
    optional.sort_by_key(|mapping| mapping.parameter);
    document.table(
        [
            "Parameter",
            "What it does",
            "Without it",
            "Set by",
            "Environment variable",
        ],
        optional.into_iter().map(|mapping| {
            let [variable, _] = tables::variables(mapping, descriptor);
            [
                code(mapping.parameter.as_str()),
                mapping.description.to_owned(),
                default_value(mapping, descriptor),
                mapping.set_by.to_string(),
                variable,
            ]
        }),
    );
}

/// What holds when nobody sets the parameter.
fn default_value(mapping: &ParameterMapping, descriptor: &ProviderDescriptor) -> String {
    use tieline::ParameterKey as Key;
    let oauth2 = descriptor.oauth2();
    let scopes = oauth2.scopes.join(" ");
    let value = mapping.default.or(match mapping.parameter {
        Key::OAUTH_SCOPE => Some(scopes.as_str()).filter(|scopes| !scopes.is_empty()),
        Key::OAUTH_AUTHORIZATION_URL => Some(oauth2.authorization_endpoint),
        Key::OAUTH_TOKEN_URL => Some(oauth2.token_endpoint),
        Key::OAUTH_TOKEN_REFRESH_URL => {
            Some(oauth2.refresh_endpoint.unwrap_or(oauth2.token_endpoint))
        }
        Key::OAUTH_TOKEN_REVOKE_URL => oauth2.revocation_endpoint.known(),
        Key::BASE_URL => Some(descriptor.api.base),
        _ => None,
    });
    value.map_or_else(|| "nothing".to_owned(), code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use tieline::core::parameters::Given;
    use tieline::{Configuration, Registry, Secret};

    use super::*;

    #[test]
    fn every_way_to_give_parameters_works_as_written() {
        for provider in Registry::discover().unwrap().iter() {
            let descriptor = provider.descriptor();
            let toml = toml(descriptor);
            let file =
                Configuration::from_parts(Some((Path::new("tieline.toml"), &toml)), []).unwrap();

            let exports = environment(descriptor);
            let variables = exports.lines().map(|line| {
                let (name, value) = line
                    .strip_prefix("export ")
                    .unwrap()
                    .split_once('=')
                    .unwrap();
                (
                    name.to_owned(),
                    value.trim_matches('\'').replace(r"'\''", "'"),
                )
            });
            let environment = Configuration::from_parts(None, variables).unwrap();

            let object: BTreeMap<String, String> = serde_json::from_str(&json(descriptor)).unwrap();
            let given: Given = object
                .into_iter()
                .map(|(key, value)| (key, Secret::new(value)))
                .collect();

            for (configuration, given) in [
                (file, Given::new()),
                (environment, Given::new()),
                (Configuration::default(), given),
            ] {
                let parameters = configuration.resolve(provider, &given).unwrap();
                for (mapping, value) in examples(descriptor) {
                    assert_eq!(
                        parameters.get(mapping.parameter),
                        Some(value.as_str()),
                        "{}",
                        descriptor.id
                    );
                }
            }
        }
    }
}
