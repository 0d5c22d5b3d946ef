//! New tokens are durable before anyone sees them.

use tieline_core::{Secret, failpoint};
use tieline_oauth::{TokenFailure, Tokens};
use tieline_store::{
    CommitRefresh, Committed, Instance, NewQuarantine, QuarantineKind, StoreError,
};

use crate::due::keep_alive_at;
use crate::flights::FlightEnd;
use crate::lease::Attempt;
use crate::patience::Patience;
use crate::refresh::Refresh;
use crate::{Engine, EngineError};

/// After so many tries of a commit those who wait are sent away; the task goes on trying.
const TRIES_BEFORE_DELAY: u32 = 3;

impl Engine {
    /// Writes the new tokens over the generation that was spent, and over no other.
    pub(crate) async fn commit(
        &self,
        refresh: &Refresh<'_>,
        attempt: Attempt,
        tokens: Tokens,
    ) -> Result<(), EngineError> {
        #[cfg(feature = "failpoints")]
        crate::sabotage::show_early(&attempt, &tokens.set.access_token).await;
        let Attempt { instance, number } = attempt;
        for warning in &tokens.warnings {
            tracing::warn!(instance = %instance.id, field = %warning.field, "{}", warning.message);
        }
        let now = self.shared.clock.now();
        let commit = CommitRefresh {
            id: instance.id,
            generation: instance.generation,
            attempt: number,
            keep_alive_at: keep_alive_at(&tokens.set, &refresh.rotation, instance.id, now),
            begun: Some(instance),
            tokens: tokens.set,
            now,
        };
        failpoint::hit("before-commit");
        let committed = self.commit_patiently(&commit, refresh.end).await?;
        failpoint::hit("after-commit");
        match committed {
            Committed::Done(instance) => {
                tracing::info!(instance = %instance.id, generation = instance.generation, "refreshed");
                self.app_taken(refresh.app).await;
                Ok(())
            }
            Committed::MovedOn(now) => {
                // Somebody wrote this generation before us: keep our answer where `tieline doctor` can find it.
                tracing::error!(instance = %now.id, generation = now.generation, "two refreshes of one generation");
                self.conflict(&now, commit.generation, serialized(&commit))
                    .await
            }
            Committed::Gone => {
                // Deleted while we refreshed: the fresh pair must not outlive it. (While it is only being deleted, the
                // commit goes through, and the disconnect that waits for us revokes what it finds.)
                let tokens = &commit.tokens;
                let refresh_token = tokens.refresh_token.as_ref();
                self.revoke_pair(refresh.client, refresh_token, &tokens.access_token)
                    .await?;
                Err(EngineError::NoSuchInstance(commit.id))
            }
        }
    }

    /// Two requests spent one generation's token: what came of the later one is kept, and the instance's events tell of it.
    pub(crate) async fn conflict(
        &self,
        instance: &Instance,
        generation: i64,
        blob: Secret,
    ) -> Result<(), EngineError> {
        self.quarantine(instance, generation, QuarantineKind::Conflict, blob)
            .await
    }

    async fn commit_patiently(
        &self,
        commit: &CommitRefresh,
        end: &FlightEnd,
    ) -> Result<Committed, StoreError> {
        let _changing = self.shared.hot.changing(commit.id);
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

    /// An answer that can't be read may hold tokens that exist nowhere else.
    pub(crate) async fn keep_unreadable(
        &self,
        instance: &Instance,
        failure: &TokenFailure,
    ) -> Result<(), EngineError> {
        let Some(body) = failure.outcome.unreadable() else {
            return Ok(());
        };
        let kind = QuarantineKind::Undecodable;
        self.quarantine(instance, instance.generation, kind, body.duplicate())
            .await
    }

    pub(crate) async fn quarantine(
        &self,
        instance: &Instance,
        generation: i64,
        kind: QuarantineKind,
        blob: Secret,
    ) -> Result<(), EngineError> {
        let mut patience = Patience::new(self, instance.id);
        loop {
            let record = NewQuarantine {
                instance: instance.id,
                tenant: instance.tenant.clone(),
                app: instance.app,
                generation,
                kind,
                blob: blob.duplicate(),
                now: self.shared.clock.now(),
            };
            match self.shared.store.quarantine(record).await {
                Ok(_) => return Ok(()),
                Err(error) => patience.after(error).await?,
            };
        }
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
