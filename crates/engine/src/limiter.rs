//! Everything that holds back the calls that are counted together: several windows, and a pause that the provider asked for.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tieline_core::clock::saturating_add;
use tieline_core::descriptor::RateLimit;
use tieline_core::{AppId, Clock, Timestamp};

use crate::quota::Quota;
use crate::wait::reach;
use crate::windows::{Window, WindowUse};

/// Calls that are counted together.
#[derive(Debug)]
pub(crate) struct Limiter {
    pub(crate) app: AppId,
    state: Mutex<State>,
    /// Whoever must wait does so in the order of asking.
    queue: tokio::sync::Mutex<()>,
    waiting: AtomicU32,
}

#[derive(Debug)]
struct State {
    windows: Vec<Window>,
    pause: Option<Pause>,
    /// Calls that were counted and not answered yet.
    under_way: u32,
}

/// The provider has asked for it.
#[derive(Debug, Clone, Copy)]
struct Pause {
    since: Timestamp,
    until: Timestamp,
}

/// Why there is no room for a call, and when there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) until: Timestamp,
    /// The window that is full; `None` = a pause.
    pub(crate) window: Option<(u32, Duration)>,
}

/// A call that was counted. Dropped before it [goes](Self::go), it is not counted after all.
#[derive(Debug)]
pub(crate) struct Counted {
    limiter: Arc<Limiter>,
    at: Timestamp,
    gone: bool,
}

/// How the calls that are counted together stand.
#[derive(Debug)]
pub(crate) struct InUse {
    pub(crate) windows: Vec<WindowUse>,
    pub(crate) paused_until: Option<Timestamp>,
    pub(crate) under_way: u32,
    pub(crate) waiting: u32,
}

impl Limiter {
    pub(crate) fn new(app: AppId, limits: impl Iterator<Item = RateLimit>) -> Self {
        let state = State {
            windows: limits.map(Window::new).collect(),
            pause: None,
            under_way: 0,
        };
        Self {
            app,
            state: Mutex::new(state),
            queue: tokio::sync::Mutex::default(),
            waiting: AtomicU32::new(0),
        }
    }

    /// Counts a call in every window, or in none: where one is full, or the provider has asked for a pause.
    pub(crate) fn try_pass(self: &Arc<Self>, now: Timestamp) -> Result<Counted, Full> {
        let mut state = self.state();
        if let Some(full) = state.full(now) {
            return Err(full);
        }
        for window in &mut state.windows {
            window.take(now);
        }
        state.under_way = state.under_way.saturating_add(1);
        Ok(Counted {
            limiter: Arc::clone(self),
            at: now,
            gone: false,
        })
    }

    /// As [`try_pass`](Self::try_pass), as soon as there is room, in the order of asking.
    ///
    /// # Errors
    /// At once where there is no room before the deadline, else when it has come.
    pub(crate) async fn pass(
        self: &Arc<Self>,
        clock: &dyn Clock,
        deadline: Timestamp,
    ) -> Result<Counted, Full> {
        if self.waiting() == 0 {
            match self.try_pass(clock.now()) {
                Err(full) if full.until > deadline => return Err(full),
                Err(_) => {}
                Ok(counted) => return Ok(counted),
            }
        }
        let _waiting = Waiting::begin(&self.waiting);
        let _turn = tokio::select! {
            biased;
            turn = self.queue.lock() => turn,
            () = reach(clock, deadline) => return Err(self.full_at(deadline)),
        };
        loop {
            let full = match self.try_pass(clock.now()) {
                Ok(counted) => return Ok(counted),
                Err(full) => full,
            };
            if full.until > deadline {
                return Err(full);
            }
            reach(clock, full.until).await;
        }
    }

    /// The provider wants to be left alone for so long.
    pub(crate) fn pause(&self, wait: Duration, now: Timestamp) {
        let until = saturating_add(now, wait);
        let mut state = self.state();
        // A longer one that was asked for stays.
        let until = state
            .paused_until(now)
            .map_or(until, |told| told.max(until));
        state.pause = Some(Pause { since: now, until });
    }

    /// Takes over what the provider's headers say of each window.
    pub(crate) fn hear(&self, headers: &HeaderMap, now: Timestamp) {
        let mut state = self.state();
        let under_way = state.under_way;
        for window in &mut state.windows {
            let rules = window.limit.headers;
            let quota = rules.and_then(|rules| Quota::read(&rules, headers, now));
            if let Some(quota) = quota {
                window.hear(&quota, under_way, now);
            }
        }
    }

    pub(crate) fn in_use(&self, now: Timestamp) -> InUse {
        let mut state = self.state();
        InUse {
            windows: state.windows.iter_mut().map(|it| it.in_use(now)).collect(),
            paused_until: state.paused_until(now),
            under_way: state.under_way,
            waiting: self.waiting(),
        }
    }

    /// Whether nothing would be lost by forgetting it.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        state.under_way == 0
            && state.paused_until(now).is_none()
            && state.windows.iter_mut().all(|window| window.is_idle(now))
    }

    /// What somebody is told who has waited in vain.
    fn full_at(&self, deadline: Timestamp) -> Full {
        self.state().full(deadline).unwrap_or(Full {
            until: deadline,
            window: None,
        })
    }

    fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn full(&mut self, now: Timestamp) -> Option<Full> {
        let pause = self.paused_until(now).map(|until| Full {
            until,
            window: None,
        });
        let windows = self.windows.iter_mut().filter_map(|window| {
            let until = window.room_at(now);
            let stands = window.in_use(now);
            (until > now).then_some(Full {
                until,
                window: Some((stands.calls, stands.per)),
            })
        });
        pause
            .into_iter()
            .chain(windows)
            .max_by_key(|full| full.until)
    }

    fn paused_until(&mut self, now: Timestamp) -> Option<Timestamp> {
        // A clock that was set back ends a pause: nobody knows how much of it is left.
        self.pause = self
            .pause
            .filter(|pause| pause.since <= now && now < pause.until);
        self.pause.map(|pause| pause.until)
    }
}

impl Counted {
    /// The call is being sent: it counts, whatever comes of it.
    pub(crate) fn go(&mut self) {
        self.gone = true;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.under_way = state.under_way.saturating_sub(1);
        if !self.gone {
            for window in &mut state.windows {
                window.give_back(self.at);
            }
        }
    }
}

/// Counts whoever waits, for as long as they do.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tieline_core::ManualClock;

    use super::*;

    fn limiter(limits: &[(u32, u64)]) -> Arc<Limiter> {
        let limits = limits.iter().map(|(calls, seconds)| {
            RateLimit::new(*calls, Duration::from_secs(*seconds), "app", "docs")
        });
        Arc::new(Limiter::new(
            AppId(1),
            limits.collect::<Vec<_>>().into_iter(),
        ))
    }

    fn clock() -> ManualClock {
        ManualClock::new(Timestamp::from_second(1_000).unwrap())
    }

    fn go(counted: Result<Counted, Full>) {
        counted.unwrap().go();
    }

    #[test]
    fn every_window_counts_and_the_last_to_have_room_decides() {
        let (limiter, clock) = (limiter(&[(2, 1), (3, 60)]), clock());
        go(limiter.try_pass(clock.now()));
        go(limiter.try_pass(clock.now()));
        let full = limiter.try_pass(clock.now()).unwrap_err();
        assert_eq!(full.window, Some((2, Duration::from_secs(1))));
        clock.advance(Duration::from_secs(1));
        go(limiter.try_pass(clock.now()));
        let full = limiter.try_pass(clock.now()).unwrap_err();
        assert_eq!(full.window, Some((3, Duration::from_secs(60))));
        assert_eq!(full.until.as_second(), 1_060);
        let used = limiter.in_use(clock.now()).windows;
        assert_eq!(used.iter().map(|it| it.used).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_call_that_is_not_made_is_not_counted() {
        let (limiter, clock) = (limiter(&[(1, 60)]), clock());
        drop(limiter.try_pass(clock.now()).unwrap());
        assert!(limiter.is_idle(clock.now()));
        go(limiter.try_pass(clock.now()));
        assert!(limiter.try_pass(clock.now()).is_err());
    }

    #[tokio::test]
    async fn whoever_waits_is_served_in_the_order_of_asking() {
        let (limiter, clock) = (limiter(&[(1, 10)]), clock());
        let deadline = saturating_add(clock.now(), Duration::from_secs(25));
        go(limiter.try_pass(clock.now()));
        let mut first = Box::pin(limiter.pass(&clock, deadline));
        let mut second = Box::pin(limiter.pass(&clock, deadline));
        let mut third = Box::pin(limiter.pass(&clock, deadline));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());
        assert_eq!(limiter.in_use(clock.now()).waiting, 3);
        clock.advance(Duration::from_secs(10));
        // Nobody overtakes those who wait.
        let mut fourth = Box::pin(limiter.pass(&clock, deadline));
        assert!(fourth.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        go(first.as_mut().now_or_never().unwrap());
        drop(first);
        assert!(second.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_secs(10));
        go(second.as_mut().now_or_never().unwrap());
        drop(second);
        // There is no room before its deadline, and it needn't wait for that to be told.
        let full = third.as_mut().now_or_never().unwrap().unwrap_err();
        assert_eq!(full.until.as_second(), 1_030);
        drop(third);
        clock.advance(Duration::from_secs(5));
        assert!(fourth.as_mut().now_or_never().unwrap().is_err());
    }

    #[tokio::test]
    async fn a_pause_holds_until_then_and_a_deadline_before_that_is_told_at_once() {
        let (limiter, clock) = (limiter(&[]), clock());
        limiter.pause(Duration::from_secs(30), clock.now());
        let soon = saturating_add(clock.now(), Duration::from_secs(29));
        let full = limiter.pass(&clock, soon).now_or_never().unwrap();
        let until = saturating_add(clock.now(), Duration::from_secs(30));
        assert_eq!(
            full.unwrap_err(),
            Full {
                until,
                window: None
            }
        );
        clock.advance(Duration::from_secs(30));
        go(limiter.try_pass(clock.now()));
        limiter.pause(Duration::from_secs(30), clock.now());
        clock.set(Timestamp::from_second(900).unwrap());
        go(limiter.try_pass(clock.now()));
    }
}
