//! Labels that a person may give for their own host, and those that would lead somewhere else.

use std::collections::BTreeMap;
use std::path::Path;

use tieline_core::Secret;
use tieline_core::parameters::Given;
use tieline_core::template;

use crate::acme::{Acme, SHOP, STANDARD, parameters};

/// One line of the file.
#[derive(Debug)]
struct Label {
    text: String,
    is_accepted: bool,
}

/// # Panics
/// On a line that is not understood: it must not pass.
fn labels(folder: &Path) -> Vec<Label> {
    let path = folder.join("host-labels.txt");
    let file = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| label(line).unwrap_or_else(|| panic!("not understood: {line}")))
        .collect()
}

/// A quoted text with JSON's escapes, white space, then `accept` or `refuse`.
fn label(line: &str) -> Option<Label> {
    let mut texts = serde_json::Deserializer::from_str(line).into_iter::<String>();
    let text = texts.next()?.ok()?;
    let is_accepted = match line.get(texts.byte_offset()..)?.trim() {
        "accept" => true,
        "refuse" => false,
        _ => return None,
    };
    Some(Label { text, is_accepted })
}

/// The host that calls would go to, when a template of a URL is filled with what somebody gave.
fn host(text: &str) -> Option<String> {
    let value = |name: &str| (name == SHOP.as_str()).then_some(text);
    let url = template::url("https://{acme.shop}.myshopify.com/x", value).ok()?;
    assert_eq!((url.scheme(), url.path()), ("https", "/x"), "{text:?}");
    assert_eq!((url.port(), url.username()), (None, ""), "{text:?}");
    url.host_str().map(str::to_owned)
}

/// The label as it would be kept with the account.
fn kept(text: &str) -> Option<String> {
    let provider = Acme::with(STANDARD);
    let parameters = parameters(&provider, "key", Some("secret"), &[]);
    let given = Given::from([(SHOP.to_string(), Secret::from(text))]);
    let kept = parameters.with_end_user(&given).ok()?.to_keep();
    let shop = kept.get(SHOP.as_str()).cloned();
    assert_eq!(kept.len(), 1, "{text:?}");
    shop
}

#[test]
#[expect(clippy::print_stdout, reason = "what was run is part of the result")]
fn host_labels() {
    let labels = labels(&crate::folder());
    let mut counts = BTreeMap::from([(true, 0), (false, 0)]);
    for Label { text, is_accepted } in &labels {
        let expected = is_accepted.then(|| text.clone());
        assert_eq!(kept(text), expected, "{text:?} as a parameter");
        let expected = expected.map(|label| format!("{label}.myshopify.com"));
        assert_eq!(host(text), expected, "{text:?} in a host");
        *counts.entry(*is_accepted).or_default() += 1;
    }
    println!("{} accepted, {} refused", counts[&true], counts[&false]);
    assert!(counts.values().all(|count| *count > 0), "{counts:?}");
}

#[test]
fn a_line_that_is_not_understood_is_not_passed_over() {
    for line in [
        "acme accept",
        "\"acme\"",
        "\"acme\" perhaps",
        "\"a\\x41\" accept",
        "\"a\" accept b",
    ] {
        assert!(label(line).is_none(), "{line}");
    }
    let taken = label("\"a\\tb\"\trefuse").unwrap();
    assert_eq!((&*taken.text, taken.is_accepted), ("a\tb", false));
}
