//! Unusual answers of the token endpoint.

use super::{Quirks, names, separator};
use crate::descriptor::{
    Capture, DeadToken, ErrorWhen, ExpiresInFormat, ExpiresInUnit, TokenAnswer,
};
use crate::words;

pub(super) fn add(answer: &TokenAnswer, quirks: &mut Quirks) {
    add_places(answer, quirks);
    add_scopes(answer, quirks);
    add_lifetimes(answer, quirks);
    add_errors(answer, quirks);
    if !answer.token_type_means_bearer.is_empty() {
        let kinds = names(answer.token_type_means_bearer);
        quirks.add(
            "answer.token_type_means_bearer",
            format!("A `token_type` of {kinds} means `Bearer`."),
        );
    }
    if !answer.requires.is_empty() {
        quirks.add(
            "answer.requires",
            format!("An answer without {} is not whole.", names(answer.requires)),
        );
    }
    if !answer.captures.is_empty() {
        let fields = names(
            answer
                .captures
                .iter()
                .map(|capture: &Capture| capture.field),
        );
        quirks.add(
            "answer.captures",
            format!("The answer tells more than tokens: {fields}."),
        );
    }
}

fn add_places(answer: &TokenAnswer, quirks: &mut Quirks) {
    if let Some(path) = answer.path {
        quirks.add("answer.path", format!("The tokens stand in `{path}`."));
    }
    if let Some(path) = answer.user_path {
        quirks.add(
            "answer.user_path",
            format!(
                "A second set of tokens, which speaks for the consenting user, stands in `{path}`."
            ),
        );
    }
    if !answer.fields.is_empty() {
        let fields: Vec<_> = answer
            .fields
            .iter()
            .map(|(standard, theirs)| format!("`{standard}` is `{theirs}`"))
            .collect();
        quirks.add(
            "answer.fields",
            format!("In the answer {}.", words::list(&fields)),
        );
    }
}

fn add_scopes(answer: &TokenAnswer, quirks: &mut Quirks) {
    if answer.scope_separator != " " {
        quirks.add(
            "answer.scope_separator",
            format!(
                "Granted scopes are separated by {}.",
                separator(answer.scope_separator)
            ),
        );
    }
    if let Some(end) = answer.scope_ends_at {
        quirks.add(
            "answer.scope_ends_at",
            format!("What follows `{end}` in a granted scope is not part of it."),
        );
    }
}

fn add_lifetimes(answer: &TokenAnswer, quirks: &mut Quirks) {
    quirks.add_if(
        answer.expires_in_unit == ExpiresInUnit::Milliseconds,
        "answer.expires_in_unit",
        "`expires_in` counts milliseconds.",
    );
    quirks.add_if(
        answer.expires_in_format == ExpiresInFormat::DaysHoursMinutes,
        "answer.expires_in_format",
        "`expires_in` is written as days, hours and minutes.",
    );
    if let Some(lifetime) = answer.default_expires_in {
        quirks.add(
            "answer.default_expires_in",
            format!(
                "The answer does not say that access tokens expire, after {}.",
                words::duration(lifetime)
            ),
        );
    }
}

fn add_errors(answer: &TokenAnswer, quirks: &mut Quirks) {
    if let Some(path) = answer.error_path {
        quirks.add(
            "answer.error_path",
            format!("Error codes stand in `{path}`."),
        );
    }
    if let Some(ErrorWhen { path, equals }) = answer.error_when {
        quirks.add(
            "answer.error_when",
            format!("Errors come under a status of success: `{path}` is `{equals}` then."),
        );
    }
    if !answer.errors.is_empty() {
        let codes: Vec<_> = answer
            .errors
            .iter()
            .map(|(theirs, standard)| format!("`{theirs}` means `{standard}`"))
            .collect();
        quirks.add(
            "answer.errors",
            format!("Among errors, {}.", words::list(&codes)),
        );
    }
    if !answer.dead_code.is_empty() {
        let spellings = spellings(answer.dead_code);
        quirks.add(
            "answer.dead_code",
            format!("A dead code is told as {spellings}."),
        );
    }
    if !answer.dead_refresh_token.is_empty() {
        let spellings = spellings(answer.dead_refresh_token);
        quirks.add(
            "answer.dead_refresh_token",
            format!("A dead refresh token is also told as {spellings}."),
        );
    }
}

fn spellings(dead: &[DeadToken]) -> String {
    let spellings: Vec<_> = dead
        .iter()
        .map(|dead| match (dead.error, dead.error_description) {
            (Some(error), Some(description)) => format!("`{error}` with “{description}”"),
            (Some(error), None) => format!("`{error}`"),
            (None, description) => format!("“{}”", description.unwrap_or_default()),
        })
        .collect();
    words::list(&spellings)
}
