//! Backups of a running store, and restoring one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::folder::{Folder, beside, create_private, make_folder, remove, sync};
use crate::lock::Lock;
use crate::sqlite;
use crate::{Store, StoreError};

/// A backup that was made. It holds no secret that opens without the master key, and not the master key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BackupReport {
    /// The file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A backup that was restored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RestoreReport {
    /// The data folder.
    pub data_dir: PathBuf,
    /// Where the store that was there before has been moved.
    pub moved_aside: Option<PathBuf>,
}

impl Store {
    /// Copies the store into a new file, readable by its owner only, while others read and write. Missing folders are made.
    ///
    /// It opens with the master key of today. Refresh tokens that rotate after it are not in it.
    ///
    /// # Errors
    /// [`StoreError::Exists`]; or the file cannot be written: then there is none.
    pub async fn backup(&self, file: &Path) -> Result<BackupReport, StoreError> {
        self.backend().backup(file).await?;
        let bytes = fs::metadata(file)
            .map_err(|error| StoreError::io(file, &error))?
            .len();
        Ok(BackupReport {
            file: file.to_owned(),
            bytes,
        })
    }

    /// Puts a backup into an empty data folder. The store then requires [`adopt`](Self::adopt): the one it was copied from may still
    /// be refreshing. Needs no master key.
    ///
    /// With `force`, a store that is there is moved to `backups/replaced-N/` in the folder, never deleted.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`]; [`StoreError::Locked`] while the folder is in use; the file is not an undamaged Tieline database of a
    /// known schema; the folder cannot be written.
    pub async fn restore(
        file: &Path,
        data_dir: &Path,
        force: bool,
    ) -> Result<RestoreReport, StoreError> {
        let file = std::path::absolute(file).map_err(|error| StoreError::io(file, &error))?;
        check_backup(&file).await?;
        let folder = Folder::prepare(data_dir)?;
        let _lock = Lock::take(&folder)?;
        let old = old_files(&folder)?;
        if !old.is_empty() && !force {
            return Err(StoreError::NotEmpty {
                folder: folder.path().to_owned(),
            });
        }

        let database = folder.database();
        let partial = beside(&database, ".partial");
        let io = |error| StoreError::io(&partial, &error);
        remove(&partial).map_err(io)?;
        create_private(&partial).map_err(io)?;
        if let Err(error) = copy_and_mark(&file, &partial).await {
            let _ = remove(&partial);
            return Err(error);
        }
        let moved_aside = if old.is_empty() {
            None
        } else {
            Some(move_aside(&folder, &old)?)
        };
        fs::rename(&partial, &database).map_err(io)?;
        sync(&database)?;
        Ok(RestoreReport {
            data_dir: folder.path().to_owned(),
            moved_aside,
        })
    }
}

async fn check_backup(file: &Path) -> Result<(), StoreError> {
    let size = fs::metadata(file)
        .map_err(|error| StoreError::io(file, &error))?
        .len();
    if size == 0 {
        return Err(StoreError::NotADatabase {
            path: file.to_owned(),
            why: "it is empty",
        });
    }
    if beside(file, "-wal").exists() {
        // A file copied from under a running store: the log holds what the file lacks.
        return Err(StoreError::NotADatabase {
            path: file.to_owned(),
            why: "it has a write-ahead log beside it and so is no backup, but a store's own file",
        });
    }
    sqlite::check_copy(file).await
}

async fn copy_and_mark(file: &Path, partial: &Path) -> Result<(), StoreError> {
    let copied = async {
        let mut from = tokio::fs::File::open(file).await?;
        let mut to = tokio::fs::File::options().write(true).open(partial).await?;
        tokio::io::copy(&mut from, &mut to).await?;
        to.sync_all().await
    };
    copied
        .await
        .map_err(|error| StoreError::io(partial, &error))?;
    sqlite::mark_restored(partial).await?;
    sync(partial)
}

/// The database and its companions, as far as they exist. A log without a database counts: it may be all that is left of one.
fn old_files(folder: &Folder) -> Result<Vec<PathBuf>, StoreError> {
    let database = folder.database();
    let mut found = Vec::new();
    for path in [
        database.clone(),
        beside(&database, "-wal"),
        beside(&database, "-shm"),
    ] {
        if path
            .try_exists()
            .map_err(|error| StoreError::io(&path, &error))?
        {
            found.push(path);
        }
    }
    Ok(found)
}

fn move_aside(folder: &Folder, files: &[PathBuf]) -> Result<PathBuf, StoreError> {
    let aside = (1..)
        .map(|number: u32| folder.backups().join(format!("replaced-{number}")))
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| folder.backups());
    make_folder(&aside)?;
    for file in files {
        let Some(name) = file.file_name() else {
            continue;
        };
        fs::rename(file, aside.join(name)).map_err(|error| StoreError::io(file, &error))?;
    }
    Ok(aside)
}
