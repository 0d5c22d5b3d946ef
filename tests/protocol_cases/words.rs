//! The neutral words with which a case declares what its provider does, as a descriptor.

use serde_json::{Map, Value};
use tieline_core::descriptor::{
    DeadToken, ErrorWhen, ExpiresInFormat, ExpiresInUnit, OAuth2, TokenAnswer,
};

use crate::acme::STANDARD;

/// # Panics
/// On an unknown word or value: a case that is not understood must not pass.
pub(crate) fn oauth2(id: &str, words: &Map<String, Value>) -> OAuth2 {
    let mut answer = TokenAnswer::DEFAULT;
    for (word, value) in words {
        let text = || text(value).unwrap_or_else(|| panic!("{id}: {word} is not text: {value}"));
        match word.as_str() {
            "response_fields" => answer.fields = pairs(id, value),
            "response_path" => answer.path = Some(text()),
            "user_token_path" => answer.user_path = Some(text()),
            "scope_separator" => answer.scope_separator = text(),
            "token_type_means_bearer" => answer.token_type_means_bearer = texts(id, value),
            "error_path" => answer.error_path = Some(text()),
            "errors" => answer.errors = pairs(id, value),
            "error_when" => answer.error_when = Some(error_when(id, value)),
            "dead_refresh_token" => answer.dead_refresh_token = dead_tokens(id, value),
            "expires_in_unit" => answer.expires_in_unit = unit(id, text()),
            "expires_in_format" => answer.expires_in_format = format(id, text()),
            "requires" => answer.requires = texts(id, value),
            _ => panic!("{id}: unknown word under descriptor: {word}"),
        }
    }
    OAuth2 { answer, ..STANDARD }
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// The text of a scalar.
fn text(value: &Value) -> Option<&'static str> {
    match value {
        Value::String(text) => Some(leak(text)),
        Value::Number(_) | Value::Bool(_) => Some(leak(&value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn texts(id: &str, value: &Value) -> &'static [&'static str] {
    let items = match value {
        Value::Array(items) => items.iter().map(text).collect(),
        one => text(one).map(|text| vec![text]),
    };
    items
        .unwrap_or_else(|| panic!("{id}: neither text nor a list of it: {value}"))
        .leak()
}

fn pairs(id: &str, value: &Value) -> &'static [(&'static str, &'static str)] {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("{id}: not an object: {value}"));
    let pairs = object
        .iter()
        .map(|(name, value)| Some((leak(name), text(value)?)));
    pairs
        .collect::<Option<Vec<_>>>()
        .unwrap_or_else(|| panic!("{id}: not an object of text: {value}"))
        .leak()
}

/// `{"path": "ok", "equals": false}`, or `{"ok": false}` for short.
fn error_when(id: &str, value: &Value) -> ErrorWhen {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("{id}: not an object: {value}"));
    let word = |names: [&str; 2]| names.iter().find_map(|name| object.get(*name));
    let (path, equals) = match (word(["path", "field"]), word(["equals", "value"])) {
        (Some(path), Some(equals)) if object.len() == 2 => (text(path), text(equals)),
        _ if object.len() == 1 => object
            .iter()
            .map(|(path, equals)| (Some(leak(path)), text(equals)))
            .next()
            .unwrap(),
        _ => (None, None),
    };
    match (path, equals) {
        (Some(path), Some(equals)) => ErrorWhen { path, equals },
        _ => panic!("{id}: error_when is not understood: {value}"),
    }
}

/// An object, a code, or a list of them.
fn dead_tokens(id: &str, value: &Value) -> &'static [DeadToken] {
    let one = |value: &Value| match value {
        Value::String(code) => DeadToken {
            error: Some(leak(code)),
            error_description: None,
        },
        Value::Object(words) => {
            let known = words
                .keys()
                .all(|word| ["error", "error_description"].contains(&word.as_str()));
            assert!(
                known && !words.is_empty(),
                "{id}: dead_refresh_token is not understood: {value}"
            );
            let word = |name| words.get(name).and_then(text);
            DeadToken {
                error: word("error"),
                error_description: word("error_description"),
            }
        }
        _ => panic!("{id}: dead_refresh_token is not understood: {value}"),
    };
    match value {
        Value::Array(items) => items.iter().map(one).collect::<Vec<_>>().leak(),
        value => vec![one(value)].leak(),
    }
}

fn unit(id: &str, text: &str) -> ExpiresInUnit {
    match text.to_ascii_lowercase().as_str() {
        "s" | "sec" | "second" | "seconds" => ExpiresInUnit::Seconds,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => ExpiresInUnit::Milliseconds,
        _ => panic!("{id}: unknown unit of expires_in: {text}"),
    }
}

fn format(id: &str, text: &str) -> ExpiresInFormat {
    match text.to_ascii_lowercase().as_str() {
        "number" | "seconds" => ExpiresInFormat::Number,
        "d:hh:mm" | "dd:hh:mm" | "days:hours:minutes" | "days_hours_minutes" => {
            ExpiresInFormat::DaysHoursMinutes
        }
        _ => panic!("{id}: unknown format of expires_in: {text}"),
    }
}
