//! One window of a rate limit: how many calls were made in it, and when there is room for the next.
//!
//! The window slides: in no stretch of its length are more calls let through than it takes, wherever the provider lets its
//! own begin. (The generic cell rate algorithm, which the crate `governor` has, lets nearly twice as many through in the
//! stretch after a rest, or else spaces calls out that the provider would take together.)

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tieline_core::Timestamp;
use tieline_core::clock::saturating_add;
use tieline_core::descriptor::RateLimit;

use crate::quota::Quota;

/// Calls that were made within this part of a window of each other are counted as made together, at the last one's time.
const PARTS: u32 = 256;

/// A sliding window.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) limit: RateLimit,
    /// How many calls it takes, in the provider's own headers.
    told_limit: Option<u32>,
    spans: VecDeque<Span>,
    used: u32,
    told: Option<Told>,
}

/// Calls that were made together.
#[derive(Debug)]
struct Span {
    first: Timestamp,
    last: Timestamp,
    calls: u32,
}

/// What the provider said is left, others' calls and its own way of counting included.
#[derive(Debug)]
struct Told {
    left: u32,
    at: Timestamp,
    /// When all of them are back; `None` = they come back evenly.
    reset: Option<Timestamp>,
}

/// How one window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowUse {
    /// How many calls it takes: as the provider's headers say, or else its documentation.
    pub calls: u32,
    /// Its length.
    pub per: Duration,
    /// How many calls were made in it.
    pub used: u32,
    /// How many the provider said are left, less those made since; `None` = it said nothing that still holds.
    pub left: Option<u32>,
}

impl Window {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            told_limit: None,
            spans: VecDeque::new(),
            used: 0,
            told: None,
        }
    }

    /// When there is room for one more call: now or earlier is now.
    pub(crate) fn room_at(&mut self, now: Timestamp) -> Timestamp {
        self.slide(now);
        self.ours_at(now).max(self.theirs_at(now))
    }

    /// Counts a call.
    pub(crate) fn take(&mut self, now: Timestamp) {
        self.slide(now);
        self.used = self.used.saturating_add(1);
        if let Some(told) = &mut self.told {
            told.left = told.left.saturating_sub(1);
        }
        match self.spans.back_mut() {
            Some(span) if now < saturating_add(span.first, self.limit.per / PARTS) => {
                (span.last, span.calls) = (now, span.calls.saturating_add(1));
            }
            _ => self.spans.push_back(Span {
                first: now,
                last: now,
                calls: 1,
            }),
        }
    }

    /// A call that was counted at this time is not made.
    pub(crate) fn give_back(&mut self, taken_at: Timestamp) {
        let mut spans = self.spans.iter_mut().rev();
        let Some(span) = spans.find(|span| span.first <= taken_at && span.calls > 0) else {
            return;
        };
        span.calls -= 1;
        self.used = self.used.saturating_sub(1);
        if let Some(told) = &mut self.told {
            told.left = told.left.saturating_add(1);
        }
    }

    /// The provider has said how the window stands. Of what it says is left, so many are on their way already.
    pub(crate) fn hear(&mut self, quota: &Quota, under_way: u32, now: Timestamp) {
        if let Some(limit) = quota.limit.filter(|limit| *limit > 0) {
            self.told_limit = Some(limit);
        }
        // What claims to begin anew later than a window's length from now is not this window.
        let latest = saturating_add(now, self.limit.per);
        self.told = quota.left.map(|left| Told {
            left: left.saturating_sub(under_way),
            at: now,
            reset: quota.reset.map(|reset| reset.min(latest)),
        });
    }

    pub(crate) fn in_use(&mut self, now: Timestamp) -> WindowUse {
        self.slide(now);
        WindowUse {
            calls: self.calls(),
            per: self.limit.per,
            used: self.used,
            left: self.told.as_ref().map(|told| told.left),
        }
    }

    pub(crate) fn is_idle(&mut self, now: Timestamp) -> bool {
        self.slide(now);
        self.used == 0 && self.told.is_none()
    }

    fn calls(&self) -> u32 {
        self.told_limit.unwrap_or(self.limit.calls).max(1)
    }

    /// When enough of our own calls have left the window.
    fn ours_at(&self, now: Timestamp) -> Timestamp {
        let (most, mut used) = (self.calls(), self.used);
        for span in &self.spans {
            if used < most {
                break;
            }
            used = used.saturating_sub(span.calls);
            if used < most {
                return saturating_add(span.last, self.limit.per);
            }
        }
        now
    }

    /// When the provider has room, as it said.
    fn theirs_at(&self, now: Timestamp) -> Timestamp {
        match &self.told {
            Some(told) if told.left == 0 => told
                .reset
                .unwrap_or_else(|| saturating_add(told.at, self.limit.per / self.calls())),
            _ => now,
        }
    }

    /// Forgets what has left the window.
    fn slide(&mut self, now: Timestamp) {
        // A clock that was set back holds nobody up for longer than the window.
        for span in self.spans.iter_mut().rev() {
            if span.last <= now {
                break;
            }
            (span.first, span.last) = (span.first.min(now), now);
        }
        while let Some(span) = self.spans.front()
            && saturating_add(span.last, self.limit.per) <= now
        {
            self.used = self.used.saturating_sub(span.calls);
            self.spans.pop_front();
        }
        let (calls, per) = (self.calls(), self.limit.per);
        if let Some(told) = &mut self.told {
            if told.is_over(per, now) {
                self.told = None;
            } else if told.reset.is_none() {
                told.come_back(per / calls, now);
                self.told.take_if(|told| told.left >= calls);
            }
        }
    }
}

impl Told {
    fn is_over(&self, per: Duration, now: Timestamp) -> bool {
        let end = self.reset.unwrap_or_else(|| saturating_add(self.at, per));
        now < self.at || now >= end
    }

    /// One more is left each time so much has passed.
    fn come_back(&mut self, each: Duration, now: Timestamp) {
        let passed = Duration::try_from(now.duration_since(self.at)).unwrap_or_default();
        let back = passed.as_nanos() / each.as_nanos().max(1);
        let back = u32::try_from(back).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(back);
        self.at = saturating_add(self.at, each.saturating_mul(back));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000_000 + millisecond).unwrap()
    }

    fn window(calls: u32, seconds: u64) -> Window {
        let per = Duration::from_secs(seconds);
        Window::new(RateLimit::new(calls, per, "app", "docs"))
    }

    fn quota(limit: Option<u32>, left: u32, reset: Option<i64>) -> Quota {
        Quota {
            limit,
            left: Some(left),
            reset: reset.map(at),
        }
    }

    /// In no stretch of the window's length are there more calls than it takes, whenever they are tried.
    #[test]
    fn no_stretch_of_a_windows_length_holds_more_than_it_takes() {
        let seed = u64::from(std::process::id());
        let mut state = seed;
        let mut random = |below: i64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            i64::try_from(state >> 33).unwrap() % below
        };
        let (mut window, mut made, mut now) = (window(25, 1), Vec::new(), 0);
        for _ in 0..20_000 {
            now += [0, 0, 1, random(90)][usize::try_from(random(4)).unwrap()];
            if window.room_at(at(now)) <= at(now) {
                window.take(at(now));
                made.push(now);
            }
        }
        assert!(made.len() > 2_000, "{}", made.len());
        for calls in made.windows(26) {
            assert!(calls[25] - calls[0] >= 1_000, "{calls:?}, seed {seed}");
        }
    }

    #[test]
    fn a_full_window_says_when_there_is_room_and_keeps_that() {
        let mut window = window(3, 60);
        for millisecond in [0, 1_000, 2_000] {
            assert_eq!(window.room_at(at(millisecond)), at(millisecond));
            window.take(at(millisecond));
        }
        assert_eq!(window.room_at(at(3_000)), at(60_000));
        assert_eq!(window.room_at(at(60_000)), at(60_000));
        window.take(at(60_000));
        assert_eq!(window.room_at(at(60_000)), at(61_000));
        window.give_back(at(60_000));
        assert_eq!(window.room_at(at(60_000)), at(60_000));
        assert_eq!(window.in_use(at(60_000)).used, 2);
        assert!(window.is_idle(at(200_000)));
    }

    #[test]
    fn a_long_window_of_many_calls_is_kept_in_little() {
        let mut window = window(125_000, 86_400);
        for call in 0..125_000 {
            window.take(at(call * 600));
        }
        assert!(window.spans.len() <= 257, "{}", window.spans.len());
        let room = window.room_at(at(75_000_000));
        assert!(room >= at(86_400_000) && room < at(86_400_000 + 86_400_000 / 256));
    }

    #[test]
    fn what_the_provider_says_goes_before_what_we_count() {
        let mut window = window(100, 60);
        window.hear(&quota(Some(10), 2, Some(30_000)), 1, at(0));
        assert_eq!(window.room_at(at(0)), at(0));
        window.take(at(0));
        assert_eq!(window.room_at(at(0)), at(30_000));
        let told = window.in_use(at(0));
        assert_eq!((told.calls, told.used, told.left), (10, 1, Some(0)));
        // Anew, as it said.
        assert_eq!(window.room_at(at(30_000)), at(30_000));
        // Further away than a window: another one's.
        window.hear(&quota(None, 0, Some(9_000_000)), 0, at(30_000));
        assert_eq!(window.room_at(at(30_000)), at(90_000));
        // Past already: it holds no longer.
        window.hear(&quota(None, 0, Some(0)), 0, at(40_000));
        assert_eq!(window.room_at(at(40_000)), at(40_000));
    }

    #[test]
    fn without_a_word_of_when_they_come_back_evenly() {
        let mut window = window(60, 60);
        window.hear(&quota(None, 0, None), 0, at(0));
        assert_eq!(window.room_at(at(0)), at(1_000));
        assert_eq!(window.room_at(at(2_500)), at(2_500));
        assert_eq!(window.in_use(at(2_500)).left, Some(2));
        assert_eq!(window.in_use(at(61_000)).left, None);
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nobody_up_for_longer_than_the_window() {
        let mut window = window(1, 60);
        window.take(at(0));
        window.hear(&quota(None, 0, Some(60_000)), 0, at(0));
        assert_eq!(window.room_at(at(-86_400_000)), at(-86_340_000));
    }
}
