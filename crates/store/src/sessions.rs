//! Sessions: who is signed in to the pages, in which browser. What the browser holds is not here, only what finds it again.

use tieline_core::{ApiKeyId, Timestamp};

use crate::{ApiKey, Store, StoreError};

impl Store {
    /// Signs whoever holds an API key in; `false` when the key is gone or revoked.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin_session(
        &self,
        token_hash: &[u8; 32],
        key: ApiKeyId,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.backend()
            .insert_session(token_hash, key, self.now(), expires_at)
            .await
    }

    /// The API key that somebody is signed in with, while neither has ended.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn api_key_of_session(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<ApiKey>, StoreError> {
        self.backend()
            .api_key_of_session(token_hash, self.now())
            .await
    }

    /// Signs out.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn end_session(&self, token_hash: &[u8; 32]) -> Result<(), StoreError> {
        self.backend().delete_session(token_hash).await
    }

    /// Removes sessions that ended before an instant; returns how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn purge_sessions(&self, expired_before: Timestamp) -> Result<u64, StoreError> {
        self.backend().purge_sessions(expired_before).await
    }
}
