//! What was read from the store lately, and may be used for a moment without reading it again.
//!
//! Two rules keep it true. What is being changed by this process is not in here from before the change is written until after:
//! nobody is served what a commit has replaced. And what somebody began to read before such a change is not put in here after
//! it: a slow reader can't bring back the past.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tieline_core::Timestamp;
use tieline_core::clock::saturating_add;

/// For so long after it was read, what another process does to it need not be noticed.
pub(crate) const TRUSTED_FOR: Duration = Duration::from_secs(2);
/// The most that is kept.
pub(crate) const MOST: usize = 10_000;

/// Locks are taken by many at once: so many of them, each for its part of the keys.
const PARTS: usize = 16;
/// Half of a part: what was used since the last turn, and what was used before.
const HALF: usize = MOST / PARTS / 2;
/// What nobody asks for is forgotten after one to two of these.
const TURN: Duration = Duration::from_secs(60);

/// Values by key, with the instant before which each was read.
#[derive(Debug)]
pub(crate) struct Trusted<K, V> {
    parts: [Mutex<Part<K, V>>; PARTS],
    hasher: RandomState,
}

#[derive(Debug)]
struct Part<K, V> {
    recent: HashMap<K, Kept<V>>,
    older: HashMap<K, Kept<V>>,
    /// When what was recent became older.
    turned: Timestamp,
    /// What is being changed now, and by how many.
    changing: HashMap<K, usize>,
    /// How many changes have begun or ended.
    changes: u64,
}

#[derive(Debug)]
struct Kept<V> {
    value: V,
    asked_at: Timestamp,
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<V> {
    /// To be used as it is.
    Trusted(V),
    /// To be compared with what the store says now.
    Aged(V),
    /// Nothing.
    Nothing,
}

/// Held while something is read, to put it in here.
#[derive(Debug)]
pub(crate) struct Reading<K> {
    key: K,
    changes: u64,
    asked_at: Timestamp,
}

/// Held while something is changed: it is not in here meanwhile.
#[derive(Debug)]
pub(crate) struct Changing<'a, K: Copy + Eq + Hash, V> {
    trusted: &'a Trusted<K, V>,
    key: K,
}

impl<K: Copy + Eq + Hash, V: Clone> Trusted<K, V> {
    pub(crate) fn find(&self, key: K, now: Timestamp) -> Found<V> {
        let mut part = self.part(key);
        let Some(kept) = part.used(key) else {
            return Found::Nothing;
        };
        let is_trusted = kept.asked_at <= now && now < saturating_add(kept.asked_at, TRUSTED_FOR);
        let value = kept.value.clone();
        if is_trusted {
            Found::Trusted(value)
        } else {
            Found::Aged(value)
        }
    }

    /// To be called before the store is asked.
    pub(crate) fn reading(&self, key: K, now: Timestamp) -> Reading<K> {
        let changes = self.part(key).changes;
        Reading {
            key,
            changes,
            asked_at: now,
        }
    }

    /// Keeps what was read, unless it was changed meanwhile.
    pub(crate) fn keep(&self, reading: Reading<K>, value: V) {
        let Reading {
            key,
            changes,
            asked_at,
        } = reading;
        let mut part = self.part(key);
        let is_past = part.changes != changes || part.changing.contains_key(&key);
        if is_past || part.used(key).is_some_and(|kept| kept.asked_at > asked_at) {
            return;
        }
        part.make_room(asked_at);
        part.recent.insert(key, Kept { value, asked_at });
    }

    /// Forgets what nobody has asked for lately.
    pub(crate) fn forget_unused(&self, now: Timestamp) {
        for part in &self.parts {
            lock(part).make_room(now);
        }
    }
}

impl<K: Copy + Eq + Hash, V> Trusted<K, V> {
    /// Something is about to be changed in the store, until the answer is dropped.
    #[must_use]
    pub(crate) fn changing(&self, key: K) -> Changing<'_, K, V> {
        let mut part = self.part(key);
        part.forget(key);
        *part.changing.entry(key).or_default() += 1;
        Changing { trusted: self, key }
    }

    /// Forgets one.
    pub(crate) fn forget(&self, key: K) {
        self.part(key).forget(key);
    }

    fn part(&self, key: K) -> MutexGuard<'_, Part<K, V>> {
        let hash = self.hasher.hash_one(key);
        // The lower bits choose within the tables.
        let at = usize::try_from(hash >> 60).unwrap_or_default() % PARTS;
        lock(&self.parts[at])
    }
}

impl<K: Copy + Eq + Hash, V> Part<K, V> {
    /// What is kept of a key, as recently used.
    fn used(&mut self, key: K) -> Option<&Kept<V>> {
        if let Some(kept) = self.older.remove(&key) {
            if self.recent.len() >= HALF {
                self.older = std::mem::take(&mut self.recent);
            }
            self.recent.insert(key, kept);
        }
        self.recent.get(&key)
    }

    fn forget(&mut self, key: K) {
        self.changes += 1;
        self.recent.remove(&key);
        self.older.remove(&key);
    }

    fn make_room(&mut self, now: Timestamp) {
        let is_time = now < self.turned || now >= saturating_add(self.turned, TURN);
        if is_time || self.recent.len() >= HALF {
            self.older = std::mem::take(&mut self.recent);
            self.turned = now;
        }
    }
}

impl<K: Copy + Eq + Hash, V> Drop for Changing<'_, K, V> {
    fn drop(&mut self) {
        let mut part = self.trusted.part(self.key);
        part.forget(self.key);
        let others = part.changing.remove(&self.key).unwrap_or_default();
        if others > 1 {
            part.changing.insert(self.key, others - 1);
        }
    }
}

impl<K, V> Default for Trusted<K, V> {
    fn default() -> Self {
        let part = || {
            Mutex::new(Part {
                recent: HashMap::new(),
                older: HashMap::new(),
                turned: Timestamp::MIN,
                changing: HashMap::new(),
                changes: 0,
            })
        };
        Self {
            parts: std::array::from_fn(|_| part()),
            hasher: RandomState::new(),
        }
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + millisecond).unwrap()
    }

    fn kept(trusted: &Trusted<u32, u32>, key: u32, value: u32, millisecond: i64) {
        let reading = trusted.reading(key, at(millisecond));
        trusted.keep(reading, value);
    }

    #[test]
    fn two_seconds_from_the_asking_and_not_by_a_clock_that_was_set_back() {
        let trusted = Trusted::default();
        assert_eq!(trusted.find(1, at(0)), Found::Nothing);
        kept(&trusted, 1, 7, 0);
        for (millisecond, found) in [
            (0, Found::Trusted(7)),
            (1_999, Found::Trusted(7)),
            (2_000, Found::Aged(7)),
            (-1, Found::Aged(7)),
        ] {
            assert_eq!(trusted.find(1, at(millisecond)), found, "{millisecond}");
        }
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let trusted = Trusted::default();
        kept(&trusted, 1, 1, 0);
        let slow = trusted.reading(1, at(0));
        let change = trusted.changing(1);
        assert_eq!(trusted.find(1, at(0)), Found::Nothing);
        let meanwhile = trusted.reading(1, at(0));
        // As two who refresh and delete at once.
        drop(trusted.changing(1));
        kept(&trusted, 1, 2, 0);
        assert_eq!(trusted.find(1, at(0)), Found::Nothing);
        drop(change);
        trusted.keep(slow, 3);
        trusted.keep(meanwhile, 4);
        assert_eq!(trusted.find(1, at(0)), Found::Nothing);
        kept(&trusted, 1, 5, 0);
        assert_eq!(trusted.find(1, at(0)), Found::Trusted(5));
        assert!(
            trusted
                .parts
                .iter()
                .all(|part| lock(part).changing.is_empty())
        );
    }

    #[test]
    fn whoever_asked_earlier_does_not_replace_what_was_read_later() {
        let trusted = Trusted::default();
        let slow = trusted.reading(1, at(0));
        kept(&trusted, 1, 2, 10);
        trusted.keep(slow, 1);
        assert_eq!(trusted.find(1, at(10)), Found::Trusted(2));
    }

    #[test]
    fn no_more_than_ten_thousand_are_kept_and_those_in_use_stay() {
        let trusted = Trusted::default();
        kept(&trusted, 0, 0, 0);
        for key in 1..30_000 {
            kept(&trusted, key, key, 0);
            assert_eq!(trusted.find(0, at(0)), Found::Trusted(0), "{key}");
        }
        let sizes = trusted.parts.iter().map(|part| {
            let part = lock(part);
            part.recent.len() + part.older.len()
        });
        assert!((5_000..=MOST).contains(&sizes.sum()));
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten_within_two_minutes() {
        let trusted = Trusted::default();
        kept(&trusted, 1, 1, 0);
        kept(&trusted, 2, 2, 0);
        for minute in 1..=2 {
            let _ = trusted.find(1, at(minute * 60_000));
            trusted.forget_unused(at(minute * 60_000));
        }
        assert_eq!(trusted.find(1, at(120_000)), Found::Aged(1));
        assert_eq!(trusted.find(2, at(120_000)), Found::Nothing);
    }
}
