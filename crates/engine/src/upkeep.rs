//! What an engine does by itself, for all tenants: it settles refreshes that were begun and not ended, keeps refresh tokens
//! alive that would die unused, and finishes disconnects that were cut off.
//!
//! Access tokens are refreshed when somebody wants one, and not here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tieline_core::clock::saturating_add;
use tieline_core::{InstanceId, Timestamp};
use tieline_store::{Instance, Status, StoreError};

use crate::engine::Shared;
use crate::flights::landing;
use crate::recovery::{Urgency, may_send};
use crate::{Engine, EngineError};

/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(2);
/// Instances read at once; so much is in memory, however many there are.
const PAGE: u32 = 100;
/// Refreshes at once of one provider's instances, for the refresh token's own sake.
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
    /// Tries that came to nothing; they are made again.
    pub failed: u64,
}

/// When to try again to finish a disconnect, and how often that was tried.
#[derive(Debug, Default)]
pub(crate) struct Leaving(HashMap<InstanceId, (Timestamp, u32)>);

impl Engine {
    /// Starts the rounds, once; they end with [`shutdown`](Self::shutdown), or with the engine.
    pub fn start_upkeep(&self) {
        tokio::spawn(rounds(Arc::downgrade(&self.shared)));
    }

    /// One round. Whoever calls this at times of their own needs no [`start_upkeep`](Self::start_upkeep).
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn look_after(&self) -> Result<Round, EngineError> {
        let mut round = Round::default();
        if self.shared.store.adoption_required().is_some() {
            return Ok(round);
        }
        self.settle_attempts(&mut round).await?;
        self.keep_alive(&mut round).await?;
        self.finish_leaving(&mut round).await?;
        Ok(round)
    }

    /// Refreshes whose process is gone, or whose outcome is unknown: asks again where that can do no harm, else makes sure
    /// that the doubt is written down.
    async fn settle_attempts(&self, round: &mut Round) -> Result<(), EngineError> {
        let mut after = InstanceId(0);
        loop {
            let page = self.shared.store.unsettled(after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.id;
            let (settled, failed) = self.refresh_all(page).await;
            round.settled += settled;
            round.failed += failed;
        }
    }

    async fn keep_alive(&self, round: &mut Round) -> Result<(), EngineError> {
        let mut after = None;
        loop {
            let page = self.shared.store.keep_alive_due(after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.keep_alive_at.map(|at| (at, last.id));
            let (kept_alive, failed) = self.refresh_all(page).await;
            round.kept_alive += kept_alive;
            round.failed += failed;
        }
    }

    /// Those for which that makes sense now, a few at once of each provider. How many came to something, and how many to
    /// nothing.
    async fn refresh_all(&self, instances: Vec<Instance>) -> (u64, u64) {
        let mut by_provider: HashMap<String, Vec<Instance>> = HashMap::new();
        for instance in instances.into_iter().filter(|it| self.makes_sense(it)) {
            let provider = instance.provider.clone();
            by_provider.entry(provider).or_default().push(instance);
        }
        let (mut done, mut failed) = (0, 0);
        let providers = by_provider.into_values().map(|instances| {
            stream::iter(instances)
                .map(|instance| async move { self.refresh_for_its_own_sake(&instance).await })
                .buffer_unordered(AT_ONCE)
        });
        let mut all = stream::select_all(providers.map(Box::pin));
        while let Some(refreshed) = all.next().await {
            if refreshed {
                done += 1;
            } else {
                failed += 1;
            }
        }
        (done, failed)
    }

    /// Whether it is time, and there is anything to do but wait.
    fn makes_sense(&self, instance: &Instance) -> bool {
        let now = self.shared.clock.now();
        let Ok(provider) = self.provider(&instance.provider) else {
            return false;
        };
        let rotation = provider.descriptor().oauth2().rotation;
        self.rested(instance).is_ok() && may_send(instance, &rotation, urgency(instance, now), now)
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
        let mut after = InstanceId(0);
        loop {
            let page = self
                .shared
                .store
                .unwell(Status::Deleting, after, PAGE)
                .await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.id;
            for instance in page {
                let now = self.shared.clock.now();
                if now < saturating_add(instance.status_since, LEFT_ALONE)
                    || !self.shared.leaving().is_time(instance.id, now)
                {
                    continue;
                }
                let anyway = now >= saturating_add(instance.status_since, UNCONFIRMED_AFTER);
                let engine = self.for_tenant(&instance.tenant);
                match engine.instance(instance.id).disconnect(anyway).await {
                    Ok(_) | Err(EngineError::NoSuchInstance(_)) => {
                        self.shared.leaving().0.remove(&instance.id);
                        round.left += 1;
                    }
                    Err(error) => {
                        tracing::warn!(instance = %instance.id, "the instance can't be revoked yet: {error}");
                        self.shared.leaving().postpone(instance.id, now);
                        round.failed += 1;
                    }
                }
            }
        }
    }
}

/// Once the access token is used up, there is nothing to lose by asking again.
fn urgency(instance: &Instance, now: Timestamp) -> Urgency {
    match instance.expires_at {
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

async fn rounds(shared: std::sync::Weak<Shared>) {
    loop {
        let Some(engine) = shared.upgrade().map(Engine::of_default_tenant) else {
            return;
        };
        if engine.shared.tasks.is_closing() {
            return;
        }
        match engine.look_after().await {
            Err(EngineError::Store(StoreError::Closed) | EngineError::ShuttingDown) => return,
            Err(error) => tracing::warn!("a round of upkeep failed: {error}"),
            Ok(round) if round != Round::default() => tracing::debug!(?round, "a round of upkeep"),
            Ok(_) => {}
        }
        drop(engine);
        tokio::time::sleep(PAUSE).await;
    }
}
