//! What stands between a request and an instance: authorizations, parked ones, links, and requests that may be sent again.

use async_trait::async_trait;
use tieline_core::{AuthorizationId, LinkId, Timestamp};

use crate::idempotency::ClaimRow;
use crate::parked::ParkedBlobs;
use crate::seal::Blob;
use crate::{
    Link, NewAuthorization, NewLink, NewParked, RepeatableRequest, StoreError, TakenAuthorization,
    UnderWay,
};

/// Authorizations.
#[async_trait]
pub(crate) trait AuthorizationRows {
    async fn insert_authorization(
        &self,
        id: i64,
        new: &NewAuthorization,
        verifier: Option<Blob>,
        created_at: Timestamp,
    ) -> Result<(), StoreError>;
    async fn authorization(&self, state_hash: &[u8; 32]) -> Result<Option<UnderWay>, StoreError>;
    /// Removes and returns it in one statement: of many takers exactly one gets it.
    async fn take_authorization(
        &self,
        state_hash: &[u8; 32],
    ) -> Result<Option<(TakenAuthorization, Option<Blob>)>, StoreError>;
    async fn purge_authorizations(&self, expired_before: Timestamp) -> Result<u64, StoreError>;
}

/// What stands between the front channel and an instance: parked authorizations and links.
#[async_trait]
pub(crate) trait FrontDoorRows {
    async fn insert_parked(
        &self,
        new: &NewParked<'_>,
        blobs: ParkedBlobs,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Removes and returns it in one statement: of many takers exactly one gets it.
    async fn take_parked(
        &self,
        tenant: &str,
        id: AuthorizationId,
        ticket_hash: &[u8; 32],
    ) -> Result<Option<(TakenAuthorization, ParkedBlobs)>, StoreError>;
    async fn insert_link(
        &self,
        id: LinkId,
        new: &NewLink,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    async fn link(&self, token_hash: &[u8; 32]) -> Result<Option<Link>, StoreError>;
    /// Removes and returns it in one statement: of many takers exactly one gets it.
    async fn take_link(&self, token_hash: &[u8; 32]) -> Result<Option<Link>, StoreError>;
    async fn purge_front_door(&self, expired_before: Timestamp) -> Result<u64, StoreError>;
}

/// Requests that may be sent again.
#[async_trait]
pub(crate) trait RequestRows {
    /// Writes a row of this id, unless there is one of the tenant and key that was not claimed before `forgotten_before`:
    /// of many callers exactly one does.
    async fn claim_request(
        &self,
        id: i64,
        request: &RepeatableRequest<'_>,
        now: Timestamp,
        forgotten_before: Timestamp,
    ) -> Result<bool, StoreError>;
    async fn claimed_request(
        &self,
        tenant: &str,
        key_hash: &[u8; 32],
    ) -> Result<Option<ClaimRow>, StoreError>;
    /// Only where there is no answer yet.
    async fn keep_answer(
        &self,
        id: i64,
        tenant: &str,
        status: u16,
        answer: Blob,
    ) -> Result<(), StoreError>;
    /// Only while there is no answer.
    async fn release_request(&self, id: i64, tenant: &str) -> Result<(), StoreError>;
    async fn purge_requests(&self, claimed_before: Timestamp) -> Result<u64, StoreError>;
}
