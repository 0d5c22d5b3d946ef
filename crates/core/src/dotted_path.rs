//! `errors.0.code`: paths into JSON, as descriptors write them.

use serde_json::Value;

/// What stands at `path`; a number is an index into an array.
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, step| match value {
        Value::Object(map) => map.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The text of the scalar at `path`: strings as they are, numbers and booleans as JSON writes them.
pub fn text_at(value: &Value, path: &str) -> Option<String> {
    match at(value, path)? {
        Value::String(text) => Some(text.clone()),
        scalar @ (Value::Number(_) | Value::Bool(_)) => Some(scalar.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_walk_objects_and_arrays() {
        let json =
            serde_json::json!({"errors": [{"code": 7, "why": "x"}], "ok": false, "none": null});
        assert_eq!(text_at(&json, "errors.0.code").as_deref(), Some("7"));
        assert_eq!(text_at(&json, "errors.0.why").as_deref(), Some("x"));
        assert_eq!(text_at(&json, "ok").as_deref(), Some("false"));
        for nothing in ["none", "errors", "errors.1.code", "errors.x", "ok.no", ""] {
            assert_eq!(text_at(&json, nothing), None, "{nothing}");
        }
    }
}
