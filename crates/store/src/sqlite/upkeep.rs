//! Leases of the dead, backups, and closing.

use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use sqlx::{Connection as _, SqliteConnection};
use tieline_core::Timestamp;

use super::Sqlite;
use super::failed::failed;
use crate::StoreError;
use crate::backend::Upkeep;
use crate::folder::{beside, create_private, make_folder, remove, sync};
use crate::sql::{Database as _, Statement};

#[async_trait]
impl Upkeep for Sqlite {
    fn place(&self) -> PathBuf {
        self.path.clone()
    }

    /// A copied file is the same file to SQLite. `Store::restore` leaves a mark instead.
    async fn identity(&self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn release_leases(&self) -> Result<u64, StoreError> {
        self.change(Statement::of(
            "UPDATE instances SET lease_owner = NULL, lease_until = NULL \
             WHERE intent_attempt IS NOT NULL AND lease_owner IS NOT NULL",
        ))
        .await
    }

    async fn beat(&self, _owner: &str) -> Result<Option<u32>, StoreError> {
        Ok(None)
    }

    async fn quick_check(&self) -> Result<bool, StoreError> {
        let found = self.read(Statement::of("PRAGMA quick_check(1)")).await?;
        let found = found.first().map(|row| row.get("quick_check"));
        match found.transpose()? {
            Some("ok") => Ok(true),
            damage => Err(StoreError::Corrupt {
                path: self.place(),
                why: damage.unwrap_or("its own check says nothing").to_owned(),
            }),
        }
    }

    /// SQLite goes by the clock of its process.
    async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    async fn backup(&self, file: &Path) -> Result<(), StoreError> {
        let mut connection = self
            .readers
            .acquire()
            .await
            .map_err(|error| self.failed(error))?;
        vacuum_into(&mut connection, file).await
    }

    fn set_batch_size(&self, most: usize) {
        self.group.set_most(most);
    }

    async fn close(&self) {
        self.group.close().await;
        self.lookups.close();
        self.readers.close().await;
        // The writer goes last: the last connection folds the write-ahead log into the database.
        if let Some(writer) = self.writer.lock().await.take()
            && let Err(error) = writer.connection.close().await
        {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
    }
}

/// Copies the database into a new private file, complete and synced under its name, or not there at all.
pub(super) async fn vacuum_into(
    connection: &mut SqliteConnection,
    file: &Path,
) -> Result<(), StoreError> {
    if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        make_folder(folder)?;
    }
    // Claims the name: from here on nobody else's file can be overwritten.
    create_private(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => StoreError::Exists {
            path: file.to_owned(),
        },
        _ => StoreError::io(file, &error),
    })?;
    let copied = vacuum_and_rename(connection, file).await;
    if copied.is_err() {
        let _ = remove(file);
    }
    copied
}

async fn vacuum_and_rename(
    connection: &mut SqliteConnection,
    file: &Path,
) -> Result<(), StoreError> {
    let partial = beside(file, ".partial");
    let io = |error| StoreError::io(&partial, &error);
    let name = partial.to_str().ok_or_else(|| StoreError::BadPath {
        path: partial.clone(),
        why: "SQLite wants file names in UTF-8".to_owned(),
    })?;
    remove(&partial).map_err(io)?;
    create_private(&partial).map_err(io)?;
    let copied = sqlx::query("VACUUM INTO ?1")
        .bind(name)
        .execute(connection)
        .await;
    let renamed = match copied {
        Ok(_) => sync(&partial).and_then(|()| fs::rename(&partial, file).map_err(io)),
        Err(error) => Err(failed(file, error)),
    };
    if renamed.is_err() {
        let _ = remove(&partial);
        return renamed;
    }
    sync(file)
}
