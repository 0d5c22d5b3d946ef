//! The data keys of a store, unwrapped: which one seals, and all that can open.

use std::collections::BTreeMap;

use tieline_core::{Timestamp, random};
use zeroize::Zeroizing;

use crate::backend::KeyRow;
use crate::seal::{Blob, DataKey, NotOpened, Place};
use crate::{MasterKey, StoreError};

/// What every data key seals once, so that a keyring that was tampered with shows at start and not at the first token.
const CHECK: &[u8] = b"tieline data key check";

/// The master key's own number in the blobs that it seals; data keys count from 1.
const MASTER: u32 = 0;

/// The unwrapped keyring.
#[derive(Debug)]
pub(crate) struct Keyring {
    master: MasterKey,
    active: u32,
    /// Keeps what was removed from the database too: a caller may still hold a row that was read before a rotation.
    /// Numbers are never used twice, so what is kept here is never mistaken for another.
    keys: BTreeMap<u32, DataKey>,
}

impl Keyring {
    /// Unwraps and checks every key. Reads only.
    pub(crate) fn unlock(rows: &[KeyRow], master: MasterKey) -> Result<Option<Self>, StoreError> {
        let mut keys = BTreeMap::new();
        let mut active = None;
        for row in rows {
            let key = unwrap_and_check(row, &master)?;
            if row.active {
                active = Some(row.key_id);
            }
            keys.insert(row.key_id, key);
        }
        Ok(active.map(|active| Self {
            master,
            active,
            keys,
        }))
    }

    /// Takes in what another process has added to the rows, and moves on to the key that seals now. What was known stays.
    pub(crate) fn learn(&mut self, rows: &[KeyRow]) -> Result<(), StoreError> {
        for row in rows {
            if !self.keys.contains_key(&row.key_id) {
                let key = unwrap_and_check(row, &self.master)?;
                self.keys.insert(row.key_id, key);
            }
            if row.active && row.key_id > self.active {
                self.active = row.key_id;
            }
        }
        Ok(())
    }

    /// The keyring of a new store, and its first row.
    pub(crate) fn first(master: MasterKey, now: Timestamp) -> Result<(Self, KeyRow), StoreError> {
        let mut keyring = Self {
            master,
            active: MASTER,
            keys: BTreeMap::new(),
        };
        let (key, row) = keyring.next_key(now)?;
        keyring.activate(key);
        Ok((keyring, row))
    }

    /// A fresh key, not yet used by anything, and the row that keeps it. Ids are never used twice: the active one is
    /// the highest ever, and the row is only taken if it still is.
    pub(crate) fn next_key(&self, now: Timestamp) -> Result<(DataKey, KeyRow), StoreError> {
        let key = DataKey::new(self.active + 1, Zeroizing::new(random::bytes()?));
        let row = KeyRow {
            key_id: key.id,
            wrapped: wrap(&key, &self.master)?,
            check_value: key.seal(&check_place(key.id), CHECK)?,
            master: self.master.fingerprint(),
            active: true,
            created_at: now,
        };
        Ok((key, row))
    }

    /// From now on `key` seals. What was sealed before still opens.
    pub(crate) fn activate(&mut self, key: DataKey) {
        self.active = key.id;
        self.keys.insert(key.id, key);
    }

    /// The key that seals.
    pub(crate) fn active(&self) -> u32 {
        self.active
    }

    /// The same rows, wrapped with another master key.
    pub(crate) fn rewrap(
        &self,
        rows: Vec<KeyRow>,
        master: &MasterKey,
    ) -> Result<Vec<KeyRow>, StoreError> {
        rows.into_iter()
            .map(|row| {
                let key = unwrap(&row, &self.master)?;
                Ok(KeyRow {
                    wrapped: wrap(&key, master)?,
                    master: master.fingerprint(),
                    ..row
                })
            })
            .collect()
    }

    /// New keys are wrapped with this one from now on.
    pub(crate) fn set_master(&mut self, master: MasterKey) {
        self.master = master;
    }

    pub(crate) fn seal(&self, place: &Place<'_>, plaintext: &[u8]) -> Result<Blob, StoreError> {
        self.keys
            .get(&self.active)
            .ok_or(StoreError::DamagedKey {
                key_id: self.active,
            })?
            .seal(place, plaintext)
    }

    pub(crate) fn open(
        &self,
        place: &Place<'_>,
        blob: &Blob,
    ) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        let key_id = blob.key_id().ok_or(NotOpened::TooShort)?;
        self.keys
            .get(&key_id)
            .ok_or(NotOpened::UnknownKey)?
            .open(place, blob)
    }
}

fn wrap(key: &DataKey, master: &MasterKey) -> Result<Blob, StoreError> {
    wrapper(master).seal(&wrap_place(key.id), key.bytes())
}

fn unwrap(row: &KeyRow, master: &MasterKey) -> Result<DataKey, StoreError> {
    let wrong = || StoreError::WrongMasterKey {
        key_id: row.key_id,
        wrapped_with: row.master.clone(),
        given: master.fingerprint(),
    };
    let plain = wrapper(master)
        .open(&wrap_place(row.key_id), &row.wrapped)
        .map_err(|_| wrong())?;
    let mut key = Zeroizing::new([0; 32]);
    if plain.len() != key.len() {
        return Err(wrong());
    }
    key.copy_from_slice(&plain);
    Ok(DataKey::new(row.key_id, key))
}

fn unwrap_and_check(row: &KeyRow, master: &MasterKey) -> Result<DataKey, StoreError> {
    let key = unwrap(row, master)?;
    key.open(&check_place(row.key_id), &row.check_value)
        .ok()
        .filter(|check| check.as_slice() == CHECK)
        .ok_or(StoreError::DamagedKey { key_id: row.key_id })?;
    Ok(key)
}

fn wrapper(master: &MasterKey) -> DataKey {
    DataKey::new(MASTER, Zeroizing::new(*master.bytes()))
}

fn wrap_place(key_id: u32) -> Place<'static> {
    Place {
        table: "keyring",
        column: "wrapped",
        tenant: "",
        row: key_id.into(),
        version: 1,
    }
}

fn check_place(key_id: u32) -> Place<'static> {
    Place {
        table: "keyring",
        column: "check_value",
        tenant: "",
        row: key_id.into(),
        version: 1,
    }
}
