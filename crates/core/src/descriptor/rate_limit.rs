//! How many calls a provider takes, and how it tells how many are left.

use std::time::Duration;

use serde::Serialize;

/// One window of a provider's rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    /// So many calls …
    pub calls: u32,
    /// … in so much time …
    pub per: Duration,
    /// … counted for whom, in the provider's words: "app", "tenant".
    pub counted_per: &'static str,
    /// Which of our calls are counted together.
    pub counted_together: CountedTogether,
    /// Whether it is the one to keep: the tightest of its window.
    pub kept: bool,
    /// Who says so, and when.
    pub stated_by: &'static str,
    /// The headers that tell how many calls are left in this window, where there are any.
    pub headers: Option<QuotaHeaders>,
}

/// Which calls are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedTogether {
    /// Those of all accounts of one app.
    App,
    /// Those for one account.
    Account,
    /// Those for one account to one path. Such a limit is told, and not kept: which paths have which isn't described.
    Method,
}

/// The headers of an answer that tell how a window stands. Where one is missing or says nothing that can be understood,
/// our own count goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct QuotaHeaders {
    /// How many calls the window takes; `None` = not told, or told by `left`.
    pub limit: Option<&'static str>,
    /// How many are left.
    pub left: CallsLeft,
    /// When it begins anew; `None` = not told: what is left is then taken to come back evenly.
    pub reset: Option<Reset>,
}

/// How the number of calls that are left is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallsLeft {
    /// A header with the number.
    Header(&'static str),
    /// A header such as `32/40`: used, of so many.
    UsedOf(&'static str),
}

/// How the beginning of the next window is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// A header with the seconds until then.
    Seconds(&'static str),
    /// A header with the seconds since 1970.
    AtSecond(&'static str),
    /// A header with the milliseconds since 1970.
    AtMillisecond(&'static str),
}

impl QuotaHeaders {
    /// What many have: `X-RateLimit-Limit`, `-Remaining`, and `-Reset` in seconds since 1970.
    pub const X_RATELIMIT: Self = Self {
        limit: Some("x-ratelimit-limit"),
        left: CallsLeft::Header("x-ratelimit-remaining"),
        reset: Some(Reset::AtSecond("x-ratelimit-reset")),
    };

    /// A limit and what is left of it.
    pub const fn new(limit: &'static str, left: &'static str) -> Self {
        Self {
            limit: Some(limit),
            left: CallsLeft::Header(left),
            reset: None,
        }
    }

    /// Used, of so many, in one header.
    pub const fn used_of(header: &'static str) -> Self {
        Self {
            limit: None,
            left: CallsLeft::UsedOf(header),
            reset: None,
        }
    }

    /// The same headers, and one that tells when the window begins anew.
    pub const fn with_reset(self, reset: Reset) -> Self {
        Self {
            reset: Some(reset),
            ..self
        }
    }
}

impl RateLimit {
    /// The limit to keep of its window, counted for all accounts of an app.
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
            counted_together: CountedTogether::App,
            kept: true,
            stated_by,
            headers: None,
        }
    }

    /// The same limit, counted for each account.
    pub const fn of_account(self) -> Self {
        Self {
            counted_together: CountedTogether::Account,
            ..self
        }
    }

    /// The same limit, counted for each account and path.
    pub const fn of_method(self) -> Self {
        Self {
            counted_together: CountedTogether::Method,
            ..self
        }
    }

    /// The same limit, told but not to be kept: another of its window is tighter.
    pub const fn told(self) -> Self {
        Self {
            kept: false,
            ..self
        }
    }

    /// The same limit, whose window these headers tell of.
    pub const fn in_headers(self, headers: QuotaHeaders) -> Self {
        Self {
            headers: Some(headers),
            ..self
        }
    }
}
