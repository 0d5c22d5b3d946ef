//! What stands in the places of a URL that differs from account to account.

use tieline::ProviderDescriptor;
use tieline::core::{Format, template};

use super::markdown::{code, text};

/// A sentence for each place in these templates, in order.
pub(crate) fn told(descriptor: &ProviderDescriptor, templates: &[&str]) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    for name in templates
        .iter()
        .flat_map(|template| template::placeholders(template))
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
        .into_iter()
        .map(|name| place(descriptor, name))
        .collect()
}

fn place(descriptor: &ProviderDescriptor, name: &str) -> String {
    let place = code(&format!("{{{name}}}"));
    let mapping = descriptor
        .mappings
        .iter()
        .find(|mapping| mapping.parameter.as_str() == name);
    let Some(mapping) = mapping else {
        return format!(
            "In URLs, {place} stands for what Tieline keeps under that name since the account was connected."
        );
    };
    let credential = text(mapping.credential);
    match mapping.format {
        Format::OneOf(words) if words.iter().any(|(word, stands)| word != stands) => {
            let words: Vec<_> = words
                .iter()
                .map(|(word, stands)| format!("{} for {}", code(stands), code(word)))
                .collect();
            format!(
                "In URLs, {place} stands for the **{credential}**: {}.",
                words.join(", ")
            )
        }
        _ => format!("In URLs, {place} stands for the **{credential}**."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    #[test]
    fn each_place_is_told_once() {
        let templates = [
            "https://{acme.shop}.acme.example",
            "{acme.region}/{acme.shop}/{realm}",
        ];
        assert_eq!(
            told(&invented::SHOPS, &templates),
            [
                "In URLs, `{acme.shop}` stands for the **Shop**.",
                "In URLs, `{acme.region}` stands for the **World**: `api` for `live`, `sandbox` for `test`.",
                "In URLs, `{realm}` stands for what Tieline keeps under that name since the account was connected.",
            ]
        );
        assert!(told(&invented::SHOPS, &["https://acme.example"]).is_empty());
    }
}
