//! Every opening of a sealed blob has a purpose, and is counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::words::words;

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
