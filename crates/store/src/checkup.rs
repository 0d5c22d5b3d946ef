//! What a store can say of its own health, over all tenants: for whoever examines it.

use tieline_core::{AppId, InstanceId, Timestamp};

use crate::backend::SealedTable;
use crate::{App, Instance, QuarantineKind, Store, StoreError};

/// The mark that is written and removed to see whether the store can be written.
const PROBE: &str = "probe";

/// Which data keys a store has, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeysInUse {
    /// The one that seals.
    pub active: u32,
    /// Those that only open, until nothing is sealed with them any more.
    pub retired: Vec<u32>,
    /// Rows that another key than the active one sealed.
    pub to_reseal: u64,
}

/// The answers of one kind that are kept in quarantine for one instance.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct QuarantineGroup {
    /// Whose it is.
    pub tenant: String,
    /// The instance that was refreshed. It may be gone.
    pub instance: InstanceId,
    /// Why they were not committed.
    pub kind: QuarantineKind,
    /// How many there are.
    pub answers: u64,
    /// When the last one arrived.
    pub last: Timestamp,
}

impl Store {
    /// Where it is: its file, or the database's address without user and password.
    pub fn place(&self) -> String {
        self.backend().place().display().to_string()
    }

    /// Writes something, durably, and removes it again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn probe_write(&self) -> Result<(), StoreError> {
        let now = self.now().to_string();
        self.backend().set_marks(&[(PROBE, Some(&now))]).await?;
        self.backend().set_marks(&[(PROBE, None)]).await
    }

    /// Has the database look for damage in its own file, which it reads to the end; `false` where it has no such check.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the first damage that is found; or the database cannot be read.
    pub async fn quick_check(&self) -> Result<bool, StoreError> {
        self.backend().quick_check().await
    }

    /// What the database's own clock shows; `None` where it has none.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn database_clock(&self) -> Result<Option<Timestamp>, StoreError> {
        self.backend().clock().await
    }

    /// The latest instant that one of the last hundred events says it happened at.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn newest_event(&self) -> Result<Option<Timestamp>, StoreError> {
        self.backend().newest_event().await
    }

    /// Which data keys there are, and how much is still sealed with old ones.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn keys_in_use(&self) -> Result<KeysInUse, StoreError> {
        let rows = self.backend().keyring().await?;
        let active = rows.iter().find(|row| row.active).map(|row| row.key_id);
        let mut keys = KeysInUse {
            active: active.ok_or_else(|| StoreError::NoDataKey {
                path: self.backend().place(),
            })?,
            retired: Vec::new(),
            to_reseal: 0,
        };
        let retired = rows.iter().filter(|row| !row.active);
        keys.retired.extend(retired.map(|row| row.key_id));
        for table in SealedTable::ALL {
            keys.to_reseal += self.backend().count_to_reseal(table, keys.active).await?;
        }
        Ok(keys)
    }

    /// Apps, of whatever tenant, by id, after `after`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all_apps(&self, after: AppId, limit: u32) -> Result<Vec<App>, StoreError> {
        self.backend().all_apps(after, limit).await
    }

    /// Instances, of whatever tenant, that can be used and whose last refreshes the provider rejected for no known reason; by
    /// id, after `after`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn rejected(
        &self,
        after: InstanceId,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError> {
        self.backend().rejected(after, limit).await
    }

    /// What is in quarantine, of whatever tenant, the latest first, `limit` groups at most; and how many groups there are.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn quarantine_groups(
        &self,
        limit: u32,
    ) -> Result<(Vec<QuarantineGroup>, u64), StoreError> {
        self.backend().quarantine_groups(limit).await
    }
}
