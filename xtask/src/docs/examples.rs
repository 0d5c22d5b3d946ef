//! A provider's own parameters with values that show what belongs there, and the commands and files that hold them.

use tieline::core::{Format, OAuthField, SetBy};
use tieline::{ParameterMapping, ProviderDescriptor};

/// A parameter and what the pages put there.
pub(crate) type Example = (&'static ParameterMapping, String);

/// Whether nothing works unless somebody sets the parameter.
pub(crate) fn is_needed(mapping: &ParameterMapping) -> bool {
    mapping.required && mapping.default.is_none()
}

/// What an app needs.
pub(crate) fn of_app(descriptor: &ProviderDescriptor) -> Vec<Example> {
    examples(descriptor, |mapping| mapping.set_by != SetBy::EndUser)
}

/// What the person who connects an account must give.
pub(crate) fn of_account(descriptor: &ProviderDescriptor) -> Vec<Example> {
    examples(descriptor, |mapping| mapping.set_by == SetBy::EndUser)
}

fn examples(
    descriptor: &ProviderDescriptor,
    belongs: impl Fn(&ParameterMapping) -> bool,
) -> Vec<Example> {
    let needed = descriptor
        .mappings
        .iter()
        .filter(|mapping| is_needed(mapping) && belongs(mapping));
    needed
        .map(|mapping| (mapping, value(mapping, descriptor)))
        .collect()
}

fn value(mapping: &ParameterMapping, descriptor: &ProviderDescriptor) -> String {
    match (mapping.oauth_field, mapping.format) {
        (Some(OAuthField::RedirectUri), _) => local_callback_url(descriptor).to_owned(),
        (_, Format::Url) => "https://example.com".to_owned(),
        (_, Format::HostLabel) => "acme".to_owned(),
        (_, Format::OneOf(words)) => words.first().map_or("", |(word, _)| word).to_owned(),
        (_, Format::Text) => format!("your {}", mapping.credential),
    }
}

/// The redirect URI of a person at the command line.
pub(crate) fn local_callback_url(descriptor: &ProviderDescriptor) -> &'static str {
    if descriptor.oauth2().https_redirect_uri_only {
        "https://localhost:8917/callback"
    } else {
        "http://127.0.0.1:8917/callback"
    }
}

pub(crate) fn toml(descriptor: &ProviderDescriptor) -> String {
    let table = format!("[providers.{}]\n", descriptor.id);
    let lines = of_app(descriptor).into_iter().map(|(mapping, value)| {
        // A basic string of TOML is written as JSON writes strings.
        let [key, value] = [mapping.parameter.as_str(), &value].map(quoted);
        format!("{key} = {value}\n")
    });
    table + &lines.collect::<String>()
}

pub(crate) fn environment(descriptor: &ProviderDescriptor) -> String {
    let lines = of_app(descriptor).into_iter().map(|(mapping, value)| {
        let name = mapping.parameter.environment_name(descriptor.id);
        format!("export {name}={}\n", in_quotes(&value))
    });
    lines.collect()
}

pub(crate) fn json(descriptor: &ProviderDescriptor) -> String {
    let members: Vec<_> = of_app(descriptor)
        .into_iter()
        .map(|(mapping, value)| {
            let [key, value] = [mapping.parameter.as_str(), &value].map(quoted);
            format!("  {key}: {value}")
        })
        .collect();
    format!("{{\n{}\n}}", members.join(",\n"))
}

/// The command that connects an account. It asks for secrets, which are typed unseen.
pub(crate) fn connect(descriptor: &ProviderDescriptor, options: &str) -> String {
    let mut command = format!("tieline connect {}{options}", descriptor.id);
    for (mapping, value) in of_account(descriptor) {
        if !mapping.secret {
            command += &format!(" --set {}={}", mapping.parameter, word(&value));
        }
    }
    command
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One word of a shell's command.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:/@".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        in_quotes(text)
    }
}

fn in_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
