//! What went wrong, as an answer tells it: in `error`, elsewhere in the body, or in a header.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use serde_json::{Map, Value};
use tieline_core::descriptor::{ErrorWhen, TokenAnswer};
use tieline_core::dotted_path;

use crate::decode::{Fields, lookup, text};

/// An error as the provider told it. Its texts are the provider's and not fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorAnswer {
    /// The provider's code.
    pub(crate) code: String,
    /// The RFC's, where the descriptor translates the provider's.
    pub(crate) translated: Option<&'static str>,
    pub(crate) description: Option<String>,
}

impl ErrorAnswer {
    /// The code that counts.
    pub(crate) fn effective(&self) -> &str {
        self.translated.unwrap_or(&self.code)
    }
}

/// Whether the answer bears the mark of an error under a status of success.
pub(crate) fn is_marked(answer: &TokenAnswer, root: &Map<String, Value>) -> bool {
    let is_marked = |when: ErrorWhen| lookup(root, when.path).is_some_and(|value| when.is(value));
    answer.error_when.is_some_and(is_marked)
}

/// The error in a body, if it tells one.
pub(crate) fn in_body(answer: &TokenAnswer, root: &Map<String, Value>) -> Option<ErrorAnswer> {
    let fields = Fields {
        answer,
        object: root,
    };
    let at_path = answer.error_path.and_then(|path| lookup(root, path));
    let code = at_path
        .and_then(code_in)
        .or_else(|| fields.get("error").and_then(code_in))
        .or_else(|| lookup(root, "error_code").and_then(code_in))?;
    let translation = answer
        .errors
        .iter()
        .find(|(theirs, _)| theirs.eq_ignore_ascii_case(&code));
    let description = fields.get("error_description").and_then(text);
    let description = description
        .or_else(|| text(lookup(root, "error.message").or_else(|| lookup(root, "message"))?));
    Some(ErrorAnswer {
        translated: translation.map(|(_, ours)| *ours),
        code,
        description,
    })
}

/// A code, in a scalar or in the usual places of an error object. What says that all is well is none.
fn code_in(value: &Value) -> Option<String> {
    let code = match value {
        Value::Object(_) => ["code", "error", "type", "errorCode", "status"]
            .iter()
            .find_map(|name| dotted_path::text_at(value, name)),
        Value::Array(items) => items
            .first()
            .and_then(|item| if item.is_array() { None } else { code_in(item) }),
        scalar => text(scalar),
    };
    code.filter(|code| {
        !["", "0", "false", "ok", "success"].contains(&code.to_ascii_lowercase().as_str())
    })
}

/// The `error` of a challenge (RFC 6750 section 3), however its parameters are separated.
pub(crate) fn in_headers(headers: &HeaderMap) -> Option<ErrorAnswer> {
    let code = headers.get_all(WWW_AUTHENTICATE).iter().find_map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let start = text.match_indices("error=").find_map(|(at, found)| {
            let before = text.get(..at)?.chars().next_back();
            before
                .is_none_or(|c| c == ' ' || c == ',' || c == '\t')
                .then_some(at + found.len())
        })?;
        let rest = text.get(start..)?;
        let code = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => rest.split([' ', ',', '\t']).next(),
        };
        code.filter(|code| !code.is_empty()).map(str::to_owned)
    })?;
    Some(ErrorAnswer {
        code,
        translated: None,
        description: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    fn code(answer: &TokenAnswer, body: Value) -> Option<String> {
        in_body(answer, &object(body)).map(|error| error.effective().to_owned())
    }

    #[test]
    fn codes_are_found_wherever_they_stand() {
        let standard = TokenAnswer::DEFAULT;
        assert_eq!(
            code(&standard, json!({"error": "invalid_grant"})).as_deref(),
            Some("invalid_grant")
        );
        assert_eq!(
            code(
                &standard,
                json!({"error": {"message": "x", "type": "T", "code": 100}})
            )
            .as_deref(),
            Some("100")
        );
        assert_eq!(
            code(&standard, json!({"error": ["bad"]})).as_deref(),
            Some("bad")
        );
        let translated = TokenAnswer {
            error_path: Some("errors.0.code"),
            errors: &[("7", "invalid_grant")],
            ..standard
        };
        assert_eq!(
            code(&translated, json!({"errors": [{"code": 7}]})).as_deref(),
            Some("invalid_grant")
        );
        assert_eq!(
            code(&translated, json!({"error": "invalid_client"})).as_deref(),
            Some("invalid_client")
        );
        for none in [
            json!({}),
            json!({"error": null}),
            json!({"error": ""}),
            json!({"error": [[["x"]]]}),
            json!({"error": 0}),
        ] {
            assert_eq!(code(&standard, none.clone()), None, "{none}");
        }
    }

    #[test]
    fn marks_are_compared_as_json_or_as_text() {
        for (equals, body, marked) in [
            ("false", json!({"ok": false}), true),
            ("false", json!({"ok": true}), false),
            ("false", json!({}), false),
            ("\"fail\"", json!({"ok": "fail"}), true),
            ("fail", json!({"ok": "fail"}), true),
            ("1", json!({"ok": 1}), true),
        ] {
            let answer = TokenAnswer {
                error_when: Some(ErrorWhen { path: "ok", equals }),
                ..TokenAnswer::DEFAULT
            };
            assert_eq!(
                is_marked(&answer, &object(body.clone())),
                marked,
                "{equals} {body}"
            );
        }
    }

    #[test]
    fn challenges_name_their_error_or_nothing() {
        let code = |text: &str| {
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, text.parse().unwrap())]);
            in_headers(&headers).map(|error| error.code)
        };
        assert_eq!(
            code("Bearer realm=\"a\" error=\"insufficient_scope\" x=1").as_deref(),
            Some("insufficient_scope")
        );
        assert_eq!(
            code("Bearer realm=\"a\",error=invalid_token, x=1").as_deref(),
            Some("invalid_token")
        );
        for none in [
            "Unauthorized",
            "Bearer error=",
            "Bearer error=\"",
            "Bearer myerror=\"x\"",
            "",
        ] {
            assert_eq!(code(none), None, "{none}");
        }
    }
}
