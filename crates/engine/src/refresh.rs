//! Spending a refresh token, without ever losing the one that comes back.
//!
//! On a task of its own, one per instance: intent on disk → one request → commit before anyone sees the new token. What
//! comes of the request is one of the closed list of outcomes, and each has its one consequence here.
//!
//! Heartbeats, recovery by other processes and the app's breaker join here with the store that several processes share.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tieline_core::clock::saturating_add;
use tieline_core::{InstanceId, Parameters, ProviderSetup, Secret, random};
use tieline_oauth::{Outcome, TokenClient, TokenFailure, Tokens};
use tieline_store::{
    BeginRefresh, Begun, Cause, CommitRefresh, Committed, Instance, NewQuarantine, Purpose,
    QuarantineKind, StoreError,
};

use crate::engine::LEASE;
use crate::flights::{FlightEnd, landing};
use crate::{Engine, EngineError};

/// How often a commit is tried while the answer is in our hands: 50 ms, doubled each time, about six seconds in all.
const COMMIT_ATTEMPTS: u32 = 7;
const FIRST_COMMIT_PAUSE: Duration = Duration::from_millis(50);

/// One refresh: the instance as it stood when lease and intent were written, and the number of that intent.
struct Attempt {
    instance: Instance,
    number: i64,
}

impl Attempt {
    /// Whether an earlier attempt of this generation ended without a known outcome.
    fn is_second_try(&self) -> bool {
        self.instance
            .intent
            .as_ref()
            .is_some_and(|intent| intent.uncertain)
    }
}

impl Engine {
    /// Brings an instance past the generation that was seen: by joining the refresh under way, or starting one.
    pub(crate) async fn refresh_past(&self, seen: &Instance) -> Result<Instance, EngineError> {
        // The flight that was joined may have started from an older generation than ours; the second one can't have.
        for _ in 0..2 {
            let flight = self.fly(seen.id, seen.generation)?;
            landing(seen.id, flight).await?;
            let instance = self.instance(seen.id).load().await?;
            if instance.generation > seen.generation {
                return Ok(instance);
            }
        }
        Err(EngineError::RefreshBrokeOff(seen.id))
    }

    /// Starts a refresh that nobody waits for. Its failure is told by the next one.
    pub(crate) fn refresh_meanwhile(&self, seen: &Instance) {
        if let Err(error) = self.fly(seen.id, seen.generation) {
            tracing::debug!(instance = %seen.id, "no refresh was started: {error}");
        }
    }

    fn fly(
        &self,
        id: InstanceId,
        generation: i64,
    ) -> Result<tokio::sync::watch::Receiver<Option<crate::flights::Landing>>, EngineError> {
        let engine = self.clone();
        self.shared
            .flights
            .join(self, id, move |end: FlightEnd| async move {
                let landing = engine.refresh_once(id, generation).await;
                if let Err(error) = &landing {
                    tracing::warn!(instance = %id, "refresh failed: {error}");
                }
                end.land(landing.map_err(Arc::new));
            })
    }

    /// One attempt. `Ok` also when somebody else has refreshed meanwhile.
    async fn refresh_once(&self, id: InstanceId, generation: i64) -> Result<(), EngineError> {
        let instance = self.instance(id).load().await?;
        if instance.generation != generation {
            return Ok(());
        }
        self.instance(id).usable(&instance)?;
        let app = self.app(instance.app).await?;
        let provider = self.provider(&instance.provider)?;
        let parameters = self.app_parameters(&app).await?;
        let Some(refresh_token) = self
            .shared
            .store
            .refresh_token(&instance, Purpose::Refresh)
            .await?
        else {
            return Err(self.give_up(&instance, Cause::Expired).await?);
        };
        let Some(attempt) = self.write_intent(instance, &refresh_token).await? else {
            return Ok(());
        };
        let client = TokenClient::new(
            provider,
            &parameters,
            &self.shared.edge,
            &*self.shared.clock,
        );
        match client.refresh(&refresh_token).await {
            Ok(tokens) => self.commit(provider, &parameters, attempt, tokens).await,
            Err(failure) => self.settle(attempt, failure).await,
        }
    }

    /// Lease and intent, in one durable statement, before the first byte is sent. If the store can't write, nothing is
    /// sent. `None`: somebody else has moved the instance on.
    async fn write_intent(
        &self,
        instance: Instance,
        refresh_token: &Secret,
    ) -> Result<Option<Attempt>, EngineError> {
        let number = random::id()?;
        let now = self.shared.clock.now();
        let begun = self
            .shared
            .store
            .begin_refresh(BeginRefresh {
                id: instance.id,
                generation: instance.generation,
                owner: self.shared.owner.clone(),
                attempt: number,
                token_hash: Sha256::digest(refresh_token.expose().as_bytes()).into(),
                lease_until: saturating_add(now, LEASE),
                now,
            })
            .await?;
        match begun {
            Begun::Taken(instance) => Ok(Some(Attempt { instance, number })),
            Begun::Moved(_) => Ok(None),
            Begun::Leased { until } => Err(EngineError::RefreshInProgress {
                instance: instance.id,
                retry_after: Duration::try_from(until.duration_since(now)).unwrap_or_default(),
            }),
            Begun::Gone => Err(EngineError::NoSuchInstance(instance.id)),
        }
    }

    /// The new tokens, durable before anyone sees them.
    async fn commit(
        &self,
        provider: &dyn ProviderSetup,
        parameters: &Parameters,
        attempt: Attempt,
        tokens: Tokens,
    ) -> Result<(), EngineError> {
        let Attempt { instance, number } = attempt;
        for warning in &tokens.warnings {
            tracing::warn!(instance = %instance.id, field = %warning.field, "{}", warning.message);
        }
        let commit = CommitRefresh {
            id: instance.id,
            generation: instance.generation,
            attempt: number,
            tokens: tokens.set,
            now: self.shared.clock.now(),
        };
        match self.commit_patiently(&commit).await? {
            Committed::Done(instance) => {
                tracing::info!(instance = %instance.id, generation = instance.generation, "refreshed");
                self.note(
                    &instance,
                    "instance.refreshed",
                    serde_json::json!({ "generation": instance.generation }),
                )
                .await;
                Ok(())
            }
            Committed::MovedOn(now) => {
                // Somebody wrote this generation before us: keep our answer where `tieline doctor` can find it.
                tracing::error!(instance = %now.id, generation = now.generation, "two refreshes of one generation");
                let blob = serialized(&commit);
                self.quarantine(&now, commit.generation, QuarantineKind::Conflict, blob)
                    .await
            }
            Committed::Gone => {
                // Deleted while we refreshed: the fresh pair must not outlive it.
                let client =
                    TokenClient::new(provider, parameters, &self.shared.edge, &*self.shared.clock);
                self.revoke_pair(
                    &client,
                    commit.tokens.refresh_token.as_ref(),
                    &commit.tokens.access_token,
                )
                .await?;
                Err(EngineError::NoSuchInstance(commit.id))
            }
        }
    }

    async fn commit_patiently(&self, commit: &CommitRefresh) -> Result<Committed, StoreError> {
        let mut pause = FIRST_COMMIT_PAUSE;
        for _ in 1..COMMIT_ATTEMPTS {
            match self.shared.store.commit_refresh(commit).await {
                Err(error) if error.is_transient() => {
                    tracing::error!(instance = %commit.id, "rotated tokens can't be written yet: {error}");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                settled => return settled,
            }
        }
        self.shared.store.commit_refresh(commit).await
    }

    /// The consequence of each outcome that is not a set of tokens.
    async fn settle(&self, attempt: Attempt, failure: TokenFailure) -> Result<(), EngineError> {
        let uncertain = attempt.is_second_try();
        let Attempt { instance, number } = attempt;
        let store = &self.shared.store;
        match &failure.outcome {
            Outcome::NotSent | Outcome::Busy { .. } | Outcome::AppRefused | Outcome::Rejected => {
                store.abandon_refresh(instance.id, number).await?;
                Err(failure.into())
            }
            Outcome::Dead => {
                let now = self.instance(instance.id).load().await?;
                if now.generation != instance.generation {
                    return Ok(());
                }
                let expired = instance
                    .refresh_expires_at
                    .is_some_and(|at| at <= self.shared.clock.now());
                let cause = match (uncertain, expired) {
                    (true, _) => Cause::LostResponse,
                    (false, true) => Cause::Expired,
                    (false, false) => Cause::Revoked,
                };
                Err(self.give_up(&instance, cause).await?)
            }
            Outcome::OutcomeUnknown { unreadable } => {
                if let Some(body) = unreadable {
                    let blob = body.duplicate();
                    self.quarantine(
                        &instance,
                        instance.generation,
                        QuarantineKind::Undecodable,
                        blob,
                    )
                    .await?;
                }
                store
                    .leave_uncertain(instance.id, number, instance.generation)
                    .await?;
                self.note(
                    &instance,
                    "instance.refresh_uncertain",
                    serde_json::json!({ "generation": instance.generation, "reason": failure.to_string() }),
                )
                .await;
                Err(failure.into())
            }
        }
    }

    /// Only a person can help now. Returns the error that says so.
    async fn give_up(&self, instance: &Instance, cause: Cause) -> Result<EngineError, EngineError> {
        self.shared
            .store
            .require_reconnect(instance.id, instance.generation, cause)
            .await?;
        self.note(
            instance,
            "instance.reconnect_required",
            serde_json::json!({ "cause": cause }),
        )
        .await;
        Ok(EngineError::ReconnectRequired {
            provider: instance.provider.clone(),
            instance: instance.id,
            cause: Some(cause),
        })
    }

    async fn quarantine(
        &self,
        instance: &Instance,
        generation: i64,
        kind: QuarantineKind,
        blob: Secret,
    ) -> Result<(), EngineError> {
        let record = NewQuarantine {
            instance: instance.id,
            tenant: instance.tenant.clone(),
            generation,
            kind,
            blob,
            now: self.shared.clock.now(),
        };
        self.shared.store.quarantine(record).await?;
        Ok(())
    }
}

/// A token pair as text, on its way into a sealed record and nowhere else.
fn serialized(commit: &CommitRefresh) -> Secret {
    let tokens = &commit.tokens;
    Secret::new(
        serde_json::json!({
            "access_token": tokens.access_token.expose(),
            "refresh_token": tokens.refresh_token.as_ref().map(Secret::expose),
        })
        .to_string(),
    )
}
