//! URLs with places for what differs from tenant to tenant: `https://{acme.shop}.shops.acme.example/v1/{realm}`.
//!
//! A placeholder is the key of a parameter or the name of a captured fact. In the host only one DNS label may take its
//! place, and the finished URL is parsed again and must have exactly the host that the template spells: text that merely
//! looks harmless (`evil.example/`, `x:y@evil.example`, full-width characters) can't move it. In the path a value is one
//! segment, percent-encoded.

use url::Url;

use crate::endpoint::is_endpoint;

/// Why a template gives no URL. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// Nothing is known that could take the placeholder's place.
    #[error("nothing is known for {{{0}}}")]
    Missing(String),
    /// What stands for it is no label of a host.
    #[error(
        "what stands for {{{0}}} is not one label of a host: lower-case letters, digits and inner dashes"
    )]
    NotLabel(String),
    /// What stands for it is no segment of a path.
    #[error("what stands for {{{0}}} is not one segment of a path")]
    NotSegment(String),
    /// The result is no URL that may be an endpoint, or not the one that the template spells.
    #[error("it does not give the https URL that it spells")]
    Moved,
}

/// One piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// The names of the placeholders, in order.
pub fn placeholders(template: &str) -> Vec<&str> {
    let names = parts(template).into_iter().filter_map(|part| match part {
        Part::Placeholder(name) => Some(name),
        Part::Text(_) => None,
    });
    names.collect()
}

/// The names of the placeholders in the host.
pub fn host_placeholders(template: &str) -> Vec<&str> {
    placeholders(split(template).0)
}

/// The URL that a template spells with these values.
///
/// # Errors
/// When a value is missing or does not fit its place, or the URL is not the one that the template spells.
pub fn url<'v>(
    template: &str,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Result<Url, TemplateProblem> {
    let (origin, rest) = split(template);
    let filled_origin = labels(origin, &value)?;
    let text = filled_origin.clone() + &segments(rest, &value)?;
    let url = Url::parse(&text).map_err(|_| TemplateProblem::Moved)?;
    let spelt = filled_origin.split_once("://").map(|(_, host)| host);
    let has_placeholders = origin.contains('{');
    // Without a placeholder in it there is nothing that could have moved the host.
    if has_placeholders && (spelt != Some(url.authority()) || url.scheme() != "https") {
        return Err(TemplateProblem::Moved);
    }
    if is_endpoint(&text) {
        Ok(url)
    } else {
        Err(TemplateProblem::Moved)
    }
}

/// The host that a template of a host spells with these values: `{acme.shop}.shops.acme.example`.
///
/// # Errors
/// When a value is missing or is no label.
pub fn host<'v>(
    template: &str,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Result<String, TemplateProblem> {
    labels(template, &value)
}

/// The path, relative to an API's base, that a template spells with these values.
///
/// # Errors
/// When a value is missing or is no segment.
pub fn path<'v>(
    template: &str,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Result<String, TemplateProblem> {
    segments(template, &value)
}

/// Lower-case letters, digits and inner dashes, at most 63 (RFC 1123 section 2.1): nothing that a URL parser, a resolver
/// or a person could read as anything else.
pub fn is_host_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        // Punycode stands for something else (RFC 5890 section 2.3.2.1), and not every text is punycode.
        && (!text.starts_with("xn--") || url::Host::parse(text).is_ok())
}

fn labels<'v>(
    template: &str,
    value: &impl Fn(&str) -> Option<&'v str>,
) -> Result<String, TemplateProblem> {
    filled(template, value, |name, text| {
        if is_host_label(text) {
            Ok(text.to_owned())
        } else {
            Err(TemplateProblem::NotLabel(name.to_owned()))
        }
    })
}

fn segments<'v>(
    template: &str,
    value: &impl Fn(&str) -> Option<&'v str>,
) -> Result<String, TemplateProblem> {
    filled(template, value, |name, text| {
        // A URL parser takes these for steps, however they are written.
        if text.is_empty() || matches!(text, "." | "..") {
            return Err(TemplateProblem::NotSegment(name.to_owned()));
        }
        Ok(encoded(text))
    })
}

fn filled<'v>(
    template: &str,
    value: &impl Fn(&str) -> Option<&'v str>,
    fit: impl Fn(&str, &str) -> Result<String, TemplateProblem>,
) -> Result<String, TemplateProblem> {
    let mut filled = String::with_capacity(template.len());
    for part in parts(template) {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Placeholder(name) => {
                let text = value(name).ok_or_else(|| TemplateProblem::Missing(name.to_owned()))?;
                filled.push_str(&fit(name, text)?);
            }
        }
    }
    Ok(filled)
}

/// All but unreserved characters (RFC 3986 section 2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Scheme, host and port, and what follows them.
fn split(template: &str) -> (&str, &str) {
    let host = template.find("://").map_or(0, |at| at + 3);
    let end = template[host..]
        .find(['/', '?', '#'])
        .map_or(template.len(), |at| host + at);
    template.split_at(end)
}

fn parts(mut template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while let Some((before, rest)) = template.split_once('{') {
        let Some((name, after)) = rest.split_once('}') else {
            break;
        };
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        parts.push(Part::Placeholder(name));
        template = after;
    }
    if !template.is_empty() {
        parts.push(Part::Text(template));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "https://{acme.shop}.shops.acme.example/admin/{realm}";

    fn filled(shop: &str, realm: &str) -> Result<String, TemplateProblem> {
        let url = url(SHOP, |name| match name {
            "acme.shop" => Some(shop).filter(|text| *text != "none"),
            "realm" => Some(realm),
            _ => None,
        });
        url.map(String::from)
    }

    #[test]
    fn values_stay_in_their_places() {
        assert_eq!(
            filled("acme-1", "42").unwrap(),
            "https://acme-1.shops.acme.example/admin/42"
        );
        assert_eq!(
            filled("acme", "a/b?c#d %2e").unwrap(),
            "https://acme.shops.acme.example/admin/a%2Fb%3Fc%23d%20%252e"
        );
        assert_eq!(placeholders(SHOP), ["acme.shop", "realm"]);
        assert_eq!(host_placeholders(SHOP), ["acme.shop"]);
    }

    #[test]
    fn what_would_move_the_host_or_the_path_is_refused() {
        for label in [
            "",
            "Acme",
            "evil.example/",
            "x:y@evil.example",
            "a.b",
            "-a",
            "ａ",
            "xn--",
            "a\r\n",
        ] {
            assert_eq!(
                filled(label, "1"),
                Err(TemplateProblem::NotLabel("acme.shop".to_owned())),
                "{label:?}"
            );
        }
        for segment in ["", ".", ".."] {
            assert_eq!(
                filled("acme", segment),
                Err(TemplateProblem::NotSegment("realm".to_owned()))
            );
        }
        assert_eq!(
            filled("none", "1").unwrap_err().to_string(),
            "nothing is known for {acme.shop}"
        );
        // A label that the URL parser reads as something else: the host is no longer what the template spells.
        let number = url("https://{a}/", |_| Some("127"));
        assert_eq!(number, Err(TemplateProblem::Moved));
        let plain = url("http://{a}.example/", |_| Some("acme"));
        assert_eq!(plain, Err(TemplateProblem::Moved));
    }

    #[test]
    fn without_placeholders_a_template_is_a_url() {
        let url = url("http://127.0.0.1:80/token?x=1", |_| None).unwrap();
        assert_eq!(url.as_str(), "http://127.0.0.1/token?x=1");
    }
}
