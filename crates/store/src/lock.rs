//! The lock file: one process at a time has a data folder open.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::StoreError;
use crate::folder::Folder;

/// A folder that is this process's alone, for as long as this lives, without a store in it: for the control socket of a
/// process whose store is elsewhere.
#[derive(Debug)]
pub struct HeldFolder {
    _lock: Lock,
}

impl HeldFolder {
    /// Takes a folder, which is made (0700) where there is none.
    ///
    /// # Errors
    /// Another process has it, or it can't be written.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let folder = Folder::prepare(path)?;
        let mut lock = Lock::take(&folder)?;
        lock.sign(&folder)?;
        Ok(Self { _lock: lock })
    }
}

/// Held while the folder is open; the operating system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    signed: bool,
}

impl Lock {
    /// Takes the lock, or says who has it. Writes nothing into the file.
    pub(crate) fn take(folder: &Folder) -> Result<Self, StoreError> {
        let path = folder.lock();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| StoreError::io(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                file,
                signed: false,
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
                folder: folder.path().to_owned(),
                pid: fs::read_to_string(&path)
                    .ok()
                    .and_then(|text| text.trim().parse().ok()),
            }),
            Err(TryLockError::Error(error)) => Err(StoreError::io(&path, &error)),
        }
    }

    /// Leaves this process's id for whoever finds the folder locked.
    pub(crate) fn sign(&mut self, folder: &Folder) -> Result<(), StoreError> {
        self.signed = true;
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| writeln!(self.file, "{}", std::process::id()))
            .map_err(|error| StoreError::io(&folder.lock(), &error))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.signed {
            // So that the next holder is not taken for this one before it signs.
            let _ = self.file.set_len(0);
        }
    }
}
