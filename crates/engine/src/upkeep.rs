//! What an engine does by itself, for all tenants: it settles refreshes that were begun and not ended, keeps refresh tokens
//! alive that would die unused, finishes disconnects that were cut off, tells webhooks what happened, and forgets what has
//! expired.
//!
//! Access tokens are refreshed when somebody wants one, and not here.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tieline_core::clock::saturating_add;
use tieline_core::{InstanceId, Timestamp};
use tieline_store::{Instance, Status, StoreError};

use crate::engine::Shared;
use crate::flights::landing;
use crate::recovery::{Urgency, Verdict};
use crate::{Engine, EngineError};

/// Between two looks for refreshes that were begun and not ended: a reuse window may be half a minute.
const BETWEEN_SETTLING: Duration = Duration::from_secs(2);
/// Between two looks for what webhooks are to be told: a look costs little.
const BETWEEN_DELIVERIES: Duration = Duration::from_millis(500);
/// Between two looks for all else.
const BETWEEN_ROUNDS: Duration = Duration::from_secs(30);
/// Instances read at once; so much is in memory, however many there are.
const PAGE: u32 = 100;
/// Refreshes, or disconnects, at once of one provider's instances.
const AT_ONCE: usize = 4;
/// A disconnect that somebody waits for is not interfered with.
const LEFT_ALONE: Duration = Duration::from_secs(60);
/// After so long an instance is deleted without the provider's word.
const UNCONFIRMED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// Between tries to revoke: a minute, doubled each time, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// What one round came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Round {
    /// Refreshes that had been begun and not ended, and now have.
    pub settled: u64,
    /// Refresh tokens that were used for their own sake.
    pub kept_alive: u64,
    /// Instances whose disconnect was finished.
    pub left: u64,
    /// Events that webhooks were told of.
    pub told: u64,
    /// Tries that came to nothing; they are made again.
    pub failed: u64,
}

/// When to try again to finish a disconnect, and how often that was tried.
#[derive(Debug, Default)]
pub(crate) struct Leaving(HashMap<InstanceId, (Timestamp, u32)>);

/// What is looked after, each by itself: that one provider is slow with the one keeps nobody waiting with the other.
#[derive(Debug, Clone, Copy)]
enum Task {
    Settle,
    KeepAlive,
    Leave,
    Tell,
    Forget,
}

impl Task {
    const ALL: [Self; 5] = [
        Self::Settle,
        Self::KeepAlive,
        Self::Leave,
        Self::Tell,
        Self::Forget,
    ];
}

impl Engine {
    /// Starts to look after what nobody asks for; ends with [`shutdown`](Self::shutdown), or with the engine. Once is
    /// enough: another call does nothing.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start_upkeep(&self) {
        if self.shared.upkeep_runs.swap(true, Ordering::SeqCst) {
            return;
        }
        for task in Task::ALL {
            tokio::spawn(rounds(Arc::downgrade(&self.shared), task));
        }
    }

    /// One round of everything. Whoever calls this at times of their own needs no [`start_upkeep`](Self::start_upkeep).
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn look_after(&self) -> Result<Round, EngineError> {
        let mut sum = Round::default();
        for task in [Task::Settle, Task::KeepAlive, Task::Leave, Task::Forget] {
            let round = self.round(task).await?;
            sum.settled += round.settled;
            sum.kept_alive += round.kept_alive;
            sum.left += round.left;
            sum.failed += round.failed;
        }
        if self.shared.store.adoption_required().is_none() {
            let (told, failed) = self.tell_webhooks().await?;
            sum.told = told;
            sum.failed += failed;
        }
        Ok(sum)
    }

    async fn round(&self, task: Task) -> Result<Round, EngineError> {
        let mut round = Round::default();
        if self.shared.store.adoption_required().is_some() {
            return Ok(round);
        }
        match task {
            Task::Settle => self.settle_attempts(&mut round).await?,
            Task::KeepAlive => self.keep_alive(&mut round).await?,
            Task::Leave => self.finish_leaving(&mut round).await?,
            // They are not waited for: one may have to be patient for long.
            Task::Tell => drop(self.send_couriers().await?),
            Task::Forget => self.forget_expired().await?,
        }
        Ok(round)
    }

    /// Refreshes whose process is gone, or whose outcome is unknown: asks again where that can do no harm, else makes sure
    /// that the doubt is written down.
    async fn settle_attempts(&self, round: &mut Round) -> Result<(), EngineError> {
        let store = &self.shared.store;
        let mut after = InstanceId(0);
        loop {
            let page = store.unsettled(&self.shared.owner, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.id;
            self.keep_beating().await?;
            // By the clock that says since when.
            let now = store.database_clock().await?;
            let now = now.unwrap_or_else(|| self.shared.clock.now());
            let (settled, failed) = self.refresh_all(page, now).await;
            round.settled += settled;
            round.failed += failed;
        }
    }

    async fn keep_alive(&self, round: &mut Round) -> Result<(), EngineError> {
        let now = self.shared.clock.now();
        let mut after = None;
        loop {
            let page = self.shared.store.keep_alive_due(now, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.keep_alive_at.map(|at| (at, last.id));
            let (kept_alive, failed) = self.refresh_all(page, now).await;
            round.kept_alive += kept_alive;
            round.failed += failed;
        }
    }

    /// Those for which that makes sense now, a few at once of each provider. How many came to something, and how many to
    /// nothing.
    async fn refresh_all(&self, instances: Vec<Instance>, now: Timestamp) -> (u64, u64) {
        let sensible = instances.into_iter().filter(|it| self.makes_sense(it, now));
        let refresh = async |instance: Instance| self.refresh_for_its_own_sake(&instance).await;
        a_few_of_each_provider(sensible, refresh).await
    }

    /// Whether it is time, and there is anything to do but wait.
    fn makes_sense(&self, instance: &Instance, now: Timestamp) -> bool {
        let Ok(provider) = self.provider(&instance.provider) else {
            return false;
        };
        let (shared, rotation) = (&self.shared, provider.descriptor().oauth2().rotation);
        self.rested(instance).is_ok()
            && !shared.breakers.is_shut(instance.app, shared.clock.now())
            && shared.flights.under_way(instance.id).is_none()
            && match self.verdict(instance, &rotation, urgency(instance, now), now) {
                Verdict::Send => true,
                // That is to be written down once.
                Verdict::Wait => !instance.uncertain,
                Verdict::NotBefore(_) => false,
            }
    }

    async fn refresh_for_its_own_sake(&self, instance: &Instance) -> bool {
        let engine = self.for_tenant(&instance.tenant);
        match engine.fly(instance, urgency(instance, self.shared.clock.now())) {
            Ok(flight) => landing(flight).await.is_ok(),
            Err(_) => false,
        }
    }

    /// Disconnects that a crash or the provider cut off.
    async fn finish_leaving(&self, round: &mut Round) -> Result<(), EngineError> {
        let (store, mut after) = (&self.shared.store, InstanceId(0));
        loop {
            let page = store.unwell(Status::Deleting, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.id;
            let now = self.shared.clock.now();
            let ripe = page.into_iter().filter(|instance| {
                now >= saturating_add(instance.status_since, LEFT_ALONE)
                    && self.shared.leaving().is_time(instance.id, now)
            });
            let leave = async |instance: Instance| self.leave_at_last(&instance, now).await;
            let (left, failed) = a_few_of_each_provider(ripe, leave).await;
            round.left += left;
            round.failed += failed;
        }
    }

    async fn leave_at_last(&self, instance: &Instance, now: Timestamp) -> bool {
        let anyway = now >= saturating_add(instance.status_since, UNCONFIRMED_AFTER);
        let engine = self.for_tenant(&instance.tenant);
        match engine.instance(instance.id).disconnect(anyway).await {
            Ok(_) | Err(EngineError::NoSuchInstance(_)) => {
                self.shared.leaving().0.remove(&instance.id);
                true
            }
            Err(error) => {
                tracing::warn!(instance = %instance.id, "the instance can't be revoked yet: {error}");
                self.shared.leaving().postpone(instance.id, now);
                false
            }
        }
    }
}

/// Does something with each, a few at once of each provider. How often that came to something, and how often to nothing.
async fn a_few_of_each_provider<F: Future<Output = bool>>(
    instances: impl Iterator<Item = Instance>,
    work: impl Fn(Instance) -> F,
) -> (u64, u64) {
    let mut by_provider: HashMap<String, Vec<Instance>> = HashMap::new();
    for instance in instances {
        let provider = instance.provider.clone();
        by_provider.entry(provider).or_default().push(instance);
    }
    let providers = by_provider
        .into_values()
        .map(|instances| Box::pin(stream::iter(instances).map(&work).buffer_unordered(AT_ONCE)));
    let mut all = stream::select_all(providers);
    let (mut done, mut failed) = (0, 0);
    while let Some(is_done) = all.next().await {
        if is_done {
            done += 1;
        } else {
            failed += 1;
        }
    }
    (done, failed)
}

/// Once the access token is used up, there is nothing to lose by asking again. Where nobody knows when that is, the refresh
/// token's own time decides.
fn urgency(instance: &Instance, now: Timestamp) -> Urgency {
    match instance.expires_at.or(instance.keep_alive_at) {
        Some(end) if end <= now => Urgency::Due,
        _ => Urgency::Soon,
    }
}

impl Leaving {
    fn is_time(&self, id: InstanceId, now: Timestamp) -> bool {
        self.0.get(&id).is_none_or(|(next, _)| *next <= now)
    }

    fn postpone(&mut self, id: InstanceId, now: Timestamp) {
        let (next, tries) = self.0.entry(id).or_insert((now, 0));
        let pause = Duration::from_secs(60).saturating_mul(2_u32.saturating_pow(*tries));
        *next = saturating_add(now, pause.min(LONGEST_PAUSE));
        *tries += 1;
    }
}

async fn rounds(shared: Weak<Shared>, task: Task) {
    let pause = match task {
        Task::Settle => BETWEEN_SETTLING,
        Task::Tell => BETWEEN_DELIVERIES,
        Task::KeepAlive | Task::Leave | Task::Forget => BETWEEN_ROUNDS,
    };
    loop {
        let Some(engine) = shared.upgrade().map(Engine::of_default_tenant) else {
            return;
        };
        if engine.shared.tasks.is_closing() {
            return;
        }
        // On a task of its own: what panics once is tried again.
        match tokio::spawn(async move { engine.round(task).await }).await {
            Ok(Err(EngineError::Store(StoreError::Closed) | EngineError::ShuttingDown)) => return,
            Ok(Err(error)) => tracing::warn!(?task, "upkeep failed: {error}"),
            Ok(Ok(round)) if round != Round::default() => tracing::debug!(?task, ?round, "upkeep"),
            Ok(Ok(_)) => {}
            Err(error) => tracing::error!(?task, "upkeep broke off: {error}"),
        }
        tokio::time::sleep(pause).await;
    }
}
