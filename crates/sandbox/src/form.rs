//! Parameters of a request: a query, a form body, or the texts of a JSON body.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

/// Parameters in the order they came. One without a value counts as left out (RFC 6749, section 3.1).
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// `None` when it is not UTF-8, or doesn't decode to UTF-8.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        // Decoding is lossy: a replacement character that the sender did not mean is one that the text doesn't spell.
        let meant = |text: &str| {
            text.contains('\u{fffd}') || text.to_ascii_lowercase().contains("%ef%bf%bd")
        };
        let honest = std::str::from_utf8(text).is_ok_and(meant);
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text).into_owned().collect();
        let lossy = pairs
            .iter()
            .any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}'));
        (honest || !lossy).then(|| {
            Self(
                pairs
                    .into_iter()
                    .filter(|(_, value)| !value.is_empty())
                    .collect(),
            )
        })
    }

    /// The form in a body; empty when the body says it is something else.
    pub(crate) fn of_body(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if is(headers, "application/x-www-form-urlencoded") {
            Self::parse(body)
        } else {
            Some(Self::default())
        }
    }

    /// The texts of a JSON object in a body; empty when the body says it is something else, or is.
    pub(crate) fn of_json_body(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if !is(headers, "application/json") {
            return Some(Self::default());
        }
        std::str::from_utf8(body).ok()?;
        let members: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
        let texts = members.into_iter().filter_map(|(name, value)| match value {
            Value::String(text) if !text.is_empty() => Some((name, text)),
            _ => None,
        });
        Some(Self(texts.collect()))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter "MUST NOT be included more than once" (RFC 6749, section 3.1).
    pub(crate) fn repeats(&self, name: &str) -> bool {
        self.0.iter().filter(|(given, _)| given == name).count() > 1
    }

    pub(crate) fn repeats_any(&self) -> bool {
        self.0.iter().any(|(name, _)| self.repeats(name))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// Whether a request names this media type, with or without parameters.
fn is(headers: &HeaderMap, media_type: &str) -> bool {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|v| v.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_utf8_is_told_from_a_meant_replacement_character() {
        assert!(Form::parse(b"a=%ff").is_none());
        assert!(Form::parse(b"a=\xff").is_none());
        assert_eq!(
            Form::parse(b"a=%EF%BF%BD").unwrap().get("a"),
            Some("\u{fffd}")
        );
    }

    #[test]
    fn a_json_body_gives_its_texts() {
        let typed = |media_type: &'static str| {
            let media_type = http::HeaderValue::from_static(media_type);
            HeaderMap::from_iter([(CONTENT_TYPE, media_type)])
        };
        let json = typed("Application/JSON; charset=utf-8");
        let form = Form::of_json_body(&json, br#"{ "a": "1", "b": 2, "c": "", "d": ["x"] }"#);
        assert_eq!(form.unwrap().names().collect::<Vec<_>>(), ["a"]);
        for (headers, body) in [
            (&json, &b"[1]"[..]),
            (&json, b"a=1"),
            (&typed("text/plain"), br#"{ "a": "1" }"#),
            (&HeaderMap::new(), br#"{ "a": "1" }"#),
        ] {
            let form = Form::of_json_body(headers, body).unwrap();
            assert_eq!(form.names().count(), 0, "{headers:?} {body:?}");
        }
        assert!(Form::of_json_body(&json, b"{\"a\":\"\xff\"}").is_none());
    }

    #[test]
    fn an_empty_value_counts_as_left_out() {
        let form = Form::parse(b"a=&b=1&b=2&c").unwrap();
        assert_eq!(
            (form.get("a"), form.get("c"), form.get("b")),
            (None, None, Some("1"))
        );
        assert!(form.repeats("b") && form.repeats_any() && !form.repeats("a"));
    }
}
