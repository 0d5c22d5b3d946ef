//! Every opening of a sealed blob has a purpose, and is counted. So is every later use of what stays opened in memory for a
//! moment: the numbers say how often a secret was used for what, however often it had to be opened for that.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use tieline_core::Secret;
use zeroize::{Zeroize as _, Zeroizing};

use crate::seal::{Blob, NotOpened, Place};
use crate::words::words;
use crate::{Store, StoreError};

words! {
    /// What a secret is opened for.
    pub enum Purpose {
        /// Sent with a call to the provider's API.
        Call = "call",
        /// Spent in a refresh.
        Refresh = "refresh",
        /// Sent to the provider to be revoked.
        Revoke = "revoke",
        /// Sent in the exchange of an authorization code.
        Exchange = "exchange",
        /// An app's parameters, for any request that names the app.
        Parameters = "parameters",
        /// Signs what a webhook is told.
        Sign = "sign",
        /// Handed to a person or program that asked for it.
        Reveal = "reveal",
        /// Sealed again with another data key.
        Rotate = "rotate",
        /// A check that it can be read.
        Check = "check",
    }
}

/// One counter per purpose.
#[derive(Debug, Default)]
pub(crate) struct Openings([AtomicU64; Purpose::ALL.len()]);

impl Openings {
    pub(crate) fn count(&self, purpose: Purpose) {
        self.0[purpose as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> BTreeMap<Purpose, u64> {
        Purpose::ALL
            .iter()
            .map(|purpose| (*purpose, self.0[*purpose as usize].load(Ordering::Relaxed)))
            .collect()
    }
}

impl Store {
    /// Counts one more use of what was opened before and is still in memory, as an opening for that purpose.
    pub fn count_use(&self, purpose: Purpose) {
        self.counters().count(purpose);
    }

    /// Opens a blob, and counts it.
    pub(crate) async fn open_bytes(
        &self,
        place: &Place<'_>,
        blob: &Blob,
        purpose: Purpose,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let mut opened = self.keyring().await.open(place, blob);
        if let Err(NotOpened::UnknownKey) = opened
            && self.is_shared()
        {
            // Another process may have made a key since the keyring was read.
            self.renew_keyring().await?;
            opened = self.keyring().await.open(place, blob);
        }
        let Place {
            table,
            column,
            row,
            version,
            ..
        } = *place;
        match opened {
            Ok(bytes) => {
                self.counters().count(purpose);
                tracing::debug!(%purpose, table, column, row, version, "sealed blob opened");
                Ok(bytes)
            }
            Err(why) => {
                tracing::error!(%purpose, table, column, row, version, why = why.why(), "sealed blob cannot be opened");
                Err(unreadable(place, why))
            }
        }
    }

    /// Opens a blob that holds text, and counts it.
    pub(crate) async fn open_text(
        &self,
        place: &Place<'_>,
        blob: &Blob,
        purpose: Purpose,
    ) -> Result<Secret, StoreError> {
        let mut bytes = self.open_bytes(place, blob, purpose).await?;
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Ok(Secret::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(unreadable(place, NotOpened::NotText))
            }
        }
    }
}

/// A blob at `place` does not open.
pub(crate) fn unreadable(place: &Place<'_>, why: NotOpened) -> StoreError {
    StoreError::Unreadable {
        table: place.table,
        column: place.column,
        row: place.row,
        why: why.why(),
    }
}
