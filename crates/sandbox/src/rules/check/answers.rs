//! All answers of a file, by place, with what their templates may name.

use crate::rules::{Answer, TokenRules, VendorRules};

pub(super) const ACCOUNT: &[&str] = &["account."];
const NONE: &[&str] = &[];
const REASON: &[&str] = &["reason"];
const CLIENT_TOKENS: &[&str] = &["account.", "access_token", "expires_in", "scope"];
const REFRESHED: &[&str] = &[
    "account.",
    "access_token",
    "expires_in",
    "refresh_expires_in",
    "refresh_token",
    "scope",
];
const TOKENS: &[&str] = &[
    "account.",
    "access_token",
    "expires_in",
    "refresh_expires_in",
    "refresh_token",
    "scope",
    "user_access_token",
    "user_refresh_token",
    "user_scope",
];

/// Its place, and the names that its placeholders may have.
pub(super) type Placed<'a> = (String, &'a Answer, &'static [&'static str]);

impl VendorRules {
    pub(super) fn answers(&self) -> Vec<Placed<'_>> {
        let api = &self.api.errors;
        let mut answers: Vec<_> = self.token.iter().flat_map(TokenRules::answers).collect();
        let mut add =
            |place: &str, answer, allowed| answers.push((place.to_owned(), answer, allowed));
        if let Some(rules) = &self.revocation {
            if let Some(answer) = &rules.answer {
                add("revocation.answer", answer, NONE);
            }
            if let Some(answer) = &rules.dead_token {
                add("revocation.dead_token", answer, REASON);
            }
            if let Some(answer) = &rules.wrong_token {
                add("revocation.wrong_token", answer, REASON);
            }
        }
        if let Some(answer) = &api.no_user_agent {
            add("api.errors.no_user_agent", answer, REASON);
        }
        add("api.errors.no_token", &api.no_token, REASON);
        add("api.errors.dead_token", &api.dead_token, REASON);
        add("api.errors.not_found", &api.not_found, REASON);
        for (n, answer) in api.throttled.iter().enumerate() {
            add(&format!("api.errors.throttled[{n}]"), answer, ACCOUNT);
        }
        answers
    }
}

impl TokenRules {
    pub(super) fn answers(&self) -> Vec<Placed<'_>> {
        let errors = &self.errors;
        let mut answers = vec![("token.answer".to_owned(), &self.answer, TOKENS)];
        let optional = [
            ("refresh_answer", &self.refresh_answer, REFRESHED),
            (
                "client_credentials_answer",
                &self.client_credentials_answer,
                CLIENT_TOKENS,
            ),
            (
                "errors.redirect_uri_mismatch",
                &errors.redirect_uri_mismatch,
                REASON,
            ),
        ];
        answers.extend(optional.into_iter().filter_map(|(place, answer, allowed)| {
            Some((format!("token.{place}"), answer.as_ref()?, allowed))
        }));
        let named = [
            ("no_grant_type", &errors.no_grant_type),
            ("unsupported_grant_type", &errors.unsupported_grant_type),
            ("invalid_request", &errors.invalid_request),
            ("invalid_scope", &errors.invalid_scope),
            ("wrong_client", &errors.wrong_client),
            (
                "wrong_client_authentication",
                &errors.wrong_client_authentication,
            ),
            ("dead_code", &errors.dead_code),
            ("authorization_pending", &errors.authorization_pending),
            ("slow_down", &errors.slow_down),
            ("access_denied", &errors.access_denied),
            ("expired_token", &errors.expired_token),
        ];
        let dead = errors.dead_refresh_token.iter().enumerate();
        let named = named
            .into_iter()
            .map(|(name, answer)| (name.to_owned(), answer))
            .chain(dead.map(|(n, answer)| (format!("dead_refresh_token[{n}]"), answer)));
        answers
            .extend(named.map(|(name, answer)| (format!("token.errors.{name}"), answer, REASON)));
        answers
    }
}
