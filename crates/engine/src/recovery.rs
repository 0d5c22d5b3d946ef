//! What to do about a refresh whose outcome nobody knows: it may have spent the refresh token, and the answer is gone.
//!
//! | the provider | then |
//! |---|---|
//! | still takes the spent token (its reuse window), or merely fails | ask again, once, at once |
//! | ends the access token with a refresh | ask again when the lost request can't be on its way any more |
//! | revokes everything on reuse | use the access token for as long as it lives, then ask again |
//!
//! If that is refused, the answer was lost, and only a person can help: no client could have kept that instance.
//!
//! Where several processes share the store, one that seems dead may only have been cut off from it, with the answer in hand. If
//! all of them were, it writes the answer as soon as it can: so nobody who was cut off too judges the others before they have
//! had the time for that.

use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::descriptor::{OnReuse, Rotation};
use tieline_core::{Timestamp, failpoint};
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

/// After so long a request whose answer was lost has been dealt with, or never will be: the edge's deadline, and some.
const SURELY_OVER: Duration = Duration::from_secs(40);

/// What may be done about an instance's refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Ask the provider.
    Send,
    /// Use what there is, and ask when it is used up.
    Wait,
    /// Whoever asked before may still be heard of: neither asked nor called lost before this instant.
    NotBefore(Timestamp),
}

/// Whether spending a refresh token again can do no harm: it was spent at `since` at the earliest.
///
/// Where a refresh ends the access token, one that was done has left nothing that a replay could end.
pub(crate) fn is_replay_safe(rotation: &Rotation, since: Timestamp, now: Timestamp) -> bool {
    rotation.on_reuse == OnReuse::Fails
        || is_within_window(rotation, since, now)
        || rotation.old_access_token_dies == Some(true) && now >= over(since)
}

fn is_within_window(rotation: &Rotation, since: Timestamp, now: Timestamp) -> bool {
    let window = rotation.reuse_window;
    let usable = window - (window / 10).min(LONGEST_WAY);
    // A clock that was set back tells nothing.
    since <= now && now < saturating_add(since, usable)
}

/// Whether there is any moment at which a replay does no harm.
pub(crate) fn is_replay_ever_safe(rotation: &Rotation) -> bool {
    rotation.on_reuse == OnReuse::Fails || !rotation.reuse_window.is_zero()
}

/// Others who may have sent the refresh token, where several processes share the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// There are none.
    None,
    /// Those who have an answer in hand have written it by then, unless they are cut off from the store and we are not.
    HeardBy(Timestamp),
}

/// Whether the refresh token may be sent now. Another process that counts as dead may still be given its answer, or have it in
/// hand: a replay that is not safe would end what that answer holds, and one that fails would call it lost.
pub(crate) fn verdict(
    instance: &Instance,
    rotation: &Rotation,
    urgency: Urgency,
    others: Others,
    now: Timestamp,
) -> Verdict {
    of(instance.doubtful_since(), rotation, urgency, others, now)
}

/// The same, of an instance that is in doubt since then.
fn of(
    since: Option<Timestamp>,
    rotation: &Rotation,
    urgency: Urgency,
    others: Others,
    now: Timestamp,
) -> Verdict {
    let Some(since) = since else {
        return Verdict::Send;
    };
    if is_within_window(rotation, since, now) {
        return Verdict::Send;
    }
    let is_safe = is_replay_safe(rotation, since, now);
    let heard_by = match others {
        Others::HeardBy(then) if is_safe => Some(then),
        Others::HeardBy(then) => Some(then.max(over(since))),
        Others::None => None,
    };
    match heard_by {
        Some(then) if now < then => Verdict::NotBefore(then),
        _ if is_safe || urgency != Urgency::Soon => Verdict::Send,
        _ => Verdict::Wait,
    }
}

fn over(since: Timestamp) -> Timestamp {
    saturating_add(since, failpoint::shortened("surely-over", SURELY_OVER))
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
    fn whoever_was_cut_off_too_waits_for_what_others_have_in_hand() {
        let window = Rotation {
            reuse_window: Duration::from_secs(30),
            ..Rotation::UNKNOWN
        };
        let fails = Rotation {
            on_reuse: OnReuse::Fails,
            ..Rotation::UNKNOWN
        };
        let strict = Rotation {
            on_reuse: OnReuse::RevokesFamily,
            ..Rotation::UNKNOWN
        };
        let heard_by = |second| Others::HeardBy(at(second));
        let not_before = |second| Verdict::NotBefore(at(second));
        for (rotation, others, now, soon, due) in [
            // Nothing is waited for where asking again brings the same answer.
            (window, heard_by(120), 110, Verdict::Send, Verdict::Send),
            (fails, heard_by(120), 110, not_before(120), not_before(120)),
            (fails, heard_by(120), 120, Verdict::Send, Verdict::Send),
            (fails, Others::None, 110, Verdict::Send, Verdict::Send),
            (strict, heard_by(120), 119, not_before(140), not_before(140)),
            (strict, heard_by(200), 150, not_before(200), not_before(200)),
            (strict, heard_by(200), 200, Verdict::Wait, Verdict::Send),
            (strict, Others::None, 101, Verdict::Wait, Verdict::Send),
        ] {
            let verdict = |urgency| of(Some(at(100)), &rotation, urgency, others, at(now));
            assert_eq!(verdict(Urgency::Soon), soon, "{others:?} {now}");
            assert_eq!(verdict(Urgency::Due), due, "{others:?} {now}");
            assert_eq!(verdict(Urgency::Asked), due, "{others:?} {now}");
        }
    }

    #[test]
    fn what_a_refresh_has_ended_is_not_waited_for() {
        let rotation = Rotation {
            old_access_token_dies: Some(true),
            ..Rotation::UNKNOWN
        };
        assert!(!is_replay_safe(&rotation, at(100), at(139)));
        assert!(is_replay_safe(&rotation, at(100), at(140)));
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
