//! Requests that may be sent again: each is done once, and its answer is kept for whoever asks again.

use tieline_core::{Secret, Timestamp, random};

use crate::backend::SealedTable;
use crate::seal::{Blob, Place};
use crate::{Purpose, Store, StoreError};

/// A request with a key of the caller's own.
#[derive(Debug, Clone, Copy)]
pub struct RepeatableRequest<'a> {
    /// Who sends it.
    pub tenant: &'a str,
    /// SHA-256 of the key.
    pub key_hash: [u8; 32],
    /// SHA-256 of all that makes it this request and no other.
    pub request_hash: [u8; 32],
}

/// What a request turned out to be.
#[derive(Debug)]
pub enum Claimed {
    /// The first of its key: whoever asked is to do it. Of many at once, one is told so.
    First(ClaimedRequest),
    /// It was answered already.
    Answered {
        /// The status.
        status: u16,
        /// The rest of the answer, as it was kept.
        answer: Secret,
    },
    /// Somebody has been working on it since then, or has died over it.
    UnderWay {
        /// Since when.
        since: Timestamp,
    },
    /// Its key came with another request before.
    OtherRequest,
}

/// A request that is to be done now, and then answered or released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedRequest {
    id: i64,
    tenant: String,
}

/// A claimed request as it stands there.
#[derive(Debug)]
pub(crate) struct ClaimRow {
    pub(crate) id: i64,
    pub(crate) request_hash: [u8; 32],
    pub(crate) status: Option<u16>,
    pub(crate) answer: Option<Blob>,
    pub(crate) created_at: Timestamp,
}

/// How often a row may be gone that stood in the way a moment ago.
const TRIES: u32 = 5;

fn place(tenant: &str, id: i64) -> Place<'_> {
    Place {
        table: SealedTable::Idempotency.name(),
        column: "answer",
        tenant,
        row: id,
        version: 1,
    }
}

impl Store {
    /// Claims a request for whoever asks, unless one of its key was claimed after `forgotten_before`.
    ///
    /// # Errors
    /// The database cannot be written; [`StoreError::Unreadable`] when the answer that was kept does not open.
    pub async fn claim_request(
        &self,
        request: &RepeatableRequest<'_>,
        forgotten_before: Timestamp,
    ) -> Result<Claimed, StoreError> {
        let (id, tenant) = (random::id()?, request.tenant);
        for _ in 0..TRIES {
            let backend = self.backend();
            let claimed = backend.claim_request(id, request, self.now(), forgotten_before);
            if claimed.await? {
                return Ok(first(id, tenant));
            }
            let Some(row) = backend.claimed_request(tenant, &request.key_hash).await? else {
                continue;
            };
            if row.id == id {
                // The database did it and could not say so.
                return Ok(first(id, tenant));
            }
            if row.request_hash != request.request_hash {
                return Ok(Claimed::OtherRequest);
            }
            let (Some(status), Some(blob)) = (row.status, &row.answer) else {
                return Ok(Claimed::UnderWay {
                    since: row.created_at,
                });
            };
            let place = place(tenant, row.id);
            let answer = self.open_text(&place, blob, Purpose::Reveal).await?;
            return Ok(Claimed::Answered { status, answer });
        }
        Err(StoreError::Busy)
    }

    /// Keeps the answer to a claimed request, sealed. The first answer stays.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn keep_answer(
        &self,
        claimed: &ClaimedRequest,
        status: u16,
        answer: &Secret,
    ) -> Result<(), StoreError> {
        let ClaimedRequest { id, tenant } = claimed;
        self.sealing(
            |keyring| keyring.seal(&place(tenant, *id), answer.expose().as_bytes()),
            |blob| self.backend().keep_answer(*id, tenant, status, blob),
        )
        .await
    }

    /// Lets go of a claimed request that has no answer: the next of its key is the first again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn release_request(&self, claimed: &ClaimedRequest) -> Result<(), StoreError> {
        let ClaimedRequest { id, tenant } = claimed;
        self.backend().release_request(*id, tenant).await
    }

    /// Forgets requests, of whatever tenant, that were claimed before an instant; returns how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn purge_requests(&self, claimed_before: Timestamp) -> Result<u64, StoreError> {
        self.backend().purge_requests(claimed_before).await
    }
}

fn first(id: i64, tenant: &str) -> Claimed {
    Claimed::First(ClaimedRequest {
        id,
        tenant: tenant.to_owned(),
    })
}
