//! The reference page of what each provider does unusually, and of who is an example of what.

use std::collections::{BTreeMap, BTreeSet};

use tieline::{ProviderDescriptor, Registry};

use super::files::Page;
use super::markdown::{Document, code, slug, text};
use super::reference;

/// Renders the page.
pub(crate) fn render(registry: &Registry) -> Page {
    let mut document = reference::begin("What each provider does unusually");
    document.block(
        "Where providers depart from what the RFCs ask for. Tieline does as each of them wants: nobody has to set \
         anything for it.",
    );
    let mut by_field: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut sections = Document::default();
    for provider in registry.iter() {
        let descriptor = provider.descriptor();
        let name = text(descriptor.name);
        for quirk in section(&mut sections, descriptor) {
            let providers = by_field.entry(quirk).or_default();
            providers.push(format!("[{name}](#{})", slug(&name)));
        }
    }
    let mut body = Document::default();
    body.heading(2, "Examples of each field");
    body.block(
        "For whoever writes a descriptor. `api` and `authentication` are fields of \
         [`ProviderDescriptor`](../../crates/core/src/descriptor/mod.rs), and all others of its \
         [`OAuth2`](../../crates/core/src/descriptor/oauth2.rs).",
    );
    body.table(
        ["Descriptor field", "Providers that have it"],
        by_field
            .into_iter()
            .map(|(field, providers)| [code(field), providers.join(", ")]),
    );
    body.append(sections);
    reference::page("unusual", document.with_contents(&body))
}

/// Adds what one provider does, and returns the fields that say so.
fn section(document: &mut Document, descriptor: &ProviderDescriptor) -> BTreeSet<&'static str> {
    let (id, name) = (descriptor.id, text(descriptor.name));
    document.heading(2, &name);
    document.block(&format!(
        "See [{name} API provider setup](../providers/{id}.md)."
    ));
    let quirks = descriptor.quirks();
    let fields = quirks.iter().map(|quirk| quirk.field).collect();
    if quirks.is_empty() {
        document.block("It does as the RFCs ask.");
    } else {
        document.table(
            ["What", "Descriptor field"],
            quirks
                .into_iter()
                .map(|quirk| [quirk.says, code(quirk.field)]),
        );
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    #[test]
    fn each_field_leads_to_its_examples_and_each_provider_is_told() {
        let page = render(&invented::registry()).text;
        for line in [
            "| `api.base` | [Acme Desk](#acme-desk), [Acme Shops](#acme-shops) |\n",
            "| `callback.signature` | [Acme Shops](#acme-shops) |\n",
            "\n## Acme Desk\n\nSee [Acme Desk API provider setup](../providers/acme-desk.md).\n\n\
             | What | Descriptor field |\n| --- | --- |\n",
            "| The API's base depends on the connection: `https://{subdomain}.desk.acme.example`. | `api.base` |\n",
            "\n- [Acme TV](#acme-tv)\n",
        ] {
            assert!(page.contains(line), "{line} is not in {page}");
        }
    }

    #[test]
    fn every_quirk_of_every_provider_is_on_the_page() {
        let (linked, invented) = (Registry::discover().unwrap(), invented::registry());
        for registry in [&linked, &invented] {
            let page = render(registry).text;
            for provider in registry.iter() {
                for quirk in provider.descriptor().quirks() {
                    let says = quirk.says.replace('|', "\\|");
                    let row = format!("| {says} | {} |\n", code(quirk.field));
                    assert!(page.contains(&row), "{row} is not in {page}");
                }
            }
        }
    }

    #[test]
    fn nothing_unusual_is_said_in_a_sentence() {
        let mut document = Document::default();
        let plain = ProviderDescriptor::new("acme", "Acme", &[]);
        assert!(section(&mut document, &plain).is_empty());
        assert!(document.finish().ends_with("It does as the RFCs ask.\n"));
    }
}
