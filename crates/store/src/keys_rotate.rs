//! Moving to a new data key, online and resumable, and to a new master key.

use tieline_core::InstanceId;

use crate::backend::{SealedRow, SealedTable};
use crate::keyring::Keyring;
use crate::seal::{Blob, Place};
use crate::{MasterKey, Purpose, Store, StoreError};

/// Rows in one transaction: others wait to write that long.
const BATCH: u32 = 100;
/// How often a key is made that another process was faster with.
const ACTIVATIONS: u32 = 5;

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// Rows looked at.
    pub done: u64,
    /// Rows there were to look at when it began.
    pub total: u64,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RotationReport {
    /// The key that seals now.
    pub active_key: u32,
    /// Whether this run went on with a rotation that had been interrupted, rather than make a new key.
    pub continued: bool,
    /// Rows sealed again. A row that was written in the meantime was sealed with the new key by that write, and is not counted.
    pub resealed: u64,
    /// Rows that do not open and stay as they are. The keys they name are kept.
    pub unreadable: u64,
    /// Keys that no row uses any more. They are gone.
    pub removed_keys: Vec<u32>,
}

/// What a rotation of the master key did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MasterRotationReport {
    /// Data keys wrapped again.
    pub rewrapped: u64,
    /// The new master key's fingerprint.
    pub fingerprint: String,
}

impl Store {
    /// Makes a new data key and seals every row again with it, while others read and write. An interrupted run is continued by the
    /// next. An old key is removed once a count proves that no row uses it.
    ///
    /// # Errors
    /// The database cannot be read or written; what was resealed stays so.
    pub async fn rotate_data_key(
        &self,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<RotationReport, StoreError> {
        let _one_at_a_time = self.rotation().lock().await;
        let interrupted = self.retired_keys().await?;
        if !interrupted.is_empty() {
            let report = self.reseal_everything(interrupted, true, progress).await?;
            if report.resealed > 0 || !report.removed_keys.is_empty() {
                return Ok(report);
            }
            // Nothing is left of the earlier rotation but rows that never will open.
        }
        self.activate_next_key().await?;
        let retired = self.retired_keys().await?;
        self.reseal_everything(retired, false, progress).await
    }

    /// Wraps every data key with another master key, in one transaction. From then on only the new one opens the store; the file of the
    /// old one is for the caller to replace. Backups made before still need the old one.
    ///
    /// # Errors
    /// The database cannot be written; then the old master key is still the one.
    pub async fn rotate_master_key(
        &self,
        new: &MasterKey,
    ) -> Result<MasterRotationReport, StoreError> {
        let _one_at_a_time = self.rotation().lock().await;
        if self.is_shared() {
            self.renew_keyring().await?;
        }
        let mut keyring = self.keyring_lock().write().await;
        let rows = keyring.rewrap(self.backend().keyring().await?, new)?;
        let rewrapped = rows.len() as u64;
        self.backend().rewrap_keys(rows).await?;
        keyring.set_master(new.duplicate());
        Ok(MasterRotationReport {
            rewrapped,
            fingerprint: new.fingerprint(),
        })
    }

    async fn retired_keys(&self) -> Result<Vec<u32>, StoreError> {
        let rows = self.backend().keyring().await?;
        Ok(rows
            .iter()
            .filter(|row| !row.active)
            .map(|row| row.key_id)
            .collect())
    }

    /// Waits until everything sealed with the old key is written, then switches. Elsewhere others may do the same at once: who is
    /// late takes theirs into account and makes the next.
    async fn activate_next_key(&self) -> Result<(), StoreError> {
        for _ in 0..ACTIVATIONS {
            if self.is_shared() {
                self.renew_keyring().await?;
            }
            let mut keyring = self.keyring_lock().write().await;
            let (key, row) = keyring.next_key(self.now())?;
            match self.backend().activate_key(row).await {
                Err(StoreError::Conflict(_)) if self.is_shared() => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    keyring.activate(key);
                    return Ok(());
                }
            }
        }
        Err(StoreError::Conflict(
            "other processes keep making data keys: let one of them rotate".to_owned(),
        ))
    }

    async fn reseal_everything(
        &self,
        old_keys: Vec<u32>,
        continued: bool,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<RotationReport, StoreError> {
        let active_key = self.keyring().await.active();
        let mut report = RotationReport {
            active_key,
            continued,
            resealed: 0,
            unreadable: 0,
            removed_keys: Vec::new(),
        };
        let mut so_far = Progress { done: 0, total: 0 };
        for table in SealedTable::ALL {
            so_far.total += self.backend().count_to_reseal(table, active_key).await?;
        }
        for table in SealedTable::ALL {
            let mut after = 0;
            loop {
                let rows = self
                    .backend()
                    .rows_to_reseal(table, active_key, after, BATCH)
                    .await?;
                let Some(last) = rows.last() else { break };
                after = last.id;
                so_far.done += rows.len() as u64;
                self.reseal_batch(table, rows, &mut report).await?;
                progress(so_far);
            }
        }
        for key_id in old_keys {
            if self.backend().remove_unused_key(key_id).await? {
                report.removed_keys.push(key_id);
            }
        }
        Ok(report)
    }

    async fn reseal_batch(
        &self,
        table: SealedTable,
        rows: Vec<SealedRow>,
        report: &mut RotationReport,
    ) -> Result<(), StoreError> {
        let mut resealed = Vec::with_capacity(rows.len());
        for row in rows {
            match self.reseal_row(table, &row).await {
                Ok(blobs) => resealed.push(SealedRow { blobs, ..row }),
                Err(StoreError::Unreadable { .. }) => {
                    if table == SealedTable::Instances && self.was_resealed(&row).await? {
                        continue;
                    }
                    report.unreadable += 1;
                    if table == SealedTable::Instances {
                        self.backend()
                            .mark_unreadable(InstanceId(row.id), row.version, self.now())
                            .await?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        report.resealed += self.backend().reseal(table, resealed).await?;
        Ok(())
    }

    /// Whether another process has sealed the row again since it was read, so that what was read needs a key that is gone.
    async fn was_resealed(&self, row: &SealedRow) -> Result<bool, StoreError> {
        let now = self.backend().instance_by_id(InstanceId(row.id)).await?;
        let access = row.blobs.first().and_then(Option::as_ref);
        let refresh = row.blobs.get(1).and_then(Option::as_ref);
        Ok(self.is_shared()
            && now.is_none_or(|now| {
                Some(&now.tokens.access_token) != access
                    || now.tokens.refresh_token.as_ref() != refresh
            }))
    }

    /// All blobs of a row, or none: half a row must not be resealed.
    async fn reseal_row(
        &self,
        table: SealedTable,
        row: &SealedRow,
    ) -> Result<Vec<Option<Blob>>, StoreError> {
        let mut blobs = Vec::with_capacity(row.blobs.len());
        for (column, blob) in table.columns().iter().zip(&row.blobs) {
            let place = Place {
                table: table.name(),
                column,
                tenant: &row.tenant,
                row: row.id,
                version: row.version,
            };
            blobs.push(match blob {
                Some(blob) => {
                    let plaintext = self.open_bytes(&place, blob, Purpose::Rotate).await?;
                    let keyring: &Keyring = &*self.keyring().await;
                    Some(keyring.seal(&place, &plaintext)?)
                }
                None => None,
            });
        }
        Ok(blobs)
    }
}

#[cfg(test)]
mod tests {
    //! What another writer does between the reading and the writing of a batch.

    use tieline_core::Timestamp;

    use super::*;
    use crate::testing::{TENANT, app, new_instance, options, tokens};
    use crate::{CommitRefresh, Committed};

    #[tokio::test]
    async fn a_row_that_was_written_after_its_batch_was_read_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(options(home.path())).await.unwrap();
        let app = app(&store).await;
        let instance = store
            .insert_instance(&new_instance(app.id, "old"))
            .await
            .unwrap();
        store.activate_next_key().await.unwrap();
        let table = SealedTable::Instances;
        let batch = store
            .backend()
            .rows_to_reseal(table, 2, 0, BATCH)
            .await
            .unwrap();
        assert_eq!(batch.len(), 1);

        let commit = CommitRefresh {
            id: instance.id,
            generation: 1,
            attempt: 7,
            begun: None,
            tokens: tokens("new"),
            keep_alive_at: None,
            now: Timestamp::UNIX_EPOCH,
        };
        assert!(matches!(
            store.commit_refresh(&commit).await.unwrap(),
            Committed::Done(_)
        ));
        let mut report = RotationReport {
            active_key: 2,
            continued: false,
            resealed: 0,
            unreadable: 0,
            removed_keys: Vec::new(),
        };
        store.reseal_batch(table, batch, &mut report).await.unwrap();
        assert_eq!((report.resealed, report.unreadable), (0, 0));

        let found = store.instance(TENANT, instance.id).await.unwrap().unwrap();
        assert_eq!(found.generation, 2);
        let token = store.access_token(&found, Purpose::Check).await.unwrap();
        assert_eq!(token, tokens("new").access_token);
        store.close().await;
    }
}
