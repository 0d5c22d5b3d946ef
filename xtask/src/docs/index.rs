//! The index of providers, by category.

use std::collections::BTreeMap;

use tieline::{ProviderDescriptor, Registry};

use super::files::{PROVIDERS, Page};
use super::markdown::{Document, code, text};
use super::{reference, ways};

/// Renders the page.
pub(crate) fn render(registry: &Registry) -> Page {
    let mut categories: BTreeMap<String, Vec<&ProviderDescriptor>> = BTreeMap::new();
    for provider in registry.iter() {
        let descriptor = provider.descriptor();
        let category = descriptor.category.to_string();
        categories.entry(category).or_default().push(descriptor);
    }
    let mut categories: Vec<_> = categories.into_iter().collect();
    categories.sort_by_key(|(category, _)| category.to_lowercase());

    let mut head = reference::begin("Providers by category");
    head.block(
        "Each provider's page says how to set it up. The [credential mapping](../reference/credential-mapping.md) has all \
         tables in one place. Where providers differ from what the RFCs ask for, see [what each provider does \
         unusually](../reference/unusual.md).",
    );
    let mut body = Document::default();
    for (category, mut providers) in categories {
        body.heading(2, &text(&category));
        providers.sort_by_key(|descriptor| (descriptor.name.to_lowercase(), descriptor.id));
        body.table(
            [
                "Provider",
                "Id and aliases",
                "Accounts are connected by",
                "Tokens can be revoked",
            ],
            providers.into_iter().map(row),
        );
    }
    Page {
        path: format!("{PROVIDERS}/index.md"),
        text: head.with_contents(&body).finish(),
    }
}

fn row(descriptor: &ProviderDescriptor) -> [String; 4] {
    let names = [descriptor.id].into_iter();
    let names: Vec<_> = names
        .chain(descriptor.aliases.iter().copied())
        .map(code)
        .collect();
    [
        format!("[{}]({}.md)", text(descriptor.name), descriptor.id),
        names.join(", "),
        ways::connected_by(descriptor).to_owned(),
        ways::revocable(descriptor).to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    #[test]
    fn categories_and_providers_are_in_order() {
        let page = render(&invented::registry());
        let head = "| Provider | Id and aliases | Accounts are connected by | Tokens can be revoked |\n\
                    | --- | --- | --- | --- |\n";
        let tables = page.text.split_once("\n## ").unwrap().1;
        assert_eq!(
            tables,
            format!(
                "E-commerce\n\n{head}\
                 | [Acme Shops](acme-shops.md) | `acme-shops`, `acme-commerce` | consent in a browser, or a code typed \
                 on another device | access tokens only |\n\n\
                 ## Help desk\n\n{head}\
                 | [Acme Desk](acme-desk.md) | `acme-desk` | an API key | no |\n\n\
                 ## Other\n\n{head}\
                 | [Acme Robots](acme-robots.md) | `acme-robots` | the app's own credentials | yes |\n\
                 | [Acme TV](acme-tv.md) | `acme-tv` | a code typed on another device | no |\n\
                 | [Acme Vault](acme-vault.md) | `acme-vault` | a name and a password | no |\n"
            )
        );
    }
}
