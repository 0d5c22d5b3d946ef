//! Where calls go, how the token is carried, and how many calls a provider takes.

use std::time::Duration;

use serde::Serialize;

use super::Stated;

/// The provider's API.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Api {
    /// What relative paths of calls are joined to, without a slash at the end.
    pub base: &'static str,
    /// The origins (scheme, host, port) to which an access token may go. The base's own is one of them in any case.
    pub origins: &'static [&'static str],
    /// A fact captured from the token answer that takes the base's place (an instance URL).
    pub base_capture: Option<&'static str>,
    /// How the access token is carried.
    pub token_placement: TokenPlacement,
    /// The cheapest call that proves a token.
    pub health_check: Stated<HealthCheck>,
}

/// How an access token is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenPlacement {
    /// `Authorization: <scheme> <token>`; the scheme is `Bearer` unless the provider wants another (RFC 6750 section 2.1).
    Authorization(&'static str),
    /// A header of its own.
    Header(&'static str),
}

/// The cheapest call that proves a token and tells whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// Relative to the API's base, with a slash in front.
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
    /// A fact captured from the callback or the token answer.
    Capture(&'static str),
}

/// Whose account an instance speaks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Tells it from every other account of the provider.
    pub id: Option<String>,
    /// What a person recognises it by.
    pub label: Option<String>,
}

/// One window of a provider's rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    /// So many calls …
    pub calls: u32,
    /// … in so much time …
    pub per: Duration,
    /// … counted for whom: "app", "tenant".
    pub counted_per: &'static str,
    /// Whether it is the one to keep: the tightest of its window.
    pub kept: bool,
    /// Who says so, and when.
    pub stated_by: &'static str,
}

impl Api {
    /// Nothing known.
    pub const DEFAULT: Self = Self {
        base: "",
        origins: &[],
        base_capture: None,
        token_placement: TokenPlacement::Authorization("Bearer"),
        health_check: Stated::Unknown,
    };
}

impl RateLimit {
    /// The limit to keep of its window.
    pub const fn new(
        calls: u32,
        per: Duration,
        counted_per: &'static str,
        stated_by: &'static str,
    ) -> Self {
        Self {
            calls,
            per,
            counted_per,
            kept: true,
            stated_by,
        }
    }

    /// The same limit, told but not to be kept: another of its window is tighter.
    pub const fn told(self) -> Self {
        Self {
            kept: false,
            ..self
        }
    }
}
