//! Who is on the way to which webhook, and which ones rest.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tieline_core::clock::saturating_add;
use tieline_core::{Timestamp, WebhookId};

use crate::webhooks::schedule::{LONGEST_REST, rest};

/// Couriers at once. Each waits for its own webhook alone; this is how much may be in memory.
const MOST: usize = 256;
/// One in so many is kept for webhooks that fail.
const OF_THE_FAILING: usize = 8;

/// What this process knows of webhooks that is not worth being stored.
#[derive(Debug, Default)]
pub(crate) struct Couriers(Mutex<Routes>);

#[derive(Debug, Default)]
struct Routes {
    known: HashMap<WebhookId, Route>,
    /// Whom the last of the couriers went to: those behind it are next.
    last: Option<WebhookId>,
}

#[derive(Debug, Default)]
struct Route {
    is_travelled: bool,
    failures: u32,
    rests_until: Option<Timestamp>,
}

impl Couriers {
    /// Which of them a courier is to go to now: none that rests, and none that another one is with. Whoever goes says so when
    /// it is [back](Self::back).
    ///
    /// Where there are more than couriers, those that fail have an eighth of them, and all others take turns.
    pub(super) fn leave_for(&self, due: Vec<WebhookId>, now: Timestamp) -> Vec<WebhookId> {
        let mut routes = self.routes();
        let Routes { known, last } = &mut *routes;
        let wanted: HashSet<_> = due.iter().copied().collect();
        known
            .retain(|id, route| route.is_travelled || route.is_resting(now) || wanted.contains(id));
        let under_way = known.values().filter(|route| route.is_travelled).count();
        let free = due.into_iter().filter(|id| {
            let route = known.get(id);
            route.is_none_or(|route| !route.is_travelled && !route.is_resting(now))
        });
        let is_well = |id: &WebhookId| known.get(id).is_none_or(|route| route.failures == 0);
        let (mut well, failing): (Vec<_>, Vec<_>) = free.partition(is_well);
        well.sort_by_key(|id| (last.is_some_and(|last| *id <= last), *id));
        let places = MOST.saturating_sub(under_way);
        well.truncate(places - failing.len().min(places / OF_THE_FAILING));
        *last = well.last().copied().or(*last);
        let mut chosen = well;
        let left = places - chosen.len();
        chosen.extend(failing.into_iter().take(left));
        for id in &chosen {
            known.entry(*id).or_default().is_travelled = true;
        }
        chosen
    }

    /// Whether the last that was sent to a webhook was not taken.
    pub(super) fn is_failing(&self, id: WebhookId) -> bool {
        let routes = self.routes();
        let route = routes.known.get(&id);
        route.is_some_and(|route| route.failures > 0)
    }

    pub(super) fn succeeded(&self, id: WebhookId) {
        if let Some(route) = self.routes().known.get_mut(&id) {
            route.failures = 0;
            route.rests_until = None;
        }
    }

    pub(super) fn failed(&self, id: WebhookId, now: Timestamp) {
        if let Some(route) = self.routes().known.get_mut(&id) {
            route.failures = route.failures.saturating_add(1);
            route.rests_until = Some(saturating_add(now, rest(route.failures)));
        }
    }

    pub(super) fn back(&self, id: WebhookId) {
        let known = &mut self.routes().known;
        if known.get(&id).is_some_and(|route| route.failures == 0) {
            known.remove(&id);
        } else if let Some(route) = known.get_mut(&id) {
            route.is_travelled = false;
        }
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Route {
    /// A rest that is longer than any comes of a clock that was wrong.
    fn is_resting(&self, now: Timestamp) -> bool {
        self.rests_until
            .is_some_and(|until| now < until && until <= saturating_add(now, LONGEST_REST))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn one_courier_for_each_and_a_rest_after_a_failure() {
        let couriers = Couriers::default();
        let (one, two) = (WebhookId(1), WebhookId(2));
        assert_eq!(couriers.leave_for(vec![one, two], at(0)), [one, two]);
        assert!(couriers.leave_for(vec![one, two], at(0)).is_empty());
        couriers.failed(one, at(0));
        couriers.back(one);
        couriers.back(two);
        assert_eq!(couriers.leave_for(vec![one, two], at(4)), [two]);
        assert_eq!(couriers.leave_for(vec![one, two], at(5)), [one]);
        assert!(couriers.is_failing(one));
        couriers.failed(one, at(5));
        couriers.back(one);
        assert!(couriers.leave_for(vec![one], at(14)).is_empty());
        assert_eq!(couriers.leave_for(vec![one], at(15)), [one]);
        couriers.succeeded(one);
        assert!(!couriers.is_failing(one));
        couriers.back(one);
        assert_eq!(couriers.leave_for(vec![one], at(15)), [one]);
    }

    #[test]
    fn whoever_is_slow_does_not_keep_others_waiting_for_ever() {
        let couriers = Couriers::default();
        // All of them are due again as soon as they were told something.
        let many: Vec<_> = (1..=1_000).map(WebhookId).collect();
        let mut left = HashSet::new();
        for _ in 0..4 {
            for id in couriers.leave_for(many.clone(), at(0)) {
                left.insert(id);
                couriers.succeeded(id);
                couriers.back(id);
            }
        }
        assert_eq!(left.len(), 1_000);
    }

    #[test]
    fn a_clock_that_goes_back_makes_no_long_rest() {
        let (couriers, one) = (Couriers::default(), WebhookId(1));
        couriers.leave_for(vec![one], at(1_000_000));
        couriers.failed(one, at(1_000_000));
        couriers.back(one);
        assert_eq!(couriers.leave_for(vec![one], at(0)), [one]);
    }

    #[test]
    fn what_is_gone_is_forgotten_and_there_are_not_too_many() {
        let couriers = Couriers::default();
        let many: Vec<_> = (1..=300).map(WebhookId).collect();
        assert_eq!(couriers.leave_for(many.clone(), at(0)).len(), MOST);
        for id in &many[..MOST] {
            couriers.failed(*id, at(0));
            couriers.back(*id);
        }
        assert_eq!(couriers.leave_for(many.clone(), at(0)).len(), 44);
        for id in &many[MOST..] {
            couriers.back(*id);
        }
        // Those that were taken are done, and what fails comes after what is new.
        let rested = saturating_add(at(0), Duration::from_secs(5));
        let fresh = WebhookId(1_000);
        let mut again = many.clone();
        again.push(fresh);
        let left = couriers.leave_for(again, rested);
        assert_eq!(left.len(), MOST);
        assert!(left.contains(&fresh));
        for id in left {
            couriers.succeeded(id);
            couriers.back(id);
        }
        assert!(couriers.leave_for(Vec::new(), rested).is_empty());
        assert!(couriers.routes().known.is_empty());
    }
}
