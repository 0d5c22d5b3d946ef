//! Requests that a host may send again: each is done once, and whoever sends it again is given the same answer.
//!
//! A request is claimed before it is done, and answered after. Where a process dies in between, nobody knows whether it was done: then
//! it is not done again, and whoever asks is told to look.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tieline_core::Secret;
use tieline_core::clock::saturating_add;
use tieline_store::{Claimed, ClaimedRequest, RepeatableRequest, Store};

use crate::forget::before;
use crate::{Engine, EngineError};

/// How long an answer is kept.
pub const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Nothing that makes anything takes as long: after that, whoever was at work is dead.
const LONGEST_WORK: Duration = Duration::from_secs(15 * 60);
/// When to ask again for what is being done.
const SOON: Duration = Duration::from_secs(1);

/// What came of work that is done once.
#[derive(Debug)]
pub enum Once<T> {
    /// It was done now.
    Done(T),
    /// It had been done before, and this was the answer.
    Again(KeptAnswer),
}

/// An answer, as it is kept.
#[derive(Debug)]
pub struct KeptAnswer {
    /// Its status.
    pub status: u16,
    /// All else.
    pub text: Secret,
}

impl Engine {
    /// Does `work` to its end, whatever becomes of the caller, unless the tenant has had it done before under the same key;
    /// `request_hash` is the SHA-256 of what makes it this work and no other. Where `work` gives nothing to keep, the next
    /// request with its key does it again.
    ///
    /// # Errors
    /// When it is being done now, nobody knows whether it was done, or the key stands for other work; and when the store fails.
    pub async fn once<T: Send + 'static>(
        &self,
        key: &str,
        request_hash: [u8; 32],
        work: impl Future<Output = (T, Option<KeptAnswer>)> + Send + 'static,
    ) -> Result<Once<T>, EngineError> {
        let engine = self.clone();
        let key_hash = Sha256::digest(key.as_bytes()).into();
        self.uninterrupted(async move {
            let claimed = match engine.claim(key_hash, request_hash).await? {
                Ok(claimed) => claimed,
                Err(answer) => return Ok(Once::Again(answer)),
            };
            let (done, answer) = work.await;
            settle(&engine.shared.store, &claimed, answer).await;
            Ok(Once::Done(done))
        })
        .await
    }

    /// The request for whoever is to do it, or its answer.
    async fn claim(
        &self,
        key_hash: [u8; 32],
        request_hash: [u8; 32],
    ) -> Result<Result<ClaimedRequest, KeptAnswer>, EngineError> {
        let (store, now) = (&self.shared.store, self.shared.clock.now());
        let forgotten = before(now, ANSWERS_KEPT);
        let request = RepeatableRequest {
            tenant: &self.tenant,
            key_hash,
            request_hash,
        };
        match store.claim_request(&request, forgotten).await? {
            Claimed::First(claimed) => Ok(Ok(claimed)),
            Claimed::Answered { status, answer } => Ok(Err(KeptAnswer {
                status,
                text: answer,
            })),
            Claimed::UnderWay { since } if saturating_add(since, LONGEST_WORK) < now => {
                Err(EngineError::RequestOutcomeUnknown)
            }
            Claimed::UnderWay { .. } => Err(EngineError::RequestUnderWay { retry_after: SOON }),
            Claimed::OtherRequest => Err(EngineError::OtherRequest),
        }
    }
}

/// What was done can't be undone: where its answer can't be kept, whoever asks again hears that nobody knows.
async fn settle(store: &Store, claimed: &ClaimedRequest, answer: Option<KeptAnswer>) {
    let settled = match answer {
        Some(KeptAnswer { status, text }) => store.keep_answer(claimed, status, &text).await,
        None => store.release_request(claimed).await,
    };
    if let Err(error) = settled {
        tracing::warn!("what came of a request with a key could not be written down: {error}");
    }
}
