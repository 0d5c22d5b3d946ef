//! `access_token=…&expires=…`: forms, as some token endpoints still answer.

use serde_json::{Map, Value};

use super::{Decoded, Warnings};

/// Decodes a form. A page of text that merely has an `=` and an `&` somewhere is none.
pub(super) fn object(text: &str) -> Option<Decoded> {
    let (first, _) = text.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.[]%".contains(c);
    let is_written = |c: char| !c.is_whitespace() && !c.is_control() && !"<>\"{}".contains(c);
    if first.is_empty() || !first.chars().all(is_name) || !text.chars().all(is_written) {
        return None;
    }
    let mut object = Map::new();
    let mut warnings = Warnings::default();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if object
            .insert(name.clone().into_owned(), Value::String(value.into_owned()))
            .is_some()
        {
            warnings.add(name, "it stands there more than once; the last one counts");
        }
    }
    Some(Decoded { object, warnings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_what_only_looks_like_one() {
        let Decoded { object, warnings } = object("access_token=a%2Bb+c&x=1&x=2").unwrap();
        assert_eq!(
            Value::Object(object),
            serde_json::json!({"access_token": "a+b c", "x": "2"})
        );
        assert_eq!(
            warnings
                .into_inner()
                .first()
                .map(|warning| warning.field.as_str()),
            Some("x")
        );
        for none in [
            "access_token",
            "=a",
            "see https://x.example/?a=1&access_token=b",
            "a=1\n&access_token=b",
            "a?b=1&access_token=c",
        ] {
            assert!(super::object(none).is_none(), "{none}");
        }
    }
}
