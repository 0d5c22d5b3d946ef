//! The reference pages over all providers: the credential mapping, and the dictionary of parameters.

use std::collections::BTreeMap;

use tieline::core::{COMMON_PARAMETERS, Format};
use tieline::{ParameterKey, ParameterMapping, ProviderDescriptor, Registry};

use super::files::{MARK, Page, REFERENCE};
use super::markdown::{Document, code, text};
use super::tables;
use super::words::{capitalised, label, yes_no};

/// What a provider makes of a parameter.
type Use = (&'static ProviderDescriptor, &'static ParameterMapping);

/// A reference page's first lines.
pub(crate) fn begin(title: &str) -> Document {
    let mut document = Document::default();
    document.block(&format!(
        "{MARK} from crates/providers and crates/core. Do not edit. -->"
    ));
    document.heading(1, title);
    document
}

/// A reference page.
pub(crate) fn page(name: &str, document: Document) -> Page {
    Page {
        path: format!("{REFERENCE}/{name}.md"),
        text: document.finish(),
    }
}

/// Every credential-mapping table.
pub(crate) fn credential_mapping(registry: &Registry) -> Page {
    let mut document = begin("Credential mapping");
    document.block(
        "What each provider calls a credential, which Tieline parameter carries it, and which field of OAuth 2.0 it \
         becomes. `tieline mappings` prints the same tables.",
    );
    let mut body = Document::default();
    for provider in registry.iter() {
        let descriptor = provider.descriptor();
        let (id, name) = (descriptor.id, text(descriptor.name));
        body.heading(2, &name);
        body.block(&format!(
            "The id is {}. See [{name} API provider setup](../providers/{id}.md).",
            code(id)
        ));
        tables::credentials(&mut body, descriptor);
    }
    page("credential-mapping", document.with_contents(&body))
}

/// The dictionary of keys.
pub(crate) fn parameters(registry: &Registry) -> Page {
    let mut document = begin("Parameters");
    document.block(
        "Tieline knows every credential and setting by a dotted key, whatever the provider calls it. See also the \
         [credential mapping](credential-mapping.md), which goes by provider, and the \
         [environment variables](environment.md) that set parameters.",
    );
    let keys = uses(registry);

    let mut body = Document::default();
    body.heading(2, "Overview");
    body.table(
        ["Parameter", "What it is"],
        keys.iter().map(|(key, uses)| {
            let link = format!(
                "[{}](#{})",
                code(key.as_str()),
                super::markdown::slug(key.as_str())
            );
            [link, description(*key, uses).to_owned()]
        }),
    );
    who_sets(&mut body);
    formats(&mut body);
    body.heading(2, "Dictionary");
    for (key, uses) in &keys {
        entry(&mut body, *key, uses);
    }
    page("parameters", document.with_contents(&body))
}

/// By key, the providers that have a word for it; none for a key that only the common parameters hold.
fn uses(registry: &Registry) -> BTreeMap<ParameterKey, Vec<Use>> {
    let mut keys: BTreeMap<ParameterKey, Vec<Use>> = COMMON_PARAMETERS
        .iter()
        .map(|mapping| (mapping.parameter, Vec::new()))
        .collect();
    for (descriptor, mapping) in registry.mappings() {
        keys.entry(mapping.parameter)
            .or_default()
            .push((descriptor, mapping));
    }
    keys
}

fn common(key: ParameterKey) -> Option<&'static ParameterMapping> {
    COMMON_PARAMETERS
        .iter()
        .find(|mapping| mapping.parameter == key)
}

/// The row that speaks for a key in general.
fn typical(key: ParameterKey, uses: &[Use]) -> Option<&'static ParameterMapping> {
    common(key).or(uses.first().map(|(_, mapping)| *mapping))
}

fn description(key: ParameterKey, uses: &[Use]) -> &'static str {
    typical(key, uses).map_or("", |mapping| mapping.description)
}

fn who_sets(document: &mut Document) {
    document.heading(2, "Who sets a parameter");
    document.bullets([
        "**operator**: whoever runs Tieline, in its configuration. No tenant can set it.",
        "**tenant**: the administrator who registered the app with the provider.",
        "**end user**: the person whose account gets connected.",
        "**system**: Tieline itself, while it authorizes and refreshes.",
    ]);
}

fn formats(document: &mut Document) {
    document.heading(2, "Formats");
    document.bullets([
        "**text**: one line, which neither starts nor ends with a space.",
        "**URL**: absolute and `https`, without fragment, user and password. Plain `http` is taken for loopback \
         addresses only.",
    ]);
}

fn entry(document: &mut Document, key: ParameterKey, uses: &[Use]) {
    let Some(mapping) = typical(key, uses) else {
        return;
    };
    document.heading(3, &code(key.as_str()));
    let format = match mapping.format {
        Format::Text => "text",
        Format::Url => "URL",
    };
    let variable = code(&format!("<PROVIDER>{}", key.environment_name("")));
    document.block(&format!(
        "**{}.** {}.",
        capitalised(&label(key)),
        mapping.description
    ));
    document.bullets([
        format!("Format: {format}"),
        format!("Set by: {}", mapping.set_by),
        format!("OAuth field: {}", tables::oauth_field(mapping)),
        format!("Environment variable: {variable}"),
    ]);
    if uses.is_empty() {
        document.block("Every provider takes it; none requires it.");
    } else {
        document.table(
            ["Provider", "Calls it", "Required", "Secret", "Set by"],
            uses.iter().map(|(descriptor, mapping)| {
                [
                    format!(
                        "[{}](../providers/{}.md)",
                        text(descriptor.name),
                        descriptor.id
                    ),
                    text(mapping.credential),
                    yes_no(mapping.required),
                    yes_no(mapping.secret),
                    mapping.set_by.to_string(),
                ]
            }),
        );
    }
}
