//! Waiting by the injected clock.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tieline_core::{Clock, Timestamp};

/// Waits until it is `then` by this clock. One that is moved by hand decides alone; any other is looked at again when as much
/// time has passed as was left.
pub(crate) async fn reach(clock: &dyn Clock, then: Timestamp) {
    loop {
        let left = Duration::try_from(then.duration_since(clock.now())).unwrap_or_default();
        if left.is_zero() {
            return;
        }
        let mut passed = pin!(tokio::time::sleep(left));
        let moved = poll_fn(|context| {
            // Asked to be woken first: the clock may be moved in between.
            let is_moved_by_hand = clock.wake_when_moved(context.waker());
            if clock.now() >= then {
                return Poll::Ready(());
            }
            if is_moved_by_hand {
                return Poll::Pending;
            }
            passed.as_mut().poll(context)
        });
        moved.await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use tieline_core::{ManualClock, SystemClock};

    use super::*;

    #[tokio::test]
    async fn a_clock_moved_by_hand_decides_alone() {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let then = Timestamp::from_second(60).unwrap();
        let mut waiting = Box::pin(reach(&*clock, then));
        assert_eq!(waiting.as_mut().now_or_never(), None);
        clock.advance(Duration::from_secs(59));
        assert_eq!(waiting.as_mut().now_or_never(), None);
        let moving = Arc::clone(&clock);
        let hand = tokio::spawn(async move { moving.advance(Duration::from_secs(1)) });
        waiting.await;
        hand.await.unwrap();
    }

    #[tokio::test]
    async fn the_machines_clock_is_waited_for() {
        let then = SystemClock.now() + Duration::from_millis(20);
        reach(&SystemClock, then).await;
        assert!(SystemClock.now() >= then);
    }
}
