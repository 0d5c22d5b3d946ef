//! When does an access token need a refresh?

use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::descriptor::{Authentication, OnReuse, Rotation};
use tieline_core::{InstanceId, ProviderDescriptor, Timestamp};
use tieline_store::Instance;

const SHORTEST_MARGIN: Duration = Duration::from_secs(60);
const LONGEST_MARGIN: Duration = Duration::from_secs(4 * 60 * 60);
/// A token is handed out only if it will live at least this long: a call must get there with it.
const USABLE: Duration = Duration::from_secs(10);

/// What to do before the access token is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Use it.
    NotYet,
    /// Use it, and refresh meanwhile.
    Soon,
    /// Refresh first.
    Now,
}

/// Whether a new access token can be had without a person: by the refresh token, or since the app is the account.
pub(crate) fn is_renewable(descriptor: &ProviderDescriptor, instance: &Instance) -> bool {
    instance.has_refresh_token
        || matches!(
            descriptor.authentication,
            Authentication::ClientCredentials(_)
        )
}

/// Judges an instance's access token.
///
/// Unknown expiry means: use it until the API answers 401. After a refresh whose outcome is unknown, a provider that
/// revokes the whole family on reuse is left alone for as long as the access token lives.
pub fn due(instance: &Instance, rotation: &Rotation, now: Timestamp) -> Due {
    let Some(expires_at) = instance.expires_at else {
        return Due::NotYet;
    };
    if saturating_add(now, USABLE) >= expires_at {
        return Due::Now;
    }
    if instance.uncertain && rotation.on_reuse == OnReuse::RevokesFamily {
        return Due::NotYet;
    }
    let lifetime =
        Duration::try_from(expires_at.duration_since(instance.refreshed_at)).unwrap_or_default();
    if saturating_add(
        now,
        jittered(margin(lifetime), instance.id, instance.generation),
    ) >= expires_at
    {
        Due::Soon
    } else {
        Due::NotYet
    }
}

/// A fifth of the lifetime, between a minute and four hours, and never more than half the lifetime.
pub fn margin(lifetime: Duration) -> Duration {
    (lifetime / 5)
        .clamp(SHORTEST_MARGIN, LONGEST_MARGIN)
        .min(lifetime / 2)
}

/// Up to a tenth less, always the same for one token set, so that instances connected together don't refresh together.
fn jittered(margin: Duration, id: InstanceId, generation: i64) -> Duration {
    let mixed =
        id.0.wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(generation)
            .unsigned_abs();
    margin - margin * u32::try_from(mixed % 101).unwrap_or(0) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_follow_the_lifetime() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        assert_eq!(margin(minutes(60)), minutes(12));
        assert_eq!(
            margin(minutes(24 * 60)),
            minutes(240),
            "capped at four hours"
        );
        assert_eq!(margin(minutes(3)), minutes(1), "at least a minute");
        assert_eq!(
            margin(minutes(1)),
            Duration::from_secs(30),
            "never more than half"
        );
        assert_eq!(margin(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn jitter_only_shortens_and_by_a_tenth_at_most() {
        for id in 1..500 {
            let jittered = jittered(Duration::from_secs(1_000), InstanceId(id), 3);
            assert!((900..=1_000).contains(&jittered.as_secs()), "{jittered:?}");
        }
        let spread: std::collections::BTreeSet<_> = (1..500)
            .map(|id| jittered(Duration::from_secs(1_000), InstanceId(id), 1))
            .collect();
        assert!(spread.len() > 50, "only {} different margins", spread.len());
    }
}
