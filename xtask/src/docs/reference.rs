//! The reference pages over all providers: the credential mapping, and the dictionary of parameters.

use std::collections::BTreeMap;

use tieline::core::COMMON_PARAMETERS;
use tieline::core::words::list;
use tieline::{ParameterKey, ParameterMapping, ProviderDescriptor, Registry};

use super::files::{MARK, Page, REFERENCE};
use super::markdown::{Document, code, text};
use super::words::{capitalised, label, yes_no};
use super::{formats, tables};

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
         becomes. `tieline mappings` prints the same rows. The dictionary says \
         [who sets a parameter](parameters.md#who-sets-a-parameter) and what the [formats](parameters.md#formats) are.",
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
    formats::section(&mut body);
    body.heading(2, "Dictionary");
    for (key, uses) in &keys {
        entry(&mut body, registry, *key, uses);
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
        "**end user**: the person whose account gets connected, when they connect it. What is no secret may also be set \
         by the operator who runs Tieline for a single tenant: it holds where nothing else is given.",
        "**system**: Tieline itself, while it authorizes and refreshes.",
    ]);
}

fn entry(document: &mut Document, registry: &Registry, key: ParameterKey, uses: &[Use]) {
    let Some(mapping) = typical(key, uses) else {
        return;
    };
    document.heading(3, &code(key.as_str()));
    document.block(&format!(
        "**{}.** {}.",
        capitalised(&label(key)),
        mapping.description
    ));
    let rows: Vec<_> = match uses {
        [] => vec![mapping],
        uses => uses.iter().map(|(_, mapping)| *mapping).collect(),
    };
    document.bullets([
        format!(
            "Format: {}",
            each_once(&rows, |row| formats::format(row.format))
        ),
        format!("Set by: {}", each_once(&rows, |row| row.set_by.to_string())),
        format!("OAuth field: {}", tables::oauth_field(mapping)),
        format!("Environment variable: {}", each_once(&rows, variable)),
    ]);
    if uses.is_empty() {
        document.block(&who_takes(registry, key));
    } else {
        document.table(
            ["Provider", "Calls it", "Required", "Secret", "Set by"],
            uses.iter().map(|(descriptor, mapping)| {
                [
                    link(descriptor),
                    text(mapping.credential),
                    yes_no(mapping.required),
                    yes_no(mapping.secret),
                    mapping.set_by.to_string(),
                ]
            }),
        );
    }
}

fn link(descriptor: &ProviderDescriptor) -> String {
    let (id, name) = (descriptor.id, text(descriptor.name));
    format!("[{name}](../providers/{id}.md)")
}

/// What the rows say, each thing once.
fn each_once(rows: &[&ParameterMapping], says: impl Fn(&ParameterMapping) -> String) -> String {
    let mut said = Vec::new();
    for row in rows {
        let says = says(row);
        if !said.contains(&says) {
            said.push(says);
        }
    }
    said.join("; or ")
}

fn variable(mapping: &ParameterMapping) -> String {
    match tieline::core::parameters::variable("", mapping) {
        Some(name) => code(&format!("<PROVIDER>{name}")),
        None => "none, it is given when an account is connected".to_owned(),
    }
}

/// Which providers take a parameter that none of them has a word for.
fn who_takes(registry: &Registry, key: ParameterKey) -> String {
    let all: Vec<_> = registry
        .iter()
        .map(|provider| provider.descriptor())
        .collect();
    let takers = all
        .iter()
        .filter(|descriptor| descriptor.parameter(key).is_some());
    let takers: Vec<_> = takers.map(|descriptor| link(descriptor)).collect();
    match takers.as_slice() {
        [] => "No provider takes it yet.".to_owned(),
        takers if takers.len() == all.len() => {
            "Every provider takes it; none requires it.".to_owned()
        }
        [only] => format!("{only} takes it, and does not require it."),
        takers => format!("{} take it; none requires it.", list(takers)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    #[test]
    fn a_key_says_who_takes_it_and_who_sets_it() {
        let page = parameters(&invented::registry()).text;
        for lines in [
            "### `api.key`\n\n**API key.** The key that the provider gave the person whose account is connected.\n\n\
             - Format: text\n- Set by: end user\n- OAuth field: none\n\
             - Environment variable: none, it is given when an account is connected\n",
            "### `acme.region`\n\n**Acme region.** Which of the provider's worlds the shop is in.\n\n\
             - Format: one of `live`, `test`\n- Set by: end user\n- OAuth field: none\n\
             - Environment variable: `<PROVIDER>_ACME_REGION`\n",
            "- Environment variable: `<PROVIDER>_BASE_URL`\n\nEvery provider takes it; none requires it.\n",
            "[Acme Shops](../providers/acme-shops.md) takes it, and does not require it.\n",
            "[Acme Shops](../providers/acme-shops.md) and [Acme TV](../providers/acme-tv.md) take it; none requires it.\n",
        ] {
            assert!(page.contains(lines), "{lines} is not in {page}");
        }
    }

    #[test]
    fn rows_that_differ_are_all_told() {
        const KEY: ParameterKey = ParameterKey::SUBDOMAIN;
        let rows = [
            &ParameterMapping::host_label("Domain", KEY),
            &ParameterMapping::new("Domain", KEY),
            &ParameterMapping::host_label("Site", KEY),
        ];
        let who = each_once(&rows, |row| row.set_by.to_string());
        assert_eq!(who, "end user; or tenant");
    }

    #[test]
    fn the_mapping_tells_formats_and_of_oauth_only_where_there_is_any() {
        let page = credential_mapping(&invented::registry()).text;
        for row in [
            "| Shop | `acme.shop` | none | yes | no | host label | end user |\n",
            "| World | `acme.region` | none | yes | no | one of `live`, `test` | end user |\n",
            "| API Key | `api.key` | yes | yes | text | end user |\n",
            "| Acme Desk credential | Tieline parameter | Required | Secret | Format | Set by |\n",
        ] {
            assert!(page.contains(row), "{row} is not in {page}");
        }
    }
}
