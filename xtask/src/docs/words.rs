//! What a person calls a parameter, and other words of the pages.

use tieline::ParameterKey;

/// `yes` or `no`.
pub(crate) fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// What a person calls a parameter: `API key` for `oauth.api.key`.
pub(crate) fn label(key: ParameterKey) -> String {
    let key = key.as_str();
    let words = key.strip_prefix("oauth.").unwrap_or(key).split(['.', '_']);
    let words = words.map(|word| match word {
        "api" => "API",
        "url" => "URL",
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The same on the page of a provider, whose name goes without saying: `region` for `acme.region` of `acme`.
pub(crate) fn label_at(provider: &str, key: ParameterKey) -> String {
    let label = label(key);
    let own = label
        .strip_prefix(provider)
        .and_then(|own| own.strip_prefix(' '));
    own.map_or_else(|| label.clone(), str::to_owned)
}

/// The same text with a capital at its start.
pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_words() {
        assert_eq!(capitalised("base URL"), "Base URL");
        assert_eq!(label(ParameterKey::OAUTH_API_KEY), "API key");
        assert_eq!(label(ParameterKey::OAUTH_CALLBACK_URL), "callback URL");
        assert_eq!(
            label(ParameterKey::OAUTH_TOKEN_REFRESH_URL),
            "token refresh URL"
        );
        const REGION: ParameterKey = ParameterKey::new("acme.region");
        assert_eq!(
            [label(REGION), label_at("acme", REGION)],
            ["acme region", "region"]
        );
        assert_eq!(label_at("acm", REGION), "acme region");
    }
}
