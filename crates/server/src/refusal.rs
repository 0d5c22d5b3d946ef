//! What is wrong with what was sent, told by the names of fields alone: what stands in them may be a secret.

use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Error, Path};
use tieline_core::suggest::closest;

/// The longest name that is repeated, in characters.
const LONGEST_NAME: usize = 64;

/// Reads JSON, or tells what is wrong with it.
pub(crate) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err("the body is empty: send a JSON object".to_owned());
    }
    if holds_nul(body) {
        return Err(
            "there is a NUL character (\\u0000) in the body, which no field takes".to_owned(),
        );
    }
    if body.trim_ascii_start().first() != Some(&b'{') {
        // A list could pass for the fields of an object, in their order.
        return Err("the body is no JSON object".to_owned());
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| of_json(&error))?;
    json.end().map_err(|error| no_json(&error))?;
    Ok(read)
}

/// Reads a query, or tells what is wrong with it.
pub(crate) fn from_query<T: DeserializeOwned>(query: &str) -> Result<T, String> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut values = pairs.map(|(_, value)| value);
    if values.any(|value| value.contains('\0')) {
        return Err("there is a NUL character (%00) in the query, which no field takes".to_owned());
    }
    read(serde_urlencoded::Deserializer::new(pairs)).map_err(|error| of_data(&error, "query"))
}

fn read<'de, T, D>(from: D) -> Result<T, Error<D::Error>>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    serde_path_to_error::deserialize(from)
}

fn of_json(error: &Error<serde_json::Error>) -> String {
    match error.inner().classify() {
        Category::Data => of_data(error, "body"),
        _ => no_json(error.inner()),
    }
}

fn no_json(error: &serde_json::Error) -> String {
    let why = if error.is_eof() {
        "ends before its JSON does"
    } else {
        "is no JSON"
    };
    format!(
        "the body {why}: look at line {}, column {}",
        error.line(),
        error.column()
    )
}

/// Three of serde's texts hold nothing but names. All others may hold what stands there, and are not shown.
fn of_data<E: std::fmt::Display>(error: &Error<E>, whole: &str) -> String {
    let text = error.inner().to_string();
    if let Some(rest) = text.strip_prefix("unknown field `") {
        return unknown(rest);
    }
    for (prefix, complaint) in [
        ("missing field `", "is missing"),
        ("duplicate field `", "stands there twice"),
    ] {
        if let Some((name, _)) = text.strip_prefix(prefix).and_then(|it| it.split_once('`')) {
            return format!("`{}` {complaint}", within(error.path(), name));
        }
    }
    match shown(&error.path().to_string()) {
        root if root == "." => format!("the {whole} is not of the kind that is asked for here"),
        path => format!("`{path}` is not of the kind that is asked for here"),
    }
}

/// What follows the name is the list of those there are. Whoever sent it chose the name, so the last list is meant.
fn unknown(rest: &str) -> String {
    let Some((name, known)) = rest.rsplit_once("`, ") else {
        return "there is a field that is not known here".to_owned();
    };
    // "expected `a`", "expected `a` or `b`", "expected one of `a`, `b`", or "there are no fields"
    let (name, known) = match name.split_once("`, expected ") {
        Some((name, first)) => (name, format!("{first}`, {known}")),
        None => (name, known.to_owned()),
    };
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let name = shown(name);
    match closest(&name, known.iter().copied()) {
        Some(near) => format!("unknown field `{name}`: did you mean `{near}`?"),
        None if known.is_empty() => format!("unknown field `{name}`: there are none here"),
        None => format!("unknown field `{name}`: there are `{}`", known.join("`, `")),
    }
}

/// A field of what stands at a path.
fn within(path: &Path, name: &str) -> String {
    let path = path.to_string();
    // The path may end with the field itself, or before it.
    if path == "." || path == name || path.ends_with(&format!(".{name}")) {
        return shown(if path == "." { name } else { &path });
    }
    shown(&format!("{path}.{name}"))
}

/// A name as it can stand in a line of a log.
fn shown(name: &str) -> String {
    let plain = name.chars().filter(|it| !it.is_control() && *it != '`');
    let mut shown: String = plain.take(LONGEST_NAME).collect();
    if shown.len() < name.len() && name.chars().count() > LONGEST_NAME {
        shown.push('…');
    }
    shown
}

/// Whether there is a NUL in a text, by the only way there is one in JSON.
fn holds_nul(body: &[u8]) -> bool {
    let escape = b"\\u0000";
    let found = body.windows(escape.len()).enumerate();
    found.filter(|(_, window)| window == escape).any(|(at, _)| {
        let before = body.iter().take(at).rev();
        // Behind an odd number of others, a backslash is a character and no escape.
        before.take_while(|byte| **byte == b'\\').count() % 2 == 0
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;
    use crate::wire::{ApiKeysQuery, Connect, DisconnectQuery, InstancesQuery, NewApp, NewTenant};

    fn refused<T: DeserializeOwned>(body: &str) -> String {
        match from_json::<T>(body.as_bytes()) {
            Ok(_) => "taken".to_owned(),
            Err(text) => text,
        }
    }

    #[test]
    fn texts_of_bodies() {
        let mut told = String::new();
        for body in [
            "",
            " \n",
            "{",
            "{\"provider\": cAnArY}",
            "[]",
            "\"cAnArY\"",
            "7",
            "{}",
            "{\"provider\": 7}",
            "{\"provider\": \"acme\", \"nmae\": \"cAnArY\"}",
            "{\"provider\": \"acme\", \"colour\": \"cAnArY\"}",
            "{\"provider\": \"acme\", \"x`, expected `y\": 1}",
            "{\"provider\": \"acme\", \"provider\": \"acme\"}",
            "{\"provider\": \"acme\", \"parameters\": {\"oauth.api.key\": 12345}}",
            "{\"provider\": \"acme\", \"parameters\": \"cAnArY\"}",
            "{\"provider\": \"acme\", \"return_origins\": [\"https://a.example\", 7]}",
            "{\"provider\": \"acme\"} cAnArY",
            "{\"provider\": \"ac\\u0000me\"}",
            "{\"provider\": \"ac\\\\u0000me\"}",
            "{\"provider\": \"ac\0me\"}",
        ] {
            let text = refused::<NewApp>(body);
            assert!(!text.contains("cAnArY"), "{text}");
            writeln!(told, "{:<60} {text}", body.escape_default().to_string()).unwrap();
        }
        for body in [
            "{\"app\": \"x\"}",
            "{\"app\": 1.5}",
            "{\"app\": 7, \"binding\": \"cAnArY\"}",
        ] {
            let text = refused::<Connect>(body);
            assert!(!text.contains("cAnArY"), "{text}");
            writeln!(told, "{body:<60} {text}").unwrap();
        }
        let deep = refused::<NewTenant>(&"[".repeat(10_000));
        writeln!(told, "{:<60} {deep}", "[ × 10,000").unwrap();
        let deep = format!("{{\"id\": {}", "[".repeat(10_000));
        writeln!(
            told,
            "{:<60} {}",
            "id: [ × 10,000",
            refused::<NewTenant>(&deep)
        )
        .unwrap();
        insta::assert_snapshot!(told);
    }

    #[test]
    fn texts_of_queries() {
        let mut told = String::new();
        let mut tell = |query: &str, text: Option<String>| {
            let text = text.unwrap_or_else(|| "taken".to_owned());
            assert!(!text.contains("cAnArY"), "{text}");
            writeln!(told, "{query:<30} {text}").unwrap();
        };
        for query in [
            "",
            "limit=10&tag=a%20b",
            "limit=ten",
            "limit=-1",
            "limit=1&limit=2",
            "status=cAnArY",
            "cursor=cAnArY",
            "curser=1",
            "tag=%00",
            "tag=%ff",
        ] {
            tell(query, from_query::<InstancesQuery>(query).err());
        }
        for query in ["cursor=", "tenat=x"] {
            tell(query, from_query::<ApiKeysQuery>(query).err());
        }
        for query in ["force=cAnArY", "farce=true"] {
            tell(query, from_query::<DisconnectQuery>(query).err());
        }
        insta::assert_snapshot!(told);
    }

    proptest! {
        #[test]
        fn no_body_is_too_strange(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = from_json::<Connect>(&body);
        }

        #[test]
        fn no_name_is_too_strange(name in any::<String>()) {
            let body = serde_json::json!({ "id": "a", name: 1 }).to_string();
            let text = refused::<NewTenant>(&body);
            prop_assert!(!text.contains('\n') && text.len() < 600, "{}", text);
        }
    }
}
