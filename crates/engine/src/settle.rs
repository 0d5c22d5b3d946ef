//! What comes of a refresh that brought no tokens: each outcome of the closed list has its one consequence.

use tieline_core::Secret;
use tieline_core::descriptor::OnReuse;
use tieline_oauth::{Outcome, TokenFailure};
use tieline_store::{Cause, Instance};

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
        match &failure.outcome {
            Outcome::NotSent | Outcome::Busy { .. } => {
                self.abandon(&attempt, &failure.to_string()).await;
                Err(failure.into())
            }
            Outcome::AppRefused => {
                self.abandon(&attempt, &failure.to_string()).await;
                Err(self.app_refused(refresh.app, failure.into()).await)
            }
            Outcome::Rejected => self.rejected(refresh, attempt, failure).await,
            Outcome::Dead => self.dead(refresh, attempt).await,
            Outcome::OutcomeUnknown { .. } => {
                // The answer first: it may hold the one copy of a token.
                self.keep_unreadable(&attempt.instance, &failure).await?;
                self.leave_uncertain(attempt, &failure.to_string()).await?;
                Err(failure.into())
            }
        }
    }

    /// Ends an attempt that spent nothing. What is in doubt since an earlier attempt stays in doubt. If it can't be written,
    /// what the provider said is still what counts: the attempt is then taken for one whose outcome is unknown.
    pub(crate) async fn abandon(&self, attempt: &Attempt, reason: &str) {
        let Attempt { instance, number } = attempt;
        let store = &self.shared.store;
        let ended = if attempt.is_second_try() {
            let (id, generation) = (instance.id, instance.generation);
            store.leave_uncertain(id, *number, generation, reason).await
        } else {
            store.abandon_refresh(instance.id, *number).await
        };
        if let Err(error) = ended {
            tracing::warn!(instance = %instance.id, "the end of an attempt could not be written: {error}");
        }
    }

    /// The refresh token is dead: only a person can help, unless the instance has moved on meanwhile.
    async fn dead(&self, refresh: &Refresh<'_>, attempt: Attempt) -> Result<(), EngineError> {
        self.app_taken(refresh.app).await;
        let instance = &attempt.instance;
        let now = self.instance(instance.id).load().await?;
        if now.generation != instance.generation {
            return self.came_too_late(refresh, &attempt).await;
        }
        let expired = instance
            .refresh_expires_at
            .is_some_and(|at| at <= self.shared.clock.now());
        let cause = if attempt.is_second_try() || now.uncertain {
            Cause::LostResponse
        } else if expired {
            Cause::Expired
        } else if refresh.rotation.on_reuse == OnReuse::RevokesFamily
            && self.shared.store.is_contested(instance.id).await?
        {
            Cause::Conflict
        } else {
            Cause::Revoked
        };
        self.give_up(instance, Some(attempt.number), cause).await
    }

    /// The token was spent by somebody else, who has stored what came of it: where a provider revokes everything on reuse, this
    /// request may have ended that too, and whoever finds out is to know why.
    async fn came_too_late(
        &self,
        refresh: &Refresh<'_>,
        attempt: &Attempt,
    ) -> Result<(), EngineError> {
        let instance = &attempt.instance;
        let store = &self.shared.store;
        if let Err(error) = store.abandon_refresh(instance.id, attempt.number).await {
            tracing::warn!(instance = %instance.id, "a lease could not be given back: {error}");
        }
        if refresh.rotation.on_reuse == OnReuse::RevokesFamily {
            tracing::error!(instance = %instance.id, generation = instance.generation, "two refreshes of one generation, of which one was refused");
            return self
                .conflict(instance, instance.generation, Secret::new("{}"))
                .await;
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
        let counted = {
            let _changing = self.shared.hot.changing(id);
            self.shared.store.count_rejection(id, number).await?
        };
        // What was imported and never taken says nothing of the app: whoever imports may have typed anything.
        if !rejected::is_unproven(&attempt.instance) && self.is_the_apps(refresh.app, id) {
            return Err(self.app_refused(refresh.app, failure.into()).await);
        }
        match counted {
            Some(instance) if rejected::is_enough(&instance, self.shared.clock.now()) => {
                let cause = if instance.uncertain {
                    Cause::LostResponse
                } else {
                    Cause::Rejected
                };
                self.give_up(&instance, None, cause).await
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

    /// Only a person can help now, unless one already has, or another attempt is under way: then there is nothing to give up.
    pub(crate) async fn give_up(
        &self,
        instance: &Instance,
        attempt: Option<i64>,
        cause: Cause,
    ) -> Result<(), EngineError> {
        let store = &self.shared.store;
        let _changing = self.shared.hot.changing(instance.id);
        let Some(now) = store
            .require_reconnect(instance.id, instance.generation, attempt, cause)
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
