//! Where calls go, and how the token is carried.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ErrorWhen, Stated};
use crate::{Secret, dotted_path};

/// The provider's API.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Api {
    /// What relative paths of calls are joined to, without a slash at the end. May hold placeholders
    /// ([`template`](crate::template)).
    pub base: &'static str,
    /// The origins (scheme, host, port) to which an access token may go. The base's own is one of them in any case.
    pub origins: &'static [&'static str],
    /// A fact captured from the token answer that takes the base's place (an instance URL).
    pub base_capture: Option<&'static str>,
    /// How the access token is carried.
    pub token_placement: TokenPlacement,
    /// The cheapest call that proves a token.
    pub health_check: Stated<HealthCheck>,
    /// How failures are told, where that is under a status of success.
    pub masked_errors: Option<MaskedErrors>,
}

/// Failures that are told under a status of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MaskedErrors {
    /// What marks one.
    pub when: ErrorWhen,
    /// Where its code stands: a dotted path.
    pub code: &'static str,
    /// The codes that mean what 401 means elsewhere: this access token is not taken.
    pub dead_access_token: &'static [&'static str],
}

/// How an access token is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenPlacement {
    /// `Authorization: <scheme> <token>`; the scheme is `Bearer` unless the provider wants another (RFC 6750 section 2.1).
    Authorization(&'static str),
    /// A header of its own.
    Header(&'static str),
    /// HTTP Basic (RFC 7617), with the token as the user and this as the password.
    BasicUser(&'static str),
    /// HTTP Basic, with a token that is user and password already, a colon between them.
    BasicPair,
}

/// A token that no header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access token does not fit into a header")]
pub struct UnfitToken;

/// The cheapest call that proves a token and tells whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// Relative to the API's base, with a slash in front. May hold captured facts: `/v3/company/{realm}`.
    pub path: &'static str,
    /// What tells this account from every other.
    pub account_id: AccountFact,
    /// What a person recognises the account by.
    pub account_label: AccountFact,
}

/// Where a fact about the connected account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountFact {
    /// A dotted path into the health check's JSON answer.
    Field(&'static str),
    /// Several of them, all of which must be there: their texts with slashes between them.
    Fields(&'static [&'static str]),
    /// A fact captured from the callback or the token answer.
    Capture(&'static str),
}

/// Whose account an instance speaks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// Tells it from every other account of the provider.
    pub id: Option<String>,
    /// What a person recognises it by.
    pub label: Option<String>,
}

impl Api {
    /// Nothing known.
    pub const DEFAULT: Self = Self {
        base: "",
        origins: &[],
        base_capture: None,
        token_placement: TokenPlacement::Authorization("Bearer"),
        health_check: Stated::Unknown,
        masked_errors: None,
    };
}

impl AccountFact {
    /// The fact, if it is in the health check's answer or was captured.
    pub fn find(self, body: &Value, captures: &BTreeMap<String, String>) -> Option<String> {
        match self {
            Self::Field(path) => dotted_path::text_at(body, path),
            Self::Fields(paths) => {
                let texts: Option<Vec<_>> = paths
                    .iter()
                    .map(|path| dotted_path::text_at(body, path))
                    .collect();
                texts.map(|texts| texts.join("/"))
            }
            Self::Capture(name) => captures.get(name).cloned(),
        }
    }
}

impl TokenPlacement {
    /// The header that carries a token.
    ///
    /// # Errors
    /// When the token holds what no header can.
    pub fn header(self, token: &Secret) -> Result<(HeaderName, HeaderValue), UnfitToken> {
        let token = token.expose();
        let basic = |pair: &str| Secret::new(format!("Basic {}", STANDARD.encode(pair)));
        let (name, text) = match self {
            Self::Authorization(scheme) => {
                (Ok(AUTHORIZATION), Secret::new(format!("{scheme} {token}")))
            }
            Self::Header(name) => (name.parse(), Secret::new(token)),
            Self::BasicUser(password) => {
                let pair = Secret::new(format!("{token}:{password}"));
                (Ok(AUTHORIZATION), basic(pair.expose()))
            }
            Self::BasicPair => (Ok(AUTHORIZATION), basic(token)),
        };
        let mut value = HeaderValue::from_str(text.expose()).map_err(|_| UnfitToken)?;
        value.set_sensitive(true);
        Ok((name.map_err(|_| UnfitToken)?, value))
    }
}

impl MaskedErrors {
    /// Whether this body says that the access token is dead.
    pub fn tells_dead_token(&self, body: &Value) -> bool {
        self.code_in(body)
            .is_some_and(|code| self.dead_access_token.contains(&code.as_str()))
    }

    /// The code of the failure that this body tells, if it tells one; "unknown" where that can't be shown.
    pub fn code_in(&self, body: &Value) -> Option<String> {
        if !self.when.holds(body) {
            return None;
        }
        let code = dotted_path::text_at(body, self.code).filter(|code| {
            code.len() <= 64
                && code
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        });
        Some(code.unwrap_or_else(|| "unknown".to_owned()))
    }
}
