//! JSON objects, field by field: one that can't be read must not spoil the others.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Decoded, Warnings};

/// Deeper objects and arrays count as unreadable.
const DEEPEST: usize = 32;

/// Decodes an object, and what it holds.
///
/// # Errors
/// When the text is not the syntax of a JSON object; says where.
pub(super) fn object(text: &str) -> Result<Decoded, Cow<'static, str>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let pairs = Pairs::deserialize(&mut reader).map_err(|error| {
        format!(
            "it is not JSON at line {}, column {}",
            error.line(),
            error.column()
        )
    })?;
    let mut warnings = Warnings::default();
    if reader.end().is_err() {
        warnings.add("", "something follows the JSON object");
    }
    let object = pairs.decode("", DEEPEST, &mut warnings);
    Ok(Decoded { object, warnings })
}

/// An object whose names and values are not looked at yet.
///
/// A derived struct would fail on repeated names, and a map of values on the first number or string that can't be
/// represented.
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl Pairs<'_> {
    fn decode(self, path: &str, depth: usize, warnings: &mut Warnings) -> Map<String, Value> {
        let mut object = Map::new();
        for (name, raw) in self.0 {
            let Ok(name) = serde_json::from_str::<String>(name.get()) else {
                warnings.add(path, "a name can't be read");
                continue;
            };
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            let value = value(raw.get(), &path, depth, warnings);
            if object.insert(name, value).is_some() {
                warnings.add(path, "it stands there more than once; the last one counts");
            }
        }
        object
    }
}

/// The value of one field; null where it can't be read, so that no half of it is ever taken for a token.
fn value(raw: &str, path: &str, depth: usize, warnings: &mut Warnings) -> Value {
    let decoded = match raw.as_bytes().first() {
        Some(b'{' | b'[') if depth == 0 => None,
        Some(b'{') => serde_json::from_str::<Pairs<'_>>(raw)
            .ok()
            .map(|pairs| Value::Object(pairs.decode(path, depth - 1, warnings))),
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(raw)
            .ok()
            .map(|items| {
                let items = items
                    .into_iter()
                    .map(|item| value(item.get(), path, depth - 1, warnings));
                Value::Array(items.collect())
            }),
        _ => serde_json::from_str(raw).ok(),
    };
    decoded.unwrap_or_else(|| {
        warnings.add(path, "its value can't be read");
        Value::Null
    })
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decode(text: &str) -> (Value, Vec<String>) {
        let Decoded { object, warnings } = super::object(text).unwrap();
        (
            Value::Object(object),
            warnings
                .into_inner()
                .into_iter()
                .map(|warning| warning.field)
                .collect(),
        )
    }

    #[test]
    fn one_bad_field_does_not_spoil_the_rest() {
        let (object, warned) = decode(
            r#"{"a":"x", "big":1e400, "lone":"\ud800", "\udc00":1, "in":{"b":[1, -1e999, {"c":"\ud801"}]}, "z":[1,2]}"#,
        );
        let expected =
            json!({"a":"x", "big":null, "lone":null, "in":{"b":[1, null, {"c":null}]}, "z":[1,2]});
        assert_eq!(object, expected);
        assert_eq!(warned, ["big", "lone", "", "in.b", "in.b.c"]);
    }

    #[test]
    fn the_last_of_repeated_names_counts() {
        let (object, warned) = decode(r#"{"a":1,"a":2,"d":{"b":1,"b":3}} trailing"#);
        assert_eq!(object, json!({"a":2,"d":{"b":3}}));
        assert_eq!(warned, ["", "a", "d.b"]);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let (object, warned) = decode(&format!(r#"{{"deep":{deep},"a":1}}"#));
        assert_eq!(object["a"], 1);
        assert_eq!(warned, ["deep"]);
    }

    #[test]
    fn what_is_not_json_is_told_by_position_alone() {
        let refusal = |text| super::object(text).err().unwrap().into_owned();
        assert_eq!(
            refusal(r#"{"access_token":"s3cr3t""#),
            "it is not JSON at line 1, column 24"
        );
        assert_eq!(refusal("{'a':1}"), "it is not JSON at line 1, column 2");
    }
}
