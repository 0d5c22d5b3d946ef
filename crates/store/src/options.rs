//! What a store is opened with, and what may stand against using one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tieline_core::{Clock, Secret, SystemClock};

use crate::MasterKey;

/// What a store needs to open.
#[derive(Debug)]
pub struct StoreOptions {
    /// Where it is.
    pub place: StorePlace,
    /// The key that wraps this store's data keys. A new store is sealed with it.
    pub master_key: MasterKey,
    /// The name of this deployment, `default` unless there are several. Written at first start.
    pub deployment: String,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

/// Where a store is.
#[derive(Debug)]
pub enum StorePlace {
    /// In a folder: SQLite, its lock and its automatic backups. One process at a time has it. Made (0700) where there is none.
    Folder(PathBuf),
    /// In a PostgreSQL database, in a schema of its own named `tieline`, for as many processes as like:
    /// `postgres://user:password@host/database`. Needs the feature `postgres`.
    Postgres(Secret),
}

impl StoreOptions {
    /// For the deployment `default`, by the machine's clock.
    pub fn new(place: impl Into<StorePlace>, master_key: MasterKey) -> Self {
        Self {
            place: place.into(),
            master_key,
            deployment: "default".to_owned(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl From<PathBuf> for StorePlace {
    fn from(folder: PathBuf) -> Self {
        Self::Folder(folder)
    }
}

impl From<&Path> for StorePlace {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

/// Why this store may be a copy of one that is in use elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdoptionReason {
    /// It was written by another deployment.
    OtherDeployment {
        /// The name written into the store.
        stored: String,
        /// The name given at this start.
        given: String,
    },
    /// It was restored from a backup.
    Restored,
}

impl fmt::Display for AdoptionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherDeployment { stored, given } => {
                write!(
                    f,
                    "this store belongs to deployment {stored:?}, not to {given:?}"
                )
            }
            Self::Restored => f.write_str("this store was restored from a backup"),
        }
    }
}
