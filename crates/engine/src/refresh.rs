//! Spending a refresh token, without ever losing the one that comes back.
//!
//! On a task of its own, one per instance: `lease` writes lease and intent → one request → `commit` before anyone sees the
//! new token. What comes of the request is one of the closed list of outcomes, and each has its one consequence in `settle`.
//! Where nobody knows what came of it, `recovery` says what may be done.

use tieline_core::descriptor::{Authentication, Rotation};
use tieline_core::{InstanceId, Secret, Timestamp, TokenSet, failpoint};
use tieline_oauth::{Outcome, TokenClient, TokenFailure, Tokens};
use tieline_store::{App, Cause, Instance, Purpose};

use crate::flights::{Flight, FlightEnd, landing};
use crate::lease::Attempt;
use crate::recovery::{Others, Urgency, Verdict, is_replay_ever_safe, verdict};
use crate::{Engine, EngineError, measure, rejected};

/// Everything that one refresh needs to know.
pub(crate) struct Refresh<'a> {
    pub(crate) provider: &'static str,
    pub(crate) app: &'a App,
    pub(crate) client: &'a TokenClient<'a>,
    pub(crate) rotation: Rotation,
    /// Whether new tokens are asked for anew, so that nothing is spent.
    pub(crate) is_anew: bool,
    pub(crate) refresh_token: &'a Secret,
    pub(crate) end: &'a FlightEnd,
}

/// Tokens for the person beside the app, and the instance that they came with.
struct SecondSet {
    beside: Instance,
    tokens: TokenSet,
}

impl Engine {
    /// Brings an instance past the generation that was seen, unless it failed lately and it is too early to try again.
    pub(crate) async fn refresh_if_rested(&self, seen: &Instance) -> Result<Instance, EngineError> {
        self.rested(seen)?;
        self.refresh_past(seen, Urgency::Due).await
    }

    /// Brings an instance past the generation that was seen: by joining the refresh under way, or starting one.
    pub(crate) async fn refresh_past(
        &self,
        seen: &Instance,
        urgency: Urgency,
    ) -> Result<Instance, EngineError> {
        // The flights that were joined may have started from an older generation than ours, or been less urgent.
        for _ in 0..3 {
            landing(self.fly(seen, urgency)?).await?;
            let instance = self.instance(seen.id).load().await?;
            if instance.generation > seen.generation {
                return Ok(instance);
            }
            self.instance(seen.id).usable(&instance)?;
        }
        Err(EngineError::BrokeOff)
    }

    /// Starts a refresh that nobody waits for, if it is not too early.
    pub(crate) fn refresh_meanwhile(&self, seen: &Instance) {
        let started = self
            .rested(seen)
            .and_then(|()| self.fly(seen, Urgency::Soon).map(drop));
        if let Err(error) = started {
            tracing::debug!(instance = %seen.id, "no refresh was started: {error}");
        }
    }

    /// Whether it is not too early for another try.
    ///
    /// # Errors
    /// What came of the last one.
    pub(crate) fn rested(&self, seen: &Instance) -> Result<(), EngineError> {
        let now = self.shared.clock.now();
        if let Some(error) = self.shared.flights.resting(seen, now) {
            return Err(EngineError::Shared(error));
        }
        match rejected::next_try(seen) {
            Some(next) if now < next => Err(EngineError::RejectedLately {
                provider: seen.provider.clone(),
                instance: seen.id,
                rejections: seen.rejections,
                retry_after: next.duration_since(now).try_into().unwrap_or_default(),
            }),
            _ => Ok(()),
        }
    }

    /// Joins the refresh under way, or starts one.
    pub(crate) fn fly(&self, seen: &Instance, urgency: Urgency) -> Result<Flight, EngineError> {
        let (engine, id, generation) = (self.clone(), seen.id, seen.generation);
        self.join_flight(id, generation, move |end| async move {
            let mut second = None;
            let landing = engine
                .refresh_once(id, generation, urgency, &end, &mut second)
                .await;
            match (&landing, urgency) {
                (Err(error), Urgency::Soon) => {
                    tracing::warn!(instance = %id, "refresh failed: {error}")
                }
                (Err(error), Urgency::Due | Urgency::Asked) => {
                    tracing::debug!(instance = %id, "refresh failed: {error}")
                }
                (Ok(()), _) => {}
            }
            let is_gone = matches!(landing, Err(EngineError::NoSuchInstance(_)));
            failpoint::hit("before-wake");
            end.land(landing);
            if let Some(SecondSet { beside, tokens }) = second {
                // Nobody who waits for the first set waits for this one.
                engine.keep_second_set(&beside, tokens, is_gone).await;
            }
        })
    }

    /// One attempt. `Ok` also when somebody else has refreshed meanwhile, or when it is better to wait. A second set that
    /// came along is left in `second`.
    async fn refresh_once(
        &self,
        id: InstanceId,
        generation: i64,
        urgency: Urgency,
        end: &FlightEnd,
        second: &mut Option<SecondSet>,
    ) -> Result<(), EngineError> {
        let instance = self.instance(id).load().await?;
        if instance.generation != generation {
            return Ok(());
        }
        self.instance(id).usable(&instance)?;
        let provider = self.provider(&instance.provider)?;
        let descriptor = provider.descriptor();
        let app = &self.app(instance.app).await?;
        let parameters = self
            .app_parameters(app)
            .await?
            .with_kept(&instance.parameters);
        if urgency != Urgency::Asked {
            self.pass_breaker(app)?;
        }
        let anew = matches!(
            descriptor.authentication,
            Authentication::ClientCredentials(_)
        );
        let store = &self.shared.store;
        let refresh_token = match store.refresh_token(&instance, Purpose::Refresh).await? {
            Some(refresh_token) => refresh_token,
            // Nothing is spent then, but there is still one request at a time.
            None if anew => Secret::new(""),
            None => return self.give_up(&instance, None, Cause::Expired).await,
        };
        let client = &TokenClient::new(
            provider,
            &parameters,
            &self.shared.edge,
            &*self.shared.clock,
        );
        let refresh = Refresh {
            provider: descriptor.id,
            app,
            client,
            rotation: descriptor.oauth2().rotation,
            is_anew: anew,
            refresh_token: &refresh_token,
            end,
        };
        let Some(attempt) = self.take_lease(instance, &refresh, urgency).await? else {
            return Ok(());
        };
        if anew {
            return self.obtain_anew(&refresh, attempt).await;
        }
        self.send(&refresh, attempt, second).await
    }

    pub(crate) fn verdict(
        &self,
        instance: &Instance,
        rotation: &Rotation,
        urgency: Urgency,
        now: Timestamp,
    ) -> Verdict {
        verdict(instance, rotation, urgency, self.others(now), now)
    }

    /// Sends once; and once more where nobody knows what came of that, and asking again can do no harm.
    async fn send(
        &self,
        refresh: &Refresh<'_>,
        attempt: Attempt,
        second: &mut Option<SecondSet>,
    ) -> Result<(), EngineError> {
        let failure = match self.request(refresh, &attempt).await? {
            Ok(tokens) => return self.keep(refresh, attempt, tokens, second).await,
            Err(failure) => failure,
        };
        // In a shutdown there may be no time for another request: the next start asks.
        let may_ask_again = matches!(failure.outcome, Outcome::OutcomeUnknown { .. })
            && is_replay_ever_safe(&refresh.rotation)
            && !self.shared.tasks.is_closing();
        if !may_ask_again {
            return self.settle(refresh, attempt, failure).await;
        }
        self.keep_unreadable(&attempt.instance, &failure).await?;
        // Beginning again makes the first attempt one that ended unknown.
        let (instance, refresh_token) = (&attempt.instance, refresh.refresh_token);
        let Some(again) = self.begin_again(instance, refresh_token).await? else {
            return Ok(());
        };
        let now = again.begun_at();
        // The request in doubt is our own.
        let (rotation, others) = (&refresh.rotation, Others::None);
        if verdict(&again.instance, rotation, Urgency::Soon, others, now) != Verdict::Send {
            let reason = failure.to_string();
            self.leave_uncertain(again, &reason).await?;
            return Err(failure.into());
        }
        tracing::warn!(instance = %again.instance.id, "asking again: {failure}");
        match self.request(refresh, &again).await? {
            Ok(tokens) => self.keep(refresh, again, tokens, second).await,
            Err(failure) => self.settle(refresh, again, failure).await,
        }
    }

    /// One request; not a byte of it where others may have taken this engine for dead.
    async fn request(
        &self,
        refresh: &Refresh<'_>,
        attempt: &Attempt,
    ) -> Result<Result<Tokens, TokenFailure>, EngineError> {
        if !self.is_known_alive() {
            self.abandon(attempt, "nothing was sent").await;
            return Err(EngineError::NotKnownAlive);
        }
        failpoint::hit("before-send");
        let answer = refresh.client.refresh(refresh.refresh_token).await;
        measure::refresh(refresh.provider, &answer);
        Ok(answer)
    }

    /// A second set lives by itself: it is left in `second`.
    async fn keep(
        &self,
        refresh: &Refresh<'_>,
        attempt: Attempt,
        mut tokens: Tokens,
        second: &mut Option<SecondSet>,
    ) -> Result<(), EngineError> {
        *second = tokens.set.user.take().map(|users| SecondSet {
            beside: attempt.instance.clone(),
            tokens: *users,
        });
        self.commit(refresh, attempt, tokens).await
    }

    /// The app is the account: another access token, for nothing that is spent.
    async fn obtain_anew(
        &self,
        refresh: &Refresh<'_>,
        attempt: Attempt,
    ) -> Result<(), EngineError> {
        let answer = refresh.client.client_credentials().await;
        measure::refresh(refresh.provider, &answer);
        let failure = match answer {
            Ok(tokens) => return self.commit(refresh, attempt, tokens).await,
            Err(failure) => failure,
        };
        self.abandon(&attempt, "nothing was spent").await;
        if matches!(failure.outcome, Outcome::AppRefused) {
            return Err(self.app_refused(refresh.app, failure.into()).await);
        }
        Err(failure.into())
    }
}
