//! Why a call was not sent within its caller's patience.

use std::time::Duration;

/// A call that was held back for too long. Nothing of it was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeldBack {
    /// One of the provider's rate limits is used up.
    #[error(
        "{provider}: the {calls} calls that it takes in {} s are used up; there is room again in {} s",
        .per.as_secs_f64(), .retry_after.as_secs_f64().ceil()
    )]
    OverLimit {
        /// The provider.
        provider: String,
        /// So many calls …
        calls: u32,
        /// … in so much time.
        per: Duration,
        /// When there is room.
        retry_after: Duration,
    },
    /// The provider has asked for a pause.
    #[error("{provider} has asked for a pause; calls go on in {} s", .retry_after.as_secs_f64().ceil())]
    Paused {
        /// The provider.
        provider: String,
        /// How much of it is left.
        retry_after: Duration,
    },
    /// Too many calls are under way.
    #[error(
        "{provider}: {most} calls to its API are under way, and none came to its end in time; look whether the provider \
         answers at all, and try again"
    )]
    TooManyCalls {
        /// The provider.
        provider: String,
        /// How many may be.
        most: usize,
    },
}

impl HeldBack {
    /// When the same call makes sense again, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::OverLimit { retry_after, .. } | Self::Paused { retry_after, .. } => {
                Some(*retry_after)
            }
            Self::TooManyCalls { .. } => None,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::OverLimit { .. } => "rate-limited",
            Self::Paused { .. } => "provider-pauses",
            Self::TooManyCalls { .. } => "too-many-calls",
        }
    }
}
