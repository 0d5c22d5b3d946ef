//! Whose calls are counted together, and whether there is room for one more.
//!
//! Counted are the calls of this process, replays included; not what is asked while an account is being connected. The
//! provider's own headers tell of all others, where it has such headers. What several processes share is not shared yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tieline_core::descriptor::{CountedTogether, RateLimit};
use tieline_core::{AppId, Clock, InstanceId, ProviderDescriptor, Timestamp};
use tieline_oauth::retry_after;
use tieline_store::Instance;

use crate::held_back::HeldBack;
use crate::limiter::{Counted, Full, InUse, Limiter};
use crate::windows::WindowUse;
use crate::{Engine, EngineError};

/// With so many limiters, or twice as many as were in use the last time, those that say nothing any more are forgotten.
const MANY: usize = 1_024;

/// The limiters of this process.
#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    limiters: HashMap<Key, Arc<Limiter>>,
    /// How many there were when it was last looked for idle ones.
    busy: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    App(AppId),
    Account(InstanceId),
    Method(InstanceId, String),
}

/// The limiters that one call has to pass.
#[derive(Debug)]
pub(crate) struct Limited {
    limiters: Vec<Arc<Limiter>>,
    /// The one whose calls pause when the provider asks for it.
    pauses: Arc<Limiter>,
}

/// A call that was counted everywhere. Dropped before it [goes](Self::go), it is not counted after all.
#[derive(Debug)]
pub(crate) struct Passed(Vec<Counted>);

/// How the calls stand that a provider counts together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitUse {
    /// The account that they are for; `None` = all accounts of the app.
    pub instance: Option<InstanceId>,
    /// The path that they are to, where the provider counts by path.
    pub path: Option<String>,
    /// Each window that is kept.
    pub windows: Vec<WindowUse>,
    /// Until when the provider has asked for a pause.
    pub paused_until: Option<Timestamp>,
    /// Calls that have been sent and not answered.
    pub under_way: u32,
    /// Calls that wait for room.
    pub waiting: u32,
}

impl Limits {
    /// What a call has to pass.
    pub(crate) fn of(
        &self,
        descriptor: &ProviderDescriptor,
        instance: &Instance,
        path: &str,
        now: Timestamp,
    ) -> Limited {
        let told = descriptor.rate_limits.known().unwrap_or_default();
        let counts = |together| told.iter().any(|limit| limit.counted_together == together);
        let by_app = counts(CountedTogether::App);
        let by_method = counts(CountedTogether::Method);
        // Where nobody knows how the provider counts, one account that it holds up holds up no other.
        let by_account = counts(CountedTogether::Account) || !(by_app || by_method);
        let mut limiters = Vec::new();
        for (is_counted, key, together) in [
            (
                by_method,
                Key::Method(instance.id, path.to_owned()),
                CountedTogether::Method,
            ),
            (
                by_account,
                Key::Account(instance.id),
                CountedTogether::Account,
            ),
            (by_app, Key::App(instance.app), CountedTogether::App),
        ] {
            if is_counted {
                limiters.push(self.limiter(key, instance.app, kept(told, together), now));
            }
        }
        let pauses = limiters.last().cloned();
        let pauses = pauses.unwrap_or_else(|| Arc::new(Limiter::new(instance.app, [].into_iter())));
        Limited { limiters, pauses }
    }

    fn limiter(
        &self,
        key: Key,
        app: AppId,
        limits: impl Iterator<Item = RateLimit>,
        now: Timestamp,
    ) -> Arc<Limiter> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.limiters.len() >= MANY.max(all.busy.saturating_mul(2)) {
            all.limiters
                .retain(|_, it| Arc::strong_count(it) > 1 || !it.is_idle(now));
            all.busy = all.limiters.len();
        }
        let limiter = all.limiters.entry(key);
        Arc::clone(limiter.or_insert_with(|| Arc::new(Limiter::new(app, limits))))
    }

    fn in_use(&self, app: AppId, now: Timestamp) -> Vec<LimitUse> {
        let of_app: Vec<_> = {
            let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let of_app = all.limiters.iter().filter(|(_, it)| it.app == app);
            of_app
                .map(|(key, it)| (key.clone(), Arc::clone(it)))
                .collect()
        };
        let mut found: Vec<_> = of_app
            .into_iter()
            .map(|(key, limiter)| LimitUse::of(key, limiter.in_use(now)))
            .collect();
        found.sort_by(|a, b| (a.instance, &a.path).cmp(&(b.instance, &b.path)));
        found
    }
}

/// The limits to keep of one way of counting: of several for the same window the tightest, until the provider's headers say
/// which holds.
fn kept(told: &[RateLimit], together: CountedTogether) -> impl Iterator<Item = RateLimit> {
    let mut kept: Vec<RateLimit> = Vec::new();
    for limit in told.iter().filter(|limit| {
        limit.kept && limit.counted_together == together && together != CountedTogether::Method
    }) {
        match kept.iter_mut().find(|known| known.per == limit.per) {
            Some(known) => {
                let headers = known.headers.or(limit.headers);
                if limit.calls < known.calls {
                    *known = *limit;
                }
                known.headers = headers;
            }
            None => kept.push(*limit),
        }
    }
    kept.into_iter()
}

impl Limited {
    /// Counts a call everywhere, or nowhere.
    pub(crate) fn try_pass(&self, now: Timestamp) -> Result<Passed, Full> {
        let limiters = self.limiters.iter();
        limiters
            .map(|it| it.try_pass(now))
            .collect::<Result<_, _>>()
            .map(Passed)
    }

    /// Counts a call everywhere as soon as there is room.
    ///
    /// # Errors
    /// When there is none before the deadline.
    pub(crate) async fn pass(
        &self,
        clock: &dyn Clock,
        deadline: Timestamp,
    ) -> Result<Passed, Full> {
        let mut passed = Passed(Vec::with_capacity(self.limiters.len()));
        // The widest last: whoever waits for one account takes no room of all the others.
        for limiter in &self.limiters {
            passed.0.push(limiter.pass(clock, deadline).await?);
        }
        Ok(passed)
    }

    /// The provider has answered: its headers say how the windows stand, and whether it wants to be left alone.
    pub(crate) fn hear(&self, status: StatusCode, headers: &HeaderMap, now: Timestamp) {
        for limiter in &self.limiters {
            limiter.hear(headers, now);
        }
        let is_asked = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        if is_asked && let Some(wait) = retry_after(headers, now) {
            self.pauses.pause(wait, now);
        }
    }
}

impl Passed {
    /// The call is being sent: it counts, whatever comes of it.
    pub(crate) fn go(&mut self) {
        self.0.iter_mut().for_each(Counted::go);
    }
}

impl LimitUse {
    fn of(key: Key, stands: InUse) -> Self {
        let (instance, path) = match key {
            Key::App(_) => (None, None),
            Key::Account(instance) => (Some(instance), None),
            Key::Method(instance, path) => (Some(instance), Some(path)),
        };
        Self {
            instance,
            path,
            windows: stands.windows,
            paused_until: stands.paused_until,
            under_way: stands.under_way,
            waiting: stands.waiting,
        }
    }
}

impl Engine {
    /// How the calls of an app stand that its provider counts together, as far as this process knows: those of all accounts
    /// first. What was not used for a while may be missing.
    ///
    /// # Errors
    /// When the tenant has no such app.
    pub async fn limits(&self, app: AppId) -> Result<Vec<LimitUse>, EngineError> {
        let app = self.app(app).await?.id;
        Ok(self.shared.limits.in_use(app, self.shared.clock.now()))
    }

    /// What somebody is told whose call had no room before the deadline.
    pub(crate) fn over_limit(&self, provider: &str, full: Full) -> HeldBack {
        let wait = full.until.duration_since(self.shared.clock.now());
        let retry_after = Duration::try_from(wait).unwrap_or_default();
        let provider = provider.to_owned();
        match full.window {
            Some((calls, per)) => HeldBack::OverLimit {
                provider,
                calls,
                per,
                retry_after,
            },
            None => HeldBack::Paused {
                provider,
                retry_after,
            },
        }
    }
}
