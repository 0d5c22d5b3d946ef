//! The time, injected: everything that asks for it takes a [`Clock`].

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

pub use jiff::Timestamp;

/// Where the time comes from.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The current instant, UTC.
    fn now(&self) -> Timestamp;

    /// Keeps `waker` to be woken the next time this clock is moved by hand. `false` where it moves by itself: whoever waits
    /// must measure the time. Default: `false`.
    fn wake_when_moved(&self, _waker: &Waker) -> bool {
        false
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one home of the machine's clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that only moves when told to, for tests and demonstrations.
#[derive(Debug)]
pub struct ManualClock(Mutex<Hands>);

#[derive(Debug)]
struct Hands {
    now: Timestamp,
    /// Those who wait for the next move.
    waiting: Vec<Waker>,
}

impl ManualClock {
    /// Stands at `start` until moved.
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(Hands {
            now: start,
            waiting: Vec::new(),
        }))
    }

    /// Moves forward. Saturates at the last representable instant.
    pub fn advance(&self, by: Duration) {
        self.turn(|now| saturating_add(now, by));
    }

    /// Jumps to `instant`, backwards if need be.
    pub fn set(&self, instant: Timestamp) {
        self.turn(|_| instant);
    }

    fn turn(&self, to: impl FnOnce(Timestamp) -> Timestamp) {
        let waiting = {
            let mut hands = self.hands();
            hands.now = to(hands.now);
            std::mem::take(&mut hands.waiting)
        };
        // Whoever is woken may look at the clock at once.
        waiting.into_iter().for_each(Waker::wake);
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.hands().now
    }

    fn wake_when_moved(&self, waker: &Waker) -> bool {
        let waiting = &mut self.hands().waiting;
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
        true
    }
}

/// `instant + by`, or the last representable instant: a provider's absurd `expires_in` must not panic.
pub fn saturating_add(instant: Timestamp, by: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(by)
        .ok()
        .and_then(|by| instant.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().as_second(), 90);
    }

    #[test]
    fn whoever_waits_for_a_move_is_woken_once() {
        #[derive(Default)]
        struct Count(AtomicUsize);
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (clock, count) = (
            ManualClock::new(Timestamp::UNIX_EPOCH),
            Arc::new(Count::default()),
        );
        let waker = Waker::from(Arc::clone(&count));
        assert!(clock.wake_when_moved(&waker) && clock.wake_when_moved(&waker));
        assert!(!SystemClock.wake_when_moved(&waker));
        clock.advance(Duration::from_secs(1));
        clock.advance(Duration::from_secs(1));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn adding_too_much_saturates() {
        assert_eq!(
            saturating_add(Timestamp::UNIX_EPOCH, Duration::MAX),
            Timestamp::MAX
        );
    }
}
