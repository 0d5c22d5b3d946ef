//! The API keys that were looked up lately, so that not every request costs a look into the database.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tieline_core::Timestamp;

use crate::KeyHolder;

/// For so long nobody looks again. It is also how long a key may outlive its revocation by another process.
const BELIEVED_FOR: Duration = Duration::from_secs(2);
/// Keys that are remembered at once. Those beyond are looked up each time.
const MOST: usize = 4_096;

/// Who holds which key, by the key's hash.
#[derive(Default)]
pub(crate) struct KnownKeys(Mutex<Known>);

#[derive(Default)]
struct Known {
    holders: HashMap<[u8; 32], (KeyHolder, Timestamp)>,
    revocations: u64,
}

impl KnownKeys {
    /// Whoever held this key at a look that is not too old.
    pub(crate) fn find(&self, hash: &[u8; 32], now: Timestamp) -> Option<KeyHolder> {
        let known = self.lock();
        let (holder, looked_at) = known.holders.get(hash)?;
        is_fresh(*looked_at, now).then(|| holder.clone())
    }

    /// How many there were so far; to be asked before a look into the database.
    pub(crate) fn revocations(&self) -> u64 {
        self.lock().revocations
    }

    /// Remembers what a look brought that began at an instant, after so many revocations. If there was another since, it may be
    /// about this very key, so that it is forgotten at once.
    pub(crate) fn remember(
        &self,
        hash: [u8; 32],
        holder: KeyHolder,
        looked_at: Timestamp,
        revocations: u64,
    ) {
        let mut known = self.lock();
        if known.revocations != revocations {
            return;
        }
        if known.holders.len() >= MOST {
            let holders = &mut known.holders;
            holders.retain(|_, (_, earlier)| is_fresh(*earlier, looked_at));
        }
        if known.holders.len() < MOST {
            known.holders.insert(hash, (holder, looked_at));
        }
    }

    /// A key was revoked, or a tenant deleted: nothing is believed any more.
    pub(crate) fn forget(&self) {
        let mut known = self.lock();
        known.revocations += 1;
        known.holders.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that was set back makes nothing fresh.
fn is_fresh(looked_at: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(looked_at);
    !age.is_negative() && age.unsigned_abs() < BELIEVED_FOR
}

impl fmt::Debug for KnownKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownKeys").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tieline_core::ApiKeyId;
    use tieline_store::Permissions;

    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    fn holder(id: i64) -> KeyHolder {
        KeyHolder {
            id: ApiKeyId(id),
            tenant: "default".to_owned(),
            permissions: Permissions::NONE,
        }
    }

    #[test]
    fn what_was_found_is_believed_for_two_seconds() {
        let known = KnownKeys::default();
        known.remember([1; 32], holder(1), at(10_000), 0);
        for (now, is_known) in [
            (10_000, true),
            (11_999, true),
            (12_000, false),
            (9_999, false),
            (i64::from(i32::MAX), false),
        ] {
            let found = known.find(&[1; 32], at(now));
            assert_eq!(found, is_known.then(|| holder(1)), "{now}");
        }
        assert_eq!(known.find(&[2; 32], at(10_000)), None);
    }

    #[test]
    fn a_look_that_a_revocation_overtook_is_not_remembered() {
        let known = KnownKeys::default();
        known.remember([1; 32], holder(1), at(0), 0);
        let before = known.revocations();
        known.forget();
        assert_eq!(known.find(&[1; 32], at(0)), None);
        known.remember([1; 32], holder(1), at(0), before);
        assert_eq!(known.find(&[1; 32], at(0)), None);
        known.remember([1; 32], holder(1), at(0), known.revocations());
        assert_eq!(known.find(&[1; 32], at(0)), Some(holder(1)));
    }

    #[test]
    fn there_is_room_for_so_many_and_for_fresh_ones_again() {
        let known = KnownKeys::default();
        let hash = |n: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&n.to_be_bytes());
            hash
        };
        for n in 0..=MOST {
            known.remember(hash(n), holder(1), at(0), 0);
        }
        assert_eq!(known.find(&hash(MOST), at(0)), None);
        assert_eq!(known.lock().holders.len(), MOST);
        known.remember(hash(MOST), holder(2), at(2_000), 0);
        assert_eq!(known.find(&hash(MOST), at(2_000)), Some(holder(2)));
        assert_eq!(known.lock().holders.len(), 1);
    }
}
