//! What error codes mean for the token that was sent.

use tieline_core::descriptor::{DeadToken, Step, TokenAnswer};

use crate::error_answer::ErrorAnswer;

/// Codes that say that the code or refresh token is dead. Beyond RFC 6749 section 5.2: what large providers say
/// instead, in words that mean nothing else.
const DEAD: &[&str] = &[
    "invalid_grant",
    "invalid_code",
    "bad_verification_code",
    "code_already_used",
    "invalid_refresh_token",
    "bad_refresh_token",
    "token_expired",
    "token_revoked",
    // RFC 8628 section 3.5: of a device code.
    "expired_token",
];

/// Codes that say that the app is refused, likewise.
const APP_REFUSED: &[&str] = &[
    "invalid_client",
    "unauthorized_client",
    "incorrect_client_credentials",
    "invalid_client_id",
    "bad_client_secret",
    "redirect_uri_mismatch",
    "bad_redirect_uri",
];

/// Codes that say "later" (RFC 6749 section 4.1.2.1, RFC 8628 section 3.5).
const BUSY: &[&str] = &["temporarily_unavailable", "slow_down"];

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The code or refresh token is dead.
    Dead,
    /// The app is refused.
    AppRefused,
    /// Later.
    Busy,
    /// The server failed (RFC 6749 section 4.1.2.1), which some say under a 4xx.
    ServerError,
    /// None of these: it can't be told whose fault it is.
    Other,
}

/// What `error` means, as the answer to `step`.
pub(crate) fn meaning(error: &ErrorAnswer, step: Step, declared: &TokenAnswer) -> Meaning {
    let code = error.effective();
    let declared_dead = match step {
        Step::Exchange => declared.dead_code,
        Step::Refresh => declared.dead_refresh_token,
        _ => &[],
    };
    if DEAD.contains(&code) || declared_dead.iter().any(|dead| matches(dead, error)) {
        Meaning::Dead
    } else if APP_REFUSED.contains(&code) {
        Meaning::AppRefused
    } else if BUSY.contains(&code) {
        Meaning::Busy
    } else if code == "server_error" {
        Meaning::ServerError
    } else {
        Meaning::Other
    }
}

/// All that is declared must match; what declares nothing matches nothing.
fn matches(dead: &DeadToken, error: &ErrorAnswer) -> bool {
    let says = |declared: Option<&str>, told: Option<&str>| {
        declared.is_none_or(|declared| {
            told.is_some_and(|told| {
                let told = told.trim().trim_end_matches('.');
                told.eq_ignore_ascii_case(declared.trim_end_matches('.'))
            })
        })
    };
    (dead.error.is_some() || dead.error_description.is_some())
        && (says(dead.error, Some(&error.code)) || says(dead.error, Some(error.effective())))
        && says(dead.error_description, error.description.as_deref())
}
