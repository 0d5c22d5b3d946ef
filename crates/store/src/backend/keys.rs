//! The keyring, and moving rows from one key to another.

use async_trait::async_trait;
use tieline_core::Timestamp;

use crate::StoreError;
use crate::seal::Blob;

/// A data key, wrapped with the master key.
#[derive(Debug, Clone)]
pub(crate) struct KeyRow {
    pub(crate) key_id: u32,
    pub(crate) wrapped: Blob,
    pub(crate) check_value: Blob,
    /// The master key's fingerprint.
    pub(crate) master: String,
    /// Whether it seals: exactly one does. The others only open, until nothing is sealed with them any more.
    pub(crate) active: bool,
    pub(crate) created_at: Timestamp,
}

/// The tables that hold sealed blobs, the keyring apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealedTable {
    Apps,
    Instances,
    Authorizations,
    Parked,
    Idempotency,
    Webhooks,
    Quarantine,
}

impl SealedTable {
    pub(crate) const ALL: [Self; 7] = [
        Self::Apps,
        Self::Instances,
        Self::Authorizations,
        Self::Parked,
        Self::Idempotency,
        Self::Webhooks,
        Self::Quarantine,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Apps => "apps",
            Self::Instances => "instances",
            Self::Authorizations => "authorizations",
            Self::Parked => "parked",
            Self::Idempotency => "idempotency",
            Self::Webhooks => "webhooks",
            Self::Quarantine => "quarantine",
        }
    }

    pub(crate) const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Apps => &["parameters"],
            Self::Instances => &["access_token", "refresh_token"],
            Self::Authorizations => &["verifier"],
            Self::Parked => &["verifier", "callback"],
            Self::Webhooks => &["secret"],
            Self::Idempotency | Self::Quarantine => &["answer"],
        }
    }
}

/// A row's sealed blobs with what they are bound to; `blobs` in the order of [`SealedTable::columns`].
#[derive(Debug)]
pub(crate) struct SealedRow {
    pub(crate) id: i64,
    pub(crate) tenant: String,
    pub(crate) version: i64,
    pub(crate) blobs: Vec<Option<Blob>>,
}

/// The keyring, and moving rows from one key to another.
#[async_trait]
pub(crate) trait KeyRows {
    async fn keyring(&self) -> Result<Vec<KeyRow>, StoreError>;
    /// The new row becomes the active one and the active one is retired, in one transaction. A [`StoreError::Conflict`], unless the
    /// active one is the key before, wrapped with the same master key: then somebody else was first.
    async fn activate_key(&self, row: KeyRow) -> Result<(), StoreError>;
    /// Replaces wrapped key and fingerprint of all rows in one transaction. A [`StoreError::Conflict`] where there are others.
    async fn rewrap_keys(&self, rows: Vec<KeyRow>) -> Result<(), StoreError>;
    /// Deletes a retired key if no blob names it in its header; counts and deletes in one transaction.
    async fn remove_unused_key(&self, key_id: u32) -> Result<bool, StoreError>;
    /// Rows with at least one blob that another key than `active` sealed, by id, after `after`.
    async fn rows_to_reseal(
        &self,
        table: SealedTable,
        active: u32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError>;
    /// How many of them there are.
    async fn count_to_reseal(&self, table: SealedTable, active: u32) -> Result<u64, StoreError>;
    /// Replaces the blobs of rows that are still there in the same version, in one transaction; returns how many were.
    async fn reseal(&self, table: SealedTable, rows: Vec<SealedRow>) -> Result<u64, StoreError>;
}
