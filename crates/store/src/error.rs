//! What can go wrong at rest.

use std::io;
use std::path::{Path, PathBuf};

use tieline_core::random::NoRandomness;

use crate::AdoptionReason;

/// Why the store could not do what was asked. Never contains a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What the call refers to is not there, or belongs to another tenant.
    #[error("there is no {what} {name}")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// Its id or name.
        name: String,
    },
    /// The write contradicts what is stored.
    #[error("{0}")]
    Conflict(String),
    /// What is given can't be stored as it is.
    #[error("{0}")]
    Invalid(String),
    /// The database was written by a newer release. Nothing was changed.
    ///
    /// Here and below, a database's path is that of its file, or its address without user and password.
    #[error(
        "{} has schema {found}, this release knows {known} at most: use the release that wrote it, or restore a backup made before the upgrade",
        path.display()
    )]
    NewerSchema {
        /// The database file.
        path: PathBuf,
        /// Its schema number.
        found: i64,
        /// The highest schema number of this release.
        known: i64,
    },
    /// The master key is not the one that wraps this store's data keys. Nothing was changed.
    #[error(
        "the master key does not open data key {key_id}: it was wrapped with master key {wrapped_with}, the one given is {given}; give the original master key (a lost one means that every instance must reconnect)"
    )]
    WrongMasterKey {
        /// The data key that does not open.
        key_id: u32,
        /// Fingerprint of the master key that wrapped it.
        wrapped_with: String,
        /// Fingerprint of the master key given.
        given: String,
    },
    /// A data key opens under the master key, yet is not the key that the store was sealed with.
    #[error("data key {key_id} fails its check value: the keyring is damaged; restore a backup")]
    DamagedKey {
        /// The data key in question.
        key_id: u32,
    },
    /// Sealed rows, but no data key to open them with.
    #[error("{} holds sealed rows but has no active data key: the keyring is damaged; restore a backup", path.display())]
    NoDataKey {
        /// The database file.
        path: PathBuf,
    },
    /// No master key at this place.
    #[error("there is no master key at {}: put the key that this store was sealed with there", path.display())]
    MasterKeyMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A master key file is never overwritten.
    #[error("{} exists already, and a master key is never overwritten", path.display())]
    MasterKeyExists {
        /// The file.
        path: PathBuf,
    },
    /// The text is not a master key.
    #[error("{origin} is no master key: {why}")]
    MasterKeyInvalid {
        /// The file, or what else the text came from.
        origin: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Another process has the data folder open.
    #[error("the data folder {} is in use by {}: stop it first, or choose another folder", folder.display(), holder(*pid))]
    Locked {
        /// The data folder.
        folder: PathBuf,
        /// The process that holds it, if its lock file says so.
        pid: Option<u32>,
    },
    /// Something else stands where the data folder should be.
    #[error("{} is not a folder: give another data folder, or move the file away", path.display())]
    NotAFolder {
        /// What stands there.
        path: PathBuf,
    },
    /// The file system refuses to be written to.
    #[error("{} cannot be written: {why}; check owner, permissions and whether the file system is mounted read-only", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system or the database said.
        why: String,
    },
    /// No space left. Nothing that was stored before is lost.
    #[error("no space left to write {}: free some, nothing stored is lost", path.display())]
    Full {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// There is nothing at this path, or nothing that can be read: it stays so until somebody changes it.
    #[error("{} cannot be used: {why}; check the path and its permissions", path.display())]
    BadPath {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system or the database said.
        why: String,
    },
    /// Reading or writing failed in the operating system.
    #[error("{} cannot be read or written: {why}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system or the database said.
        why: String,
    },
    /// The file is not one of Tieline's databases.
    #[error("{} is not a Tieline database: {why}; give another data folder, or move the file away", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// How it was told.
        why: &'static str,
    },
    /// The database file is damaged.
    #[error("{} is damaged: {why}; stop, keep a copy and restore a backup", path.display())]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// What the database said.
        why: String,
    },
    /// The database does not run the way durability needs.
    #[error("{} runs with {pragma} = {found}, not {wanted}: put the data folder on a local file system", path.display())]
    Pragma {
        /// The database file.
        path: PathBuf,
        /// The setting.
        pragma: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
    /// A sealed blob does not open. It stays as it is.
    #[error("{table}.{column} of {row} cannot be read: {why}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id.
        row: i64,
        /// How it was told.
        why: &'static str,
    },
    /// This store may be a copy of one that is in use elsewhere: refreshing here would kill its instances.
    #[error("{0}: nothing is refreshed before the store is adopted")]
    AdoptionRequired(AdoptionReason),
    /// Restoring needs an empty data folder.
    #[error("the data folder {} holds a store: give an empty folder, or force the restore (the old store is moved aside)", folder.display())]
    NotEmpty {
        /// The data folder.
        folder: PathBuf,
    },
    /// A backup never overwrites a file.
    #[error("{} exists already: give another file name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The address of a PostgreSQL database is not one. It is not repeated: it may hold a password.
    #[error(
        "the address of the database is not understood: {why}; give postgres://user:password@host/database, the password with % escapes"
    )]
    BadAddress {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The database server cannot be reached, or does not serve for now. Whether a write was done that failed like this is not known,
    /// if it was sent.
    #[error("{} cannot be reached or does not serve: {why}; nothing stored is lost", place.display())]
    Unreachable {
        /// The database's address, without user and password.
        place: PathBuf,
        /// What the operating system or the database said.
        why: String,
        /// Whether anything was sent that may have been done.
        sent: bool,
    },
    /// The database server is there and does not let this process in.
    #[error("{} refuses: {why}; check database, user, password and rights", place.display())]
    DatabaseRefused {
        /// The database's address, without user and password.
        place: PathBuf,
        /// What the database said.
        why: String,
    },
    /// This build knows SQLite alone.
    #[error("this build has no PostgreSQL: build it with the feature `postgres`")]
    WithoutPostgres,
    /// A store in PostgreSQL is for PostgreSQL's own tools to copy.
    #[error(
        "a store in PostgreSQL is backed up with `pg_dump --schema=tieline`; what is restored from a dump must be adopted (`tieline adopt`) before it refreshes anything"
    )]
    BackupElsewhere,
    /// The data key that this process sealed with is gone: another process has moved everything to a newer one.
    #[error("another process has removed the data key that this was sealed with: try again")]
    KeyRemoved,
    /// Somebody else holds the database for too long.
    #[error("the database is busy")]
    Busy,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The operating system has no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Anything else that the database reports.
    #[error("the database failed: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Whether the same call may succeed later without anybody changing the request.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::KeyRemoved
                | Self::Full { .. }
                | Self::Io { .. }
                | Self::Unreachable { .. }
        )
    }

    /// The same, of what failed before anything was sent.
    #[cfg(feature = "postgres")]
    pub(crate) fn unsent(self) -> Self {
        match self {
            Self::Unreachable { place, why, .. } => Self::Unreachable {
                place,
                why,
                sent: false,
            },
            error => error,
        }
    }

    /// An operating system's error about `path`.
    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotADirectory => Self::NotAFolder { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Unwritable {
                    path,
                    why: error.to_string(),
                }
            }
            io::ErrorKind::NotFound
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidData => Self::BadPath {
                path,
                why: error.to_string(),
            },
            _ => Self::Io {
                path,
                why: error.to_string(),
            },
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}
