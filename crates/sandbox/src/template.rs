//! Fills the placeholders of a vendor's answers.

use serde_json::{Map, Value};

const ACCESS_TOKENS: &[&str] = &["access_token", "user_access_token"];
const LIFETIMES: &[&str] = &["expires_in", "refresh_expires_in"];

/// What placeholders stand for, by name.
pub(crate) type Values = Map<String, Value>;

/// Fills every `{name}`: a text that is one placeholder takes its value's type, any other takes it as text.
/// A text with a placeholder that has no value becomes empty.
pub(crate) fn fill(template: &Value, values: &Values) -> Value {
    match template {
        Value::String(text) => match whole(text) {
            Some(name) => values.get(name).cloned().unwrap_or_else(|| Value::from("")),
            None => Value::from(fill_text(text, values)),
        },
        Value::Array(items) => items.iter().map(|item| fill(item, values)).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| (name.clone(), fill(field, values)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Fills a text; empty as soon as one placeholder has no value.
pub(crate) fn fill_text(text: &str, values: &Values) -> String {
    let mut filled = String::with_capacity(text.len());
    for part in parts(text) {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Placeholder(name) => match values.get(name) {
                None => return String::new(),
                Some(Value::String(value)) => filled.push_str(value),
                Some(value) => filled.push_str(&value.to_string()),
            },
        }
    }
    filled
}

/// Without the members of objects that are one of these placeholders; and where an access token is left out and
/// none stays, without its lifetimes.
pub(crate) fn without(template: &Value, names: &[&str]) -> Value {
    match template {
        Value::Array(items) => items.iter().map(|item| without(item, names)).collect(),
        Value::Object(fields) => {
            let name = |field: &Value| field.as_str().and_then(whole).unwrap_or("").to_owned();
            let tokens: Vec<_> = fields
                .values()
                .map(name)
                .filter(|name| ACCESS_TOKENS.contains(&name.as_str()))
                .collect();
            let is_missing = |name: &String| names.contains(&name.as_str());
            let lifeless = !tokens.is_empty() && tokens.iter().all(is_missing);
            let stays = |field: &Value| {
                let name = name(field);
                !(is_missing(&name) || lifeless && LIFETIMES.contains(&name.as_str()))
            };
            let fields = fields.iter().filter(|(_, field)| stays(field));
            Value::Object(
                fields
                    .map(|(name, field)| (name.clone(), without(field, names)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

/// The names of all placeholders in it.
pub(crate) fn placeholders(template: &Value) -> Vec<String> {
    match template {
        Value::String(text) => parts(text)
            .into_iter()
            .filter_map(|part| match part {
                Part::Placeholder(name) => Some(name.to_owned()),
                Part::Text(_) => None,
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(placeholders).collect(),
        Value::Object(fields) => fields.values().flat_map(placeholders).collect(),
        _ => Vec::new(),
    }
}

enum Part<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

fn whole(text: &str) -> Option<&str> {
    match parts(text).as_slice() {
        [Part::Placeholder(name)] => Some(name),
        _ => None,
    }
}

fn parts(mut text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while let Some(open) = text.find('{') {
        let (before, rest) = text.split_at(open);
        let Some(close) = rest.find('}') else { break };
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        parts.push(Part::Placeholder(&rest[1..close]));
        text = &rest[close + 1..];
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fills_with_type_alone_and_as_text_among_text() {
        let values = json!({ "n": 60, "host": "a.example" });
        let values = values.as_object().unwrap();
        let template =
            json!({ "n": "{n}", "s": "full|{host}", "deep": [{ "t": "{n}/{n}" }], "b": true });
        assert_eq!(
            fill(&template, values),
            json!({ "n": 60, "s": "full|a.example", "deep": [{ "t": "60/60" }], "b": true })
        );
    }

    #[test]
    fn what_nobody_has_is_left_out_with_its_lifetime() {
        let template = json!({
            "access_token": "{access_token}", "expires_in": "{expires_in}", "kind": "bot",
            "user": { "token": "{user_access_token}", "expires_in": "{expires_in}", "id": "{account.id}" },
            "text": "of {user_access_token}",
        });
        assert_eq!(without(&template, &[]), template);
        assert_eq!(
            without(&template, &["user_access_token"]),
            json!({
                "access_token": "{access_token}", "expires_in": "{expires_in}", "kind": "bot",
                "user": { "id": "{account.id}" },
                "text": "of {user_access_token}",
            })
        );
        let flat =
            json!({ "a": "{access_token}", "b": "{user_access_token}", "e": "{expires_in}" });
        assert_eq!(
            without(&flat, &["access_token"]),
            json!({ "b": "{user_access_token}", "e": "{expires_in}" })
        );
    }

    #[test]
    fn a_text_with_an_unknown_placeholder_is_blank() {
        assert_eq!(
            fill_text("{a}|{b}", json!({ "a": 1 }).as_object().unwrap()),
            ""
        );
        assert_eq!(fill_text("open { brace", &Values::new()), "open { brace");
        assert_eq!(
            placeholders(&json!(["{a}", { "x": "{b.c}|{d}" }])),
            ["a", "b.c", "d"]
        );
    }
}
