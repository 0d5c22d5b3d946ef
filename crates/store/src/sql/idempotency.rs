//! Requests that may be sent again, as rows.

use async_trait::async_trait;
use tieline_core::Timestamp;

use super::row::{micros, parsed};
use super::{Database, Row, Statement, only};
use crate::backend::RequestRows;
use crate::idempotency::ClaimRow;
use crate::seal::Blob;
use crate::{RepeatableRequest, StoreError};

#[async_trait]
impl<D: Database> RequestRows for D {
    async fn claim_request(
        &self,
        id: i64,
        request: &RepeatableRequest<'_>,
        now: Timestamp,
        forgotten_before: Timestamp,
    ) -> Result<bool, StoreError> {
        // One that is forgotten makes room in the same statement.
        let statement = Statement::of(
            "INSERT INTO idempotency (id, tenant, key_hash, request_hash, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (tenant, key_hash) DO UPDATE SET id = excluded.id, request_hash = excluded.request_hash, \
             status = NULL, answer = NULL, created_at = excluded.created_at WHERE idempotency.created_at < $6",
        )
        .bind(id)
        .bind(request.tenant)
        .bind(request.key_hash.as_slice())
        .bind(request.request_hash.as_slice())
        .bind(micros(now))
        .bind(micros(forgotten_before));
        Ok(self.change(statement).await? > 0)
    }

    async fn claimed_request(
        &self,
        tenant: &str,
        key_hash: &[u8; 32],
    ) -> Result<Option<ClaimRow>, StoreError> {
        let statement = Statement::of(
            "SELECT id, request_hash, status, answer, created_at FROM idempotency WHERE tenant = $1 AND key_hash = $2",
        )
        .bind(tenant)
        .bind(key_hash.as_slice());
        only(self.read(statement).await?)
            .as_ref()
            .map(claim)
            .transpose()
    }

    async fn keep_answer(
        &self,
        id: i64,
        tenant: &str,
        status: u16,
        answer: Blob,
    ) -> Result<(), StoreError> {
        let statement = Statement::of(
            "UPDATE idempotency SET status = $3, answer = $4 WHERE id = $1 AND tenant = $2 AND status IS NULL",
        )
        .bind(id)
        .bind(tenant)
        .bind(u32::from(status))
        .bind(answer);
        self.change(statement).await.map(|_| ())
    }

    async fn release_request(&self, id: i64, tenant: &str) -> Result<(), StoreError> {
        let statement = Statement::of(
            "DELETE FROM idempotency WHERE id = $1 AND tenant = $2 AND status IS NULL",
        )
        .bind(id)
        .bind(tenant);
        self.change(statement).await.map(|_| ())
    }

    async fn purge_requests(&self, claimed_before: Timestamp) -> Result<u64, StoreError> {
        let statement = Statement::of("DELETE FROM idempotency WHERE created_at < $1");
        self.change(statement.bind(micros(claimed_before))).await
    }
}

fn claim(row: &Row) -> Result<ClaimRow, StoreError> {
    let status: Option<i64> = row.get("status")?;
    Ok(ClaimRow {
        id: row.get("id")?,
        request_hash: parsed(row.get::<&[u8]>("request_hash")?.try_into(), "request_hash")?,
        status: status
            .map(|status| parsed(status.try_into(), "status"))
            .transpose()?,
        answer: row.optional_blob("answer")?,
        created_at: row.time("created_at")?,
    })
}
