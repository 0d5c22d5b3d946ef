//! How a token endpoint answers, and where that departs from RFC 6749 section 5.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::dotted_path;

/// How a provider's token endpoint answers. Paths are dotted; a number is an index into an array.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TokenAnswer {
    /// Where the token object stands, if not at the top.
    pub path: Option<&'static str>,
    /// Where a second token set stands that speaks for the user.
    pub user_path: Option<&'static str>,
    /// Standard name → the provider's name or path.
    pub fields: &'static [(&'static str, &'static str)],
    /// What stands between scopes in an answer. Default: a space.
    pub scope_separator: &'static str,
    /// What follows this in a granted scope is not part of the scope.
    pub scope_ends_at: Option<char>,
    /// Values of `token_type` that mean `Bearer`.
    pub token_type_means_bearer: &'static [&'static str],
    /// What `expires_in` counts. Default: seconds.
    pub expires_in_unit: ExpiresInUnit,
    /// How `expires_in` is written. Default: a number.
    pub expires_in_format: ExpiresInFormat,
    /// The lifetime of access tokens where the answer doesn't tell.
    pub default_expires_in: Option<Duration>,
    /// Where the error code stands, if not in `error`.
    pub error_path: Option<&'static str>,
    /// The provider's error code → the RFC's.
    pub errors: &'static [(&'static str, &'static str)],
    /// What marks an error under a status of success.
    pub error_when: Option<ErrorWhen>,
    /// Errors that mean "this code is dead" besides `invalid_grant`.
    pub dead_code: &'static [DeadToken],
    /// Errors that mean "this refresh token is dead" besides `invalid_grant`.
    pub dead_refresh_token: &'static [DeadToken],
    /// Fields without which an answer is not taken on exchange; on refresh their absence is a warning.
    pub requires: &'static [&'static str],
    /// Facts to keep from the answer.
    pub captures: &'static [Capture],
}

/// What `expires_in` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiresInUnit {
    /// As the RFC has it.
    Seconds,
    /// A thousandth of that.
    Milliseconds,
}

/// How `expires_in` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiresInFormat {
    /// A number, or its text.
    Number,
    /// `D:HH:MM`.
    DaysHoursMinutes,
}

/// A field whose value marks an error under a status of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ErrorWhen {
    /// Where to look.
    pub path: &'static str,
    /// The JSON text of the value that marks the error: `false`, `"fail"`, `1`.
    pub equals: &'static str,
}

/// An error that means "this token is dead". All that is given must match, case and a full stop at the end aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DeadToken {
    /// The error code.
    pub error: Option<&'static str>,
    /// The whole of `error_description`.
    pub error_description: Option<&'static str>,
}

/// A fact to keep from a callback or an answer, because calls or people need it later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Capture {
    /// The name under which it is kept: `tenant`, `realm`.
    pub name: &'static str,
    /// The field or path it stands in.
    pub field: &'static str,
    /// What stands before it; up to and including this is cut off, and without it there is nothing to keep.
    pub after: &'static str,
    /// What stands behind it; this is cut off, and without it there is nothing to keep.
    pub before: &'static str,
}

impl TokenAnswer {
    /// As the RFC has it.
    pub const DEFAULT: Self = Self {
        path: None,
        user_path: None,
        fields: &[],
        scope_separator: " ",
        scope_ends_at: None,
        token_type_means_bearer: &[],
        expires_in_unit: ExpiresInUnit::Seconds,
        expires_in_format: ExpiresInFormat::Number,
        default_expires_in: None,
        error_path: None,
        errors: &[],
        error_when: None,
        dead_code: &[],
        dead_refresh_token: &[],
        requires: &[],
        captures: &[],
    };
}

impl ErrorWhen {
    /// The value, as JSON text, of what stands at the path.
    pub const fn new(path: &'static str, equals: &'static str) -> Self {
        Self { path, equals }
    }

    /// Whether `body` bears the mark.
    pub fn holds(&self, body: &Value) -> bool {
        dotted_path::at(body, self.path).is_some_and(|value| self.is(value))
    }

    /// Whether this is the value that marks the error.
    pub fn is(&self, value: &Value) -> bool {
        *value.to_string() == *self.equals || value.as_str() == Some(self.equals)
    }
}

impl Capture {
    /// Keeps the whole field.
    pub const fn whole(name: &'static str, field: &'static str) -> Self {
        Self::between(name, field, "", "")
    }

    /// Keeps what stands in the field between two texts.
    pub const fn between(
        name: &'static str,
        field: &'static str,
        after: &'static str,
        before: &'static str,
    ) -> Self {
        Self {
            name,
            field,
            after,
            before,
        }
    }

    /// What is to be kept of the field's text.
    pub fn of<'a>(&self, text: &'a str) -> Option<&'a str> {
        let start = text.find(self.after)? + self.after.len();
        let kept = text[start..].strip_suffix(self.before)?;
        (!kept.is_empty()).then_some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_keeps_what_stands_between() {
        let tenant = Capture::between("tenant", "scope", "full|", ".acme.example");
        assert_eq!(tenant.of("full|hl214.acme.example"), Some("hl214"));
        for nothing in [
            "full",
            "full|",
            "full|.acme.example",
            "full|hl214.evil.example",
            "",
        ] {
            assert_eq!(tenant.of(nothing), None, "{nothing}");
        }
        assert_eq!(Capture::whole("realm", "realmId").of("42"), Some("42"));
    }
}
