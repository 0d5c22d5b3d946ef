//! What a store says of itself, who has the database, backups and the end.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tieline_core::Timestamp;

use crate::StoreError;

/// Marks: what a store says of itself, by name.
#[async_trait]
pub(crate) trait MarkRows {
    async fn mark(&self, name: &str) -> Result<Option<String>, StoreError>;
    /// Sets or, with `None`, removes marks in one transaction.
    async fn set_marks(&self, marks: &[(&str, Option<&str>)]) -> Result<(), StoreError>;
    /// Sets a mark, unless there is one of this name.
    async fn keep_mark(&self, name: &str, value: &str) -> Result<(), StoreError>;
}

/// Who has the database, backups and the end.
#[async_trait]
pub(crate) trait Upkeep {
    /// Its file, or its address without user and password: for errors.
    fn place(&self) -> PathBuf;
    /// Which database this is, where a copy of it would be another one: told by more than its name or address. `None` where
    /// that cannot be told.
    async fn identity(&self) -> Result<Option<String>, StoreError>;
    /// Whether other processes may have it open too.
    fn is_shared(&self) -> bool;
    /// Leases whose holders are proven dead are released; their intents stay, and whoever begins next finds them.
    async fn release_leases(&self) -> Result<u64, StoreError>;
    /// Says that the holder of leases `owner` is alive, until it is silent for five seconds; answers which data key seals, so
    /// that this process hears of a rotation by another. Where one process alone has the database, there is nobody to say it
    /// to and nothing to hear.
    async fn beat(&self, owner: &str) -> Result<Option<u32>, StoreError>;
    /// Looks for damage; `false` where the database has no such check, and [`StoreError::Corrupt`] where there is some.
    async fn quick_check(&self) -> Result<bool, StoreError>;
    /// The clock that leases go by, where that is the database's own.
    async fn clock(&self) -> Result<Option<Timestamp>, StoreError>;
    /// A consistent copy, while others read and write.
    async fn backup(&self, file: &Path) -> Result<(), StoreError>;
    /// How many hot writes may share a commit: for measuring what that is worth.
    fn set_batch_size(&self, _most: usize) {}
    async fn close(&self);
}
