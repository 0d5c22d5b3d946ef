//! What becomes of a refresh token once it is spent.

use std::time::Duration;

use serde::Serialize;

use super::Stated;

/// The facts that decide how carefully a refresh token must be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rotation {
    /// Whether each refresh brings a new refresh token.
    pub rotates: Rotates,
    /// How long the spent token still works, so that a lost answer can be asked for again.
    pub reuse_window: Duration,
    /// What happens when a spent token is used after that.
    pub on_reuse: OnReuse,
    /// Whether the old access token dies with the refresh; `None` = not known.
    pub old_access_token_dies: Option<bool>,
    /// How long an access token lives, as documented; none = until it is ended. What an answer says goes before it.
    pub access_token_lifetime: Stated<Duration>,
    /// How long a refresh token lives; none = until it is spent or ended.
    pub refresh_token_lifetime: Stated<Duration>,
    /// How long a refresh token may lie unused.
    pub idle_limit: Option<Duration>,
    /// Where only apps that ask for them get refresh tokens, and access tokens that expire: how they ask.
    pub opt_in: Option<&'static str>,
}

/// Whether each refresh brings a new refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotates {
    /// Nobody knows: observe.
    Unknown,
    /// The old one stays.
    Never,
    /// Every time.
    Always,
    /// Now and then: what an answer brings is what counts.
    Sometimes,
    /// There are no refresh tokens: when the access token dies, a person must consent again. Nothing else is stated then
    /// of refresh tokens, spent or alive.
    NoRefreshToken,
}

/// What happens when a spent refresh token is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnReuse {
    /// That request fails, nothing else.
    Fails,
    /// Every token of the grant dies (RFC 9700 section 4.14.2).
    RevokesFamily,
}

impl Rotation {
    /// What to assume of a provider that nobody has described: the worst.
    pub const UNKNOWN: Self = Self {
        rotates: Rotates::Unknown,
        reuse_window: Duration::ZERO,
        on_reuse: OnReuse::RevokesFamily,
        old_access_token_dies: None,
        access_token_lifetime: Stated::Unknown,
        refresh_token_lifetime: Stated::Unknown,
        idle_limit: None,
        opt_in: None,
    };
}

/// So many seconds.
pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// So many minutes.
pub const fn minutes(count: u64) -> Duration {
    seconds(60 * count)
}

/// So many hours.
pub const fn hours(count: u64) -> Duration {
    minutes(60 * count)
}

/// So many days of 24 hours.
pub const fn days(count: u64) -> Duration {
    hours(24 * count)
}
