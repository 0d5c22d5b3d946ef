//! What comes of a refresh that brought no tokens: each outcome of the closed list has its one consequence.

use tieline_core::Secret;
use tieline_core::descriptor::OnReuse;
use tieline_oauth::{Outcome, TokenFailure};
use tieline_store::{Cause, Instance, QuarantineKind};

use crate::lease::Attempt;
use crate::refresh::Refresh;
use crate::{Engine, EngineError, rejected};

impl Engine {
    /// The consequence of each outcome that is not a set of tokens.
    pub(crate) async fn settle(
        &self,
        refresh: &Refresh<'_>,
        attempt: Attempt,
        failure: TokenFailure,
    ) -> Result<(), EngineError> {
        let (id, number) = (attempt.instance.id, attempt.number);
        let store = &self.shared.store;
        match &failure.outcome {
            Outcome::NotSent | Outcome::Busy { .. } => {
                store.abandon_refresh(id, number).await?;
                Err(failure.into())
            }
            Outcome::AppRefused => {
                store.abandon_refresh(id, number).await?;
                Err(self.app_refused(refresh.app, failure.into()).await)
            }
            Outcome::Rejected => self.rejected(refresh, attempt, failure).await,
            Outcome::Dead => self.dead(refresh, attempt).await,
            Outcome::OutcomeUnknown { .. } => {
                let reason = failure.to_string();
                let instance = attempt.instance.clone();
                self.leave_uncertain(attempt, &reason).await?;
                self.keep_unreadable(&instance, &failure).await?;
                Err(failure.into())
            }
        }
    }

    /// The refresh token is dead: only a person can help, unless the instance has moved on meanwhile.
    async fn dead(&self, refresh: &Refresh<'_>, attempt: Attempt) -> Result<(), EngineError> {
        self.app_taken(refresh.app).await;
        let instance = &attempt.instance;
        let now = self.instance(instance.id).load().await?;
        if now.generation != instance.generation {
            return self.came_too_late(refresh, instance).await;
        }
        let expired = instance
            .refresh_expires_at
            .is_some_and(|at| at <= self.shared.clock.now());
        let cause = if attempt.is_second_try() {
            Cause::LostResponse
        } else if expired {
            Cause::Expired
        } else if self.shared.store.is_contested(instance.id).await? {
            Cause::Conflict
        } else {
            Cause::Revoked
        };
        self.give_up(instance, cause).await
    }

    /// The token was spent by somebody else, who has stored what came of it: where a provider revokes everything on reuse, this
    /// request may have ended that too, and whoever finds out is to know why.
    async fn came_too_late(
        &self,
        refresh: &Refresh<'_>,
        instance: &Instance,
    ) -> Result<(), EngineError> {
        if refresh.rotation.on_reuse == OnReuse::RevokesFamily {
            tracing::error!(instance = %instance.id, generation = instance.generation, "two refreshes of one generation, of which one was refused");
            self.quarantine(
                instance,
                instance.generation,
                QuarantineKind::Conflict,
                Secret::new("{}"),
            )
            .await?;
        }
        Ok(())
    }

    /// Nobody can tell whose fault it is: the app's, where others are rejected too; else tried again over a day, and then
    /// a person is asked.
    async fn rejected(
        &self,
        refresh: &Refresh<'_>,
        attempt: Attempt,
        failure: TokenFailure,
    ) -> Result<(), EngineError> {
        let (id, number) = (attempt.instance.id, attempt.number);
        if self.is_the_apps(refresh.app, id) {
            self.shared.store.abandon_refresh(id, number).await?;
            return Err(self.app_refused(refresh.app, failure.into()).await);
        }
        match self.shared.store.count_rejection(id, number).await? {
            Some(instance) if rejected::is_enough(&instance, self.shared.clock.now()) => {
                self.give_up(&instance, Cause::Rejected).await
            }
            _ => Err(failure.into()),
        }
    }

    /// The lease goes, and the doubt stays.
    pub(crate) async fn leave_uncertain(
        &self,
        attempt: Attempt,
        reason: &str,
    ) -> Result<(), EngineError> {
        let Attempt { instance, number } = attempt;
        let store = &self.shared.store;
        Ok(store
            .leave_uncertain(instance.id, number, instance.generation, reason)
            .await?)
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
}
