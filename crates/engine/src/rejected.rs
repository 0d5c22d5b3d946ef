//! A refresh that the provider rejects for no reason that it says: five tries over a day, then a person is asked.

use std::time::Duration;

use tieline_core::Timestamp;
use tieline_core::clock::saturating_add;
use tieline_store::Instance;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// After the first rejection, when each further try may be made; the last one is the fifth.
const TRIES: [Duration; 4] = [
    MINUTE.saturating_mul(15),
    HOUR.saturating_mul(2),
    HOUR.saturating_mul(8),
    HOUR.saturating_mul(24),
];

/// When the next try may be made; `None` where none was rejected.
pub(crate) fn next_try(instance: &Instance) -> Option<Timestamp> {
    let since = instance.rejected_since?;
    let tried = usize::try_from(instance.rejections).unwrap_or_default();
    let index = tried.checked_sub(1)?.min(TRIES.len() - 1);
    Some(saturating_add(since, TRIES[index]))
}

/// Whether no refresh of it was ever taken: a refresh token that was imported, and may be anything. Its access token had expired
/// before it was stored.
pub(crate) fn is_unproven(instance: &Instance) -> bool {
    let stale = |at| at <= instance.created_at;
    instance.generation == 1 && instance.expires_at.is_some_and(stale)
}

/// Whether enough was tried: so often, and for so long.
pub(crate) fn is_enough(instance: &Instance, now: Timestamp) -> bool {
    let lasted = |since| now >= saturating_add(since, TRIES[TRIES.len() - 1]);
    instance.rejections > TRIES.len() as i64 && instance.rejected_since.is_some_and(lasted)
}
