//! The data folder: what lies where in it, and who may read it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{self, Path, PathBuf};

use crate::StoreError;

/// An existing data folder, by its absolute path.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder (0700) if there is none.
    pub(crate) fn prepare(path: &Path) -> Result<Self, StoreError> {
        let path = path::absolute(path).map_err(|error| StoreError::io(path, &error))?;
        make_folder(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("store.db")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(crate) fn backups(&self) -> PathBuf {
        self.0.join("backups")
    }
}

/// Makes a folder and its parents (0700) where there are none.
pub(crate) fn make_folder(path: &Path) -> Result<(), StoreError> {
    match DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Ok(()) => Ok(()),
        Err(_) if path.exists() && !path.is_dir() => Err(StoreError::NotAFolder {
            path: path.to_owned(),
        }),
        Err(error) => Err(StoreError::io(path, &error)),
    }
}

/// A new, empty file that only its owner may read and write.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Makes a file's content, and its name in its folder, survive a power cut.
pub(crate) fn sync(path: &Path) -> Result<(), StoreError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(path)
        .and_then(|file| file.sync_all())
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|error| StoreError::io(path, &error))
}

/// The name of a file that SQLite keeps beside a database: `-wal`, `-shm`.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a file; one that is not there is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
