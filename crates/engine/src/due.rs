//! When does an access token need a refresh?

use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::descriptor::{Authentication, Rotation};
use tieline_core::{InstanceId, ProviderDescriptor, Timestamp, TokenSet};
use tieline_store::Instance;

use crate::recovery::is_replay_safe;

const SHORTEST_MARGIN: Duration = Duration::from_secs(60);
const LONGEST_MARGIN: Duration = Duration::from_secs(4 * 60 * 60);
/// However short a refresh token lives, its provider is not asked all the time for its sake.
const SHORTEST_PAUSE: Duration = Duration::from_secs(60);
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
/// revokes the whole family on reuse is left alone for as long as the access token lives; any other is asked again at once.
pub fn due(instance: &Instance, rotation: &Rotation, now: Timestamp) -> Due {
    let Some(expires_at) = instance.expires_at else {
        return Due::NotYet;
    };
    if saturating_add(now, USABLE) >= expires_at {
        return Due::Now;
    }
    if let Some(since) = instance.uncertain_since {
        return if is_replay_safe(rotation, since, now) {
            Due::Soon
        } else {
            Due::NotYet
        };
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

/// When a token set is to be refreshed for its refresh token's own sake: between half and six tenths of the time after which
/// it would be dead. `None` where nobody knows of an end.
pub fn keep_alive_at(
    tokens: &TokenSet,
    rotation: &Rotation,
    id: InstanceId,
    now: Timestamp,
) -> Option<Timestamp> {
    tokens.refresh_token.as_ref()?;
    // One that has ended already by our clock tells more of the clock than of the token.
    let told = tokens
        .refresh_expires_at
        .filter(|end| *end > now)
        .map(|end| Duration::try_from(end.duration_since(now)).unwrap_or_default());
    let documented = rotation.refresh_token_lifetime.known();
    let life = [told.or(documented), rotation.idle_limit]
        .into_iter()
        .flatten()
        .min()?;
    let spread = mixed(id, now.as_second());
    let pause = (life / 2 + life / 1_000 * spread).max(SHORTEST_PAUSE);
    Some(saturating_add(now, pause))
}

/// A fifth of the lifetime, between a minute and four hours, and never more than half the lifetime.
pub fn margin(lifetime: Duration) -> Duration {
    (lifetime / 5)
        .clamp(SHORTEST_MARGIN, LONGEST_MARGIN)
        .min(lifetime / 2)
}

/// Up to a tenth less, always the same for one token set, so that instances connected together don't refresh together.
fn jittered(margin: Duration, id: InstanceId, generation: i64) -> Duration {
    margin - margin * mixed(id, generation) / 1_000
}

/// Between 0 and 100, evenly.
fn mixed(id: InstanceId, with: i64) -> u32 {
    let mixed =
        id.0.wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(with)
            .unsigned_abs();
    u32::try_from(mixed % 101).unwrap_or_default()
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
