//! What an error says to a person on a page, who sees there which provider it is about.

use tieline_core::{OAuthField, ProviderDescriptor};
use tieline_engine::{EngineError, FailureDetails, Kind, Outcome, Reason, TokenFailure};

use crate::Problem;

/// An error's text as a sentence: without the provider's id, and of a token request only what helps whoever reads it. What only a
/// log needs is in the log.
pub(crate) fn words(error: &EngineError, descriptor: &ProviderDescriptor) -> String {
    match (error, in_plain_words(error)) {
        (EngineError::Shared(error), _) => words(error, descriptor),
        (_, Some(words)) => words,
        (EngineError::Token(failure), _) => of_token_request(failure, descriptor.vendor),
        (error, _) => sentence(without_id(&error.to_string(), descriptor)),
    }
}

/// What an error says where its own text is for whoever types commands and writes programs.
pub(crate) fn in_plain_words(error: &EngineError) -> Option<String> {
    Some(match error {
        EngineError::NowhereToConfirm { .. } => {
            "The app has no confirm URL yet: say below, under “Your application”, where it confirms who came back.".to_owned()
        }
        EngineError::NoSuchApp(_) => "This app isn't there, or isn't your tenant's.".to_owned(),
        EngineError::NoSuchInstance(_) => {
            "This account isn't there any more, or isn't your tenant's.".to_owned()
        }
        EngineError::NotYours { .. } => {
            "You have come back in another browser than you left with, or were signed out on the way. Nothing was connected: start \
             again where you began."
                .to_owned()
        }
        EngineError::UnknownState => {
            "This was followed to its end already, or began somewhere else. Nothing more happens here: start again where you began."
                .to_owned()
        }
        EngineError::DifferentAccount {
            expected, found, ..
        } => format!(
            "This is the account of {found}, and not that of {expected}. Nothing was changed: take that of {expected}, or connect \
             {found} as an account of its own."
        ),
        EngineError::RequestUnderWay { .. } => {
            "This was sent twice, and the first is still under way. Look among the accounts in a moment.".to_owned()
        }
        EngineError::RequestOutcomeUnknown => {
            "This was sent twice, and nobody knows what became of the first. Look whether the account is there before you connect it \
             again."
                .to_owned()
        }
        _ => return None,
    })
}

/// What an error says to somebody who runs nothing here.
pub(crate) fn to_anybody(error: &EngineError) -> String {
    let text = match error.kind() {
        // What the operator has to mend is not the visitor's.
        Kind::Configuration => {
            "This can't be done now: whoever sent you here has to change something first."
        }
        // Neither is how this server keeps things, and what ails it.
        Kind::Unavailable => {
            "This can't be done right now; go back to where you came from, and start again in a minute."
        }
        _ if Problem::told(error).status >= 500 => {
            "This server can't do that now; whoever runs it reads in its log why."
        }
        _ if matches!(error, EngineError::Store(_)) => {
            "What this belongs to is no longer there; start again where you came from."
        }
        _ => {
            return in_plain_words(error).unwrap_or_else(|| {
                let told = error.to_string();
                let id = error.provider().map(|id| format!("{id}: "));
                let rest = id.and_then(|id| told.strip_prefix(&id).map(str::to_owned));
                sentence(&rest.unwrap_or(told))
            });
        }
    };
    text.to_owned()
}

/// Without the provider, by which most errors begin.
pub(crate) fn without_id<'a>(told: &'a str, descriptor: &ProviderDescriptor) -> &'a str {
    let names = [descriptor.id, descriptor.name].into_iter();
    let mut rest = names.filter_map(|name| told.strip_prefix(name)?.strip_prefix(": "));
    rest.next().unwrap_or(told)
}

/// The parameters that the provider has just refused, where it says that it is the client authentication (RFC 6749 section 5.2).
pub(crate) fn refused_parameters(
    error: &EngineError,
    descriptor: &ProviderDescriptor,
) -> Vec<String> {
    let failure = match error {
        EngineError::Shared(error) => return refused_parameters(error, descriptor),
        EngineError::Token(failure) => failure,
        _ => return Vec::new(),
    };
    if failure.details.error_code.as_deref() != Some("invalid_client") {
        return Vec::new();
    }
    let fields = [OAuthField::ClientId, OAuthField::ClientSecret];
    let rows = fields.map(|field| descriptor.parameter_for_field(field));
    let rows = rows.into_iter().flatten();
    rows.map(|row| row.parameter.to_string()).collect()
}

/// What is written down of an app that its provider refuses, without what only a log needs.
pub(super) fn of_trouble(trouble: &str) -> String {
    let (_, told) = trouble
        .split_once(": app refused: ")
        .unwrap_or(("", trouble));
    let told = match (told.find(" ["), told.find(']')) {
        (Some(start), Some(end)) if start < end => {
            format!("{}{}", &told[..start], &told[end + 1..])
        }
        _ => told.to_owned(),
    };
    sentence(&told)
}

fn of_token_request(failure: &TokenFailure, vendor: &str) -> String {
    let FailureDetails {
        reason,
        error_code,
        provider_code,
        answer,
        cure,
        ..
    } = &*failure.details;
    let what = match failure.outcome {
        Outcome::AppRefused => format!("{vendor} doesn't take the app's credentials"),
        Outcome::NotSent => format!("{vendor} can't be reached"),
        Outcome::Busy { .. } => format!("{vendor} can't take it now"),
        Outcome::Dead | Outcome::Rejected => format!("{vendor} refuses"),
        Outcome::OutcomeUnknown { .. } => format!("{vendor} gives no answer that can be used"),
    };
    let code = provider_code.as_ref().or(error_code.as_ref());
    let status = answer.as_ref().map(|answer| answer.status);
    let why = match (reason, code, status) {
        (_, Some(code), Some(status)) => format!("it answers “{code}”, with status {status}"),
        (_, Some(code), None) => format!("it answers “{code}”"),
        (Reason::Refused, None, Some(status)) => format!("it answers with status {status}"),
        (reason, None, _) => reason.to_string(),
    };
    let cure = sentence(cure);
    format!("{what}: {why}. {cure}")
}

/// An error's text as a sentence: errors are lower-case fragments without a full stop. A name stays as it is: `confirm_url`, or
/// `user` where brackets say where it was given.
pub(crate) fn sentence(text: &str) -> String {
    let (word, after) = text.split_at(text.find([' ', ':']).unwrap_or(text.len()));
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    let first = match word.contains(['_', '.']) || after.starts_with(" (") {
        true => first.to_owned(),
        false => first.to_uppercase(),
    };
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{rest}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_without_what_a_log_needs() {
        let written = "acme: refresh at acme.example: app refused: the provider refused, error invalid_client [status 401, 61 bytes]; \
                       check \"client_id\"";
        let told = "The provider refused, error invalid_client; check \"client_id\".";
        assert_eq!(of_trouble(written), told);
        assert_eq!(of_trouble("something ] else ["), "Something ] else [.");
    }

    #[test]
    fn errors_read_as_sentences() {
        for (text, expected) in [
            ("there is no app 7", "There is no app 7."),
            ("Is it?", "Is it?"),
            ("confirm_url is it", "confirm_url is it."),
            ("user (given here) is it", "user (given here) is it."),
            ("überall", "Überall."),
            ("", "."),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }
}
