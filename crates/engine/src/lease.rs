//! The right to spend a refresh token, on disk before the first byte is sent; or waiting for whoever has it.

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tieline_core::clock::saturating_add;
use tieline_core::{Secret, Timestamp, failpoint, random};
use tieline_store::{BeginRefresh, Begun, Instance};

use crate::heartbeat::in_touch;
use crate::recovery::{Urgency, Verdict};
use crate::refresh::Refresh;
use crate::{Engine, EngineError};

/// Between looks at what another process does: doubled each time, …
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// … up to this.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// What to tell whoever waited in vain.
const COME_BACK_IN: Duration = Duration::from_secs(5);

/// One attempt to refresh: the instance as it stood when lease and intent were written, and the number of that intent.
pub(crate) struct Attempt {
    pub(crate) instance: Instance,
    pub(crate) number: i64,
}

/// What is done about an attempt in doubt.
enum Judged {
    /// Ask the provider again.
    Begin,
    /// Leave it as it is.
    Leave,
    /// Whoever made it may be about to write its answer.
    Hear,
}

impl Attempt {
    /// Whether an earlier attempt of this generation ended without a known outcome.
    pub(crate) fn is_second_try(&self) -> bool {
        self.instance
            .intent
            .as_ref()
            .is_some_and(|intent| intent.uncertain)
    }

    /// When it was begun, by the clock that leases go by.
    pub(crate) fn begun_at(&self) -> Timestamp {
        self.instance
            .intent
            .as_ref()
            .map_or(Timestamp::MAX, |intent| intent.at)
    }
}

impl Engine {
    /// Lease and intent, in one durable statement, before the first byte is sent. If the store can't write, nothing is
    /// sent. While another process refreshes the instance, waits for that. Where an earlier attempt is in doubt, nothing is written
    /// before it is judged. `None`: the instance has moved on, or it is better to wait.
    pub(crate) async fn take_lease(
        &self,
        instance: Instance,
        refresh: &Refresh<'_>,
        urgency: Urgency,
    ) -> Result<Option<Attempt>, EngineError> {
        let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
        // Where nothing is spent, nothing can be in doubt.
        let mut in_doubt = refresh.is_anew;
        loop {
            if self.shared.tasks.is_closing() {
                return Err(EngineError::ShuttingDown);
            }
            let number = random::id()?;
            let begun = self.begin(&instance, number, refresh.refresh_token, in_doubt);
            match begun.await? {
                Begun::Taken(instance) => return Ok(Some(Attempt { instance, number })),
                Begun::Moved(_) => return Ok(None),
                Begun::Gone => return Err(EngineError::NoSuchInstance(instance.id)),
                Begun::InDoubt(doubtful) => match self.judge(&doubtful, refresh, urgency).await? {
                    Judged::Begin => {
                        in_doubt = true;
                        continue;
                    }
                    Judged::Leave => return Ok(None),
                    Judged::Hear => {}
                },
                Begun::Leased(_) if started.elapsed() < self.shared.lease => in_doubt = false,
                Begun::Leased(_) => {
                    return Err(EngineError::RefreshInProgress {
                        instance: instance.id,
                        retry_after: COME_BACK_IN,
                    });
                }
            }
            tokio::time::sleep(jittered(pause, number)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What to do about an attempt that is in doubt, and nobody's any more.
    async fn judge(
        &self,
        doubtful: &Instance,
        refresh: &Refresh<'_>,
        urgency: Urgency,
    ) -> Result<Judged, EngineError> {
        let store = &self.shared.store;
        // By the clock that says since when.
        let now = store.database_clock().await?;
        let now = now.unwrap_or_else(|| self.shared.clock.now());
        match self.verdict(doubtful, &refresh.rotation, urgency, now) {
            Verdict::Send => Ok(Judged::Begin),
            Verdict::NotBefore(_) if urgency == Urgency::Soon => Ok(Judged::Leave),
            Verdict::NotBefore(then) if then <= saturating_add(now, in_touch()) => Ok(Judged::Hear),
            Verdict::NotBefore(then) => Err(EngineError::RefreshInProgress {
                instance: doubtful.id,
                retry_after: then.duration_since(now).try_into().unwrap_or_default(),
            }),
            Verdict::Wait => {
                let unended = doubtful.intent.as_ref().filter(|_| !doubtful.uncertain);
                if let Some(intent) = unended {
                    let (id, generation) = (doubtful.id, intent.generation);
                    let reason = "an earlier attempt ended without a known outcome; the access token is used while it lives";
                    store
                        .call_uncertain(id, intent.attempt, generation, reason)
                        .await?;
                }
                Ok(Judged::Leave)
            }
        }
    }

    /// Begins once more what this engine has the lease for. `None`: it has it no longer.
    pub(crate) async fn begin_again(
        &self,
        instance: &Instance,
        refresh_token: &Secret,
    ) -> Result<Option<Attempt>, EngineError> {
        let number = random::id()?;
        match self.begin(instance, number, refresh_token, true).await? {
            Begun::Taken(instance) => Ok(Some(Attempt { instance, number })),
            Begun::Moved(_) | Begun::Gone | Begun::Leased(_) | Begun::InDoubt(_) => Ok(None),
        }
    }

    async fn begin(
        &self,
        instance: &Instance,
        attempt: i64,
        refresh_token: &Secret,
        in_doubt: bool,
    ) -> Result<Begun, EngineError> {
        self.keep_beating().await?;
        if failpoint::is_sabotaged("skip-intent") {
            return Ok(Begun::Taken(instance.clone()));
        }
        let begin = BeginRefresh {
            id: instance.id,
            generation: instance.generation,
            owner: self.shared.owner.clone(),
            attempt,
            token_hash: Sha256::digest(refresh_token.expose().as_bytes()).into(),
            lease: self.shared.lease,
            in_doubt,
            seen: Some(instance.clone()),
        };
        let begun = match self.shared.store.begin_refresh(begin).await {
            Ok(begun) => begun,
            Err(error) => {
                // It may have been written all the same, and nothing is sent: without this it would count as sent.
                let _ = self
                    .shared
                    .store
                    .abandon_refresh(instance.id, attempt)
                    .await;
                return Err(error.into());
            }
        };
        failpoint::hit("after-lease");
        match begun {
            Begun::Leased(instance) if failpoint::is_sabotaged("no-lease") => {
                Ok(Begun::Taken(instance))
            }
            begun => Ok(begun),
        }
    }
}

/// Between half and all of it, so that processes that began to wait together don't ask together.
fn jittered(pause: Duration, number: i64) -> Duration {
    let part = u32::try_from(number % 256).unwrap_or_default();
    pause / 2 + pause / 2 * part / 255
}
