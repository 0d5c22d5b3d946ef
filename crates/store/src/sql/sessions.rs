//! Sessions as rows.

use async_trait::async_trait;
use tieline_core::{ApiKeyId, Timestamp};

use super::api_keys::{self, columns};
use super::row::micros;
use super::{Database, Statement};
use crate::backend::SessionRows;
use crate::{ApiKey, StoreError};

#[async_trait]
impl<D: Database> SessionRows for D {
    async fn insert_session(
        &self,
        token_hash: &[u8; 32],
        key: ApiKeyId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let statement = Statement::of(
            "INSERT INTO sessions (token_hash, api_key, created_at, expires_at) \
             SELECT $1, id, $3, $4 FROM api_keys WHERE id = $2 AND revoked_at IS NULL",
        )
        .bind(token_hash.as_slice())
        .bind(key.0)
        .bind(micros(now))
        .bind(micros(expires_at));
        Ok(self.change(statement).await? > 0)
    }

    async fn api_key_of_session(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<ApiKey>, StoreError> {
        let statement = Statement::of(concat!(
            "SELECT ",
            columns!(),
            " FROM api_keys WHERE revoked_at IS NULL AND id = \
             (SELECT api_key FROM sessions WHERE token_hash = $1 AND expires_at > $2)"
        ))
        .bind(token_hash.as_slice())
        .bind(micros(now));
        api_keys::one(self.read(statement).await?)
    }

    async fn delete_session(&self, token_hash: &[u8; 32]) -> Result<(), StoreError> {
        let statement = Statement::of("DELETE FROM sessions WHERE token_hash = $1");
        let statement = statement.bind(token_hash.as_slice());
        self.change(statement).await.map(|_| ())
    }

    async fn purge_sessions(&self, expired_before: Timestamp) -> Result<u64, StoreError> {
        let statement = Statement::of("DELETE FROM sessions WHERE expires_at < $1");
        self.change(statement.bind(micros(expired_before))).await
    }
}
