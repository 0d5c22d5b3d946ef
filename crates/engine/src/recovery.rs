//! What to do about a refresh whose outcome nobody knows: it may have spent the refresh token, and the answer is gone.
//!
//! | the provider | then |
//! |---|---|
//! | still takes the spent token (its reuse window), or merely fails | ask again, once, at once |
//! | ends the access token with a refresh | ask again when the lost request can't be on its way any more: there is nothing to lose |
//! | revokes everything on reuse | use the access token for as long as it lives, then ask again |
//!
//! If that is refused, the answer was lost, and only a person can help: no client could have kept that instance.

use std::time::Duration;

use tieline_core::Timestamp;
use tieline_core::clock::saturating_add;
use tieline_core::descriptor::{OnReuse, Rotation};
use tieline_store::Instance;

/// How much an instance needs new tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// What it has still works: nothing is risked.
    Soon,
    /// What it has works no longer.
    Due,
    /// Somebody asks for it, whatever failed lately.
    Asked,
}

/// The part of a reuse window that is left to the request's way: a tenth, but no more than this.
const LONGEST_WAY: Duration = Duration::from_secs(2);

/// After so long a request whose answer was lost has been dealt with, or never will be: twice the edge's deadline.
const SURELY_OVER: Duration = Duration::from_secs(60);

/// Whether spending a refresh token again can do no harm: it was spent at `since` at the earliest.
///
/// Where a refresh ends the access token, one that was done has left nothing that a replay could end.
pub(crate) fn is_replay_safe(rotation: &Rotation, since: Timestamp, now: Timestamp) -> bool {
    let window = rotation.reuse_window;
    let usable = window - (window / 10).min(LONGEST_WAY);
    rotation.on_reuse == OnReuse::Fails
        || now < saturating_add(since, usable)
        || rotation.old_access_token_dies == Some(true) && now >= saturating_add(since, SURELY_OVER)
}

/// Whether the refresh token may be sent now.
pub(crate) fn may_send(
    instance: &Instance,
    rotation: &Rotation,
    urgency: Urgency,
    now: Timestamp,
) -> bool {
    match instance.uncertain_since {
        None => true,
        Some(since) => urgency != Urgency::Soon || is_replay_safe(rotation, since, now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_window_closes_a_little_before_its_end() {
        let rotation = Rotation {
            reuse_window: Duration::from_secs(30),
            ..Rotation::UNKNOWN
        };
        assert!(is_replay_safe(&rotation, at(100), at(100)));
        assert!(is_replay_safe(&rotation, at(100), at(127)));
        assert!(!is_replay_safe(&rotation, at(100), at(128)));
    }

    #[test]
    fn what_a_refresh_has_ended_is_not_waited_for() {
        let rotation = Rotation {
            old_access_token_dies: Some(true),
            ..Rotation::UNKNOWN
        };
        assert!(!is_replay_safe(&rotation, at(100), at(159)));
        assert!(is_replay_safe(&rotation, at(100), at(160)));
    }

    #[test]
    fn without_a_window_reuse_is_safe_only_where_it_merely_fails() {
        assert!(!is_replay_safe(&Rotation::UNKNOWN, at(100), at(100)));
        let fails = Rotation {
            on_reuse: OnReuse::Fails,
            ..Rotation::UNKNOWN
        };
        assert!(is_replay_safe(&fails, at(100), at(1_000_000)));
    }
}
