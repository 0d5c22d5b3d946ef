//! What an engine looks for by itself, and how processes that share a database hear of each other.

use tieline_core::{InstanceId, Timestamp};

use crate::{Instance, Store, StoreError};

impl Store {
    /// `ok` instances, of whatever tenant, whose refresh was begun and not ended, or ended unknown, and that nobody but `owner`
    /// can be refreshing now; by id, after `after`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn unsettled(
        &self,
        owner: &str,
        after: InstanceId,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError> {
        self.backend()
            .unsettled(owner, after, limit, self.now())
            .await
    }

    /// `ok` instances, of whatever tenant, that are to be refreshed for the refresh token's own sake by `now`; the most urgent
    /// first, after the one with this `keep_alive_at` and id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn keep_alive_due(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, InstanceId)>,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError> {
        self.backend().keep_alive_due(now, after, limit).await
    }

    /// Whether other processes may have the database open too, so that whoever holds leases must [beat](Self::beat).
    pub fn is_shared(&self) -> bool {
        self.backend().is_shared()
    }

    /// Says that the holder of leases `owner` is alive. Silent for five seconds, it counts as dead.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn beat(&self, owner: &str) -> Result<(), StoreError> {
        let active = self.backend().beat(owner).await?;
        let known = self.keyring().await.active();
        if active.is_some_and(|active| active > known) {
            // So that a rotation elsewhere comes to its end soon.
            self.renew_keyring().await?;
        }
        Ok(())
    }
}
