//! Spending a refresh token, without ever losing the one that comes back.
//!
//! On a task of its own, one per instance: intent on disk → one request → commit before anyone sees the new token. What
//! comes of the request is one of the closed list of outcomes, and each has its one consequence here.
//!
//! Heartbeats, recovery by other processes, the app's breaker, and giving up after a number of rejections join here with
//! the store that several processes share.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tieline_core::descriptor::Authentication;
use tieline_core::{InstanceId, Secret, TokenSet, random};
use tieline_oauth::{Outcome, TokenClient, TokenFailure, Tokens};
use tieline_store::{
    BeginRefresh, Begun, Cause, CommitRefresh, Committed, Instance, NewQuarantine, Purpose,
    QuarantineKind, StoreError,
};

use crate::flights::{Flight, FlightEnd, landing};
use crate::patience::Patience;
use crate::{Engine, EngineError};

/// After so many tries of a commit those who wait are sent away; the task goes on trying.
const TRIES_BEFORE_DELAY: u32 = 3;

/// Whether anybody hears how a refresh ends.
#[derive(Clone, Copy)]
enum Waiting {
    Somebody,
    Nobody,
}

/// One refresh: the instance as it stood when lease and intent were written, and the number of that intent.
struct Attempt {
    instance: Instance,
    number: i64,
}

/// Tokens for the person beside the app, and the instance that they came with.
struct SecondSet {
    beside: Instance,
    tokens: TokenSet,
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
    /// Brings an instance past the generation that was seen, unless it failed lately and it is too early to try again.
    pub(crate) async fn refresh_if_rested(&self, seen: &Instance) -> Result<Instance, EngineError> {
        match self
            .shared
            .flights
            .resting(seen.id, self.shared.clock.now())
        {
            Some(error) => Err(EngineError::Shared(error)),
            None => self.refresh_past(seen).await,
        }
    }

    /// Brings an instance past the generation that was seen: by joining the refresh under way, or starting one.
    pub(crate) async fn refresh_past(&self, seen: &Instance) -> Result<Instance, EngineError> {
        // The flight that was joined may have started from an older generation than ours; the second one can't have.
        for _ in 0..2 {
            landing(self.fly(seen, Waiting::Somebody)?).await?;
            let instance = self.instance(seen.id).load().await?;
            if instance.generation > seen.generation {
                return Ok(instance);
            }
        }
        Err(EngineError::BrokeOff)
    }

    /// Starts a refresh that nobody waits for, if it is not too early.
    pub(crate) fn refresh_meanwhile(&self, seen: &Instance) {
        if self
            .shared
            .flights
            .resting(seen.id, self.shared.clock.now())
            .is_some()
        {
            return;
        }
        if let Err(error) = self.fly(seen, Waiting::Nobody) {
            tracing::debug!(instance = %seen.id, "no refresh was started: {error}");
        }
    }

    fn fly(&self, seen: &Instance, waiting: Waiting) -> Result<Flight, EngineError> {
        let (engine, id, generation) = (self.clone(), seen.id, seen.generation);
        self.join_flight(id, move |end| async move {
            let mut second = None;
            let landing = engine.refresh_once(id, generation, &end, &mut second).await;
            match (&landing, waiting) {
                (Err(error), Waiting::Nobody) => {
                    tracing::warn!(instance = %id, "refresh failed: {error}")
                }
                (Err(error), Waiting::Somebody) => {
                    tracing::debug!(instance = %id, "refresh failed: {error}")
                }
                (Ok(()), _) => {}
            }
            let is_gone = matches!(landing, Err(EngineError::NoSuchInstance(_)));
            end.land(landing);
            if let Some(SecondSet { beside, tokens }) = second {
                // Nobody who waits for the first set waits for this one.
                engine.keep_second_set(&beside, tokens, is_gone).await;
            }
        })
    }

    /// One attempt. `Ok` also when somebody else has refreshed meanwhile. A second set that came along is left in `second`.
    async fn refresh_once(
        &self,
        id: InstanceId,
        generation: i64,
        end: &FlightEnd,
        second: &mut Option<SecondSet>,
    ) -> Result<(), EngineError> {
        let instance = self.instance(id).load().await?;
        if instance.generation != generation {
            return Ok(());
        }
        self.instance(id).usable(&instance)?;
        let provider = self.provider(&instance.provider)?;
        let parameters = self.instance_parameters(&instance).await?;
        let anew = matches!(
            provider.descriptor().authentication,
            Authentication::ClientCredentials(_)
        );
        let store = &self.shared.store;
        let refresh_token = match store.refresh_token(&instance, Purpose::Refresh).await? {
            Some(refresh_token) => refresh_token,
            // Nothing is spent then, but there is still one request at a time.
            None if anew => Secret::new(""),
            None => return self.give_up(&instance, Cause::Expired).await,
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
        if anew {
            return match client.client_credentials().await {
                Ok(tokens) => self.commit(&client, attempt, tokens, end).await,
                Err(failure) => {
                    let id = attempt.instance.id;
                    store.abandon_refresh(id, attempt.number).await?;
                    Err(failure.into())
                }
            };
        }
        match client.refresh(&refresh_token).await {
            Ok(mut tokens) => {
                *second = tokens.set.user.take().map(|users| SecondSet {
                    beside: attempt.instance.clone(),
                    tokens: *users,
                });
                self.commit(&client, attempt, tokens, end).await
            }
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
        let begun = self
            .shared
            .store
            .begin_refresh(BeginRefresh {
                id: instance.id,
                generation: instance.generation,
                owner: self.shared.owner.clone(),
                attempt: number,
                token_hash: Sha256::digest(refresh_token.expose().as_bytes()).into(),
                lease: self.shared.lease,
            })
            .await?;
        match begun {
            Begun::Taken(instance) => Ok(Some(Attempt { instance, number })),
            Begun::Moved(_) => Ok(None),
            Begun::Leased(instance) => Err(EngineError::RefreshInProgress {
                instance: instance.id,
                retry_after: Duration::from_secs(1),
            }),
            Begun::Gone => Err(EngineError::NoSuchInstance(instance.id)),
        }
    }

    /// The new tokens, durable before anyone sees them.
    async fn commit(
        &self,
        client: &TokenClient<'_>,
        attempt: Attempt,
        tokens: Tokens,
        end: &FlightEnd,
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
            keep_alive_at: None,
            now: self.shared.clock.now(),
        };
        match self.commit_patiently(&commit, end).await? {
            Committed::Done(instance) => {
                tracing::info!(instance = %instance.id, generation = instance.generation, "refreshed");
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
                // Deleted while we refreshed: the fresh pair must not outlive it. (While it is only being deleted, the
                // commit goes through, and the disconnect that waits for us revokes what it finds.)
                self.revoke_pair(
                    client,
                    commit.tokens.refresh_token.as_ref(),
                    &commit.tokens.access_token,
                )
                .await?;
                Err(EngineError::NoSuchInstance(commit.id))
            }
        }
    }

    async fn commit_patiently(
        &self,
        commit: &CommitRefresh,
        end: &FlightEnd,
    ) -> Result<Committed, StoreError> {
        let mut patience = Patience::new(self, commit.id);
        loop {
            match self.shared.store.commit_refresh(commit).await {
                Ok(committed) => return Ok(committed),
                Err(error) => {
                    let reason = error.to_string();
                    if patience.after(error).await? == TRIES_BEFORE_DELAY {
                        end.delay(EngineError::NotWrittenYet {
                            instance: commit.id,
                            reason,
                        });
                    }
                }
            }
        }
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
                self.give_up(&instance, cause).await
            }
            Outcome::OutcomeUnknown { unreadable } => {
                store
                    .leave_uncertain(
                        instance.id,
                        number,
                        instance.generation,
                        &failure.to_string(),
                    )
                    .await?;
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
                Err(failure.into())
            }
        }
    }

    /// Only a person can help now, unless one already has: then there is nothing to give up.
    pub(crate) async fn give_up(
        &self,
        instance: &Instance,
        cause: Cause,
    ) -> Result<(), EngineError> {
        let store = &self.shared.store;
        let Some(now) = store
            .require_reconnect(instance.id, instance.generation, cause)
            .await?
        else {
            return Err(EngineError::NoSuchInstance(instance.id));
        };
        if now.generation != instance.generation {
            return Ok(());
        }
        self.instance(instance.id).usable(&now)
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
