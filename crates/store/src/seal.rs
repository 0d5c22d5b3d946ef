//! The sealed blob: XChaCha20-Poly1305, bound to the one place where it belongs.
//!
//! `version ‖ algorithm ‖ key id (u32, big endian) ‖ nonce (24) ‖ ciphertext ‖ tag (16)`

use std::fmt;

use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use tieline_core::random;
use zeroize::{Zeroize as _, Zeroizing};

use crate::StoreError;

const VERSION: u8 = 1;
const XCHACHA20_POLY1305: u8 = 1;
const HEADER: usize = 6;
const NONCE: usize = 24;
const TAG: usize = 16;

/// A sealed blob as it stands in the database.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Blob(pub(crate) Vec<u8>);

impl Blob {
    /// The key it was sealed with, as its header says; `None` where the blob is too short to have one.
    pub(crate) fn key_id(&self) -> Option<u32> {
        self.0
            .get(2..HEADER)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u32::from_be_bytes)
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

/// The one place where a blob opens: moved anywhere else, or kept from an earlier version, it does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    /// Empty for what belongs to no tenant.
    pub(crate) tenant: &'a str,
    pub(crate) row: i64,
    /// This blob's own version, such as the generation.
    pub(crate) version: i64,
}

impl Place<'_> {
    /// What the tag covers beside the ciphertext: the header, and each part with its length before it, so that no two places spell
    /// the same bytes.
    fn bytes(&self, header: &[u8]) -> Vec<u8> {
        let (row, version) = (self.row.to_be_bytes(), self.version.to_be_bytes());
        let parts: [&[u8]; 7] = [
            header,
            b"tieline",
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.tenant.as_bytes(),
            &row,
            &version,
        ];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// Why a blob does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotOpened {
    TooShort,
    UnknownFormat,
    UnknownKey,
    Refused,
    NotText,
}

impl NotOpened {
    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::TooShort => "the sealed blob is cut short",
            Self::UnknownFormat => "the sealed blob has an unknown format",
            Self::UnknownKey => "its data key is not in the keyring",
            Self::Refused => "it was altered, or belongs to another place or version",
            Self::NotText => "what it holds is not what was sealed here",
        }
    }
}

/// A 256-bit key with its id.
pub(crate) struct DataKey {
    pub(crate) id: u32,
    key: Zeroizing<[u8; 32]>,
}

impl DataKey {
    pub(crate) fn new(id: u32, key: Zeroizing<[u8; 32]>) -> Self {
        Self { id, key }
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    pub(crate) fn seal(&self, place: &Place<'_>, plaintext: &[u8]) -> Result<Blob, StoreError> {
        let nonce = random::bytes::<NONCE>()?;
        let [a, b, c, d] = self.id.to_be_bytes();
        let header = [VERSION, XCHACHA20_POLY1305, a, b, c, d];

        // Sized at once: growing would leave copies of the plaintext behind.
        let mut blob = Vec::with_capacity(HEADER + NONCE + plaintext.len() + TAG);
        blob.extend_from_slice(&header);
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(plaintext);
        let (_, body) = blob.split_at_mut(HEADER + NONCE);
        let tag = self.cipher().encrypt_inout_detached(
            &XNonce::from(nonce),
            &place.bytes(&header),
            body.into(),
        );
        let Ok(tag) = tag else {
            blob.zeroize();
            return Err(StoreError::Conflict(
                "a secret of more than 256 GiB cannot be sealed".to_owned(),
            ));
        };
        blob.extend_from_slice(&tag);
        Ok(Blob(blob))
    }

    pub(crate) fn open(
        &self,
        place: &Place<'_>,
        blob: &Blob,
    ) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        let blob = blob.0.as_slice();
        if blob.len() < HEADER + NONCE + TAG {
            return Err(NotOpened::TooShort);
        }
        let (header, rest) = blob.split_at(HEADER);
        let (nonce, rest) = rest.split_at(NONCE);
        let (body, tag) = rest.split_at(rest.len() - TAG);
        if header[0] != VERSION || header[1] != XCHACHA20_POLY1305 {
            return Err(NotOpened::UnknownFormat);
        }
        let (Ok(nonce), Ok(tag)) = (XNonce::try_from(nonce), Tag::try_from(tag)) else {
            return Err(NotOpened::TooShort);
        };
        let mut plaintext = Zeroizing::new(body.to_vec());
        self.cipher()
            .decrypt_inout_detached(
                &nonce,
                &place.bytes(header),
                plaintext.as_mut_slice().into(),
                &tag,
            )
            .map_err(|_| NotOpened::Refused)?;
        Ok(plaintext)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.key).into())
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DataKey").field(&self.id).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"0x-not-a-real-token-0x";

    fn place() -> Place<'static> {
        Place {
            table: "instances",
            column: "access_token",
            tenant: "acme",
            row: 42,
            version: 7,
        }
    }

    fn key(id: u32) -> DataKey {
        DataKey::new(id, Zeroizing::new([id as u8; 32]))
    }

    #[test]
    fn opens_where_it_was_sealed() {
        let blob = key(3).seal(&place(), SECRET).unwrap();
        assert_eq!(blob.key_id(), Some(3));
        assert_eq!(key(3).open(&place(), &blob).unwrap().as_slice(), SECRET);
        assert!(!blob.0.windows(SECRET.len()).any(|window| window == SECRET));
        assert_eq!(
            key(3)
                .open(&place(), &key(3).seal(&place(), b"").unwrap())
                .unwrap()
                .as_slice(),
            b""
        );
    }

    #[test]
    fn sealing_twice_never_looks_the_same() {
        assert_ne!(
            key(3).seal(&place(), SECRET).unwrap(),
            key(3).seal(&place(), SECRET).unwrap()
        );
    }

    #[test]
    fn every_single_bit_flip_is_noticed() {
        let blob = key(3).seal(&place(), SECRET).unwrap();
        for bit in 0..blob.0.len() * 8 {
            let mut flipped = blob.clone();
            flipped.0[bit / 8] ^= 1 << (bit % 8);
            assert!(key(3).open(&place(), &flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_blob_cut_at_any_length_does_not_open() {
        let blob = key(3).seal(&place(), SECRET).unwrap();
        for length in 0..blob.0.len() {
            assert!(
                key(3)
                    .open(&place(), &Blob(blob.0[..length].to_vec()))
                    .is_err(),
                "{length} bytes"
            );
        }
        let mut longer = blob;
        longer.0.push(0);
        assert!(key(3).open(&place(), &longer).is_err());
    }

    #[test]
    fn a_blob_moved_anywhere_else_does_not_open() {
        let blob = key(3).seal(&place(), SECRET).unwrap();
        let elsewhere = [
            Place {
                table: "apps",
                ..place()
            },
            Place {
                column: "refresh_token",
                ..place()
            },
            Place {
                tenant: "other",
                ..place()
            },
            Place {
                tenant: "",
                ..place()
            },
            Place { row: 43, ..place() },
            Place {
                version: 6,
                ..place()
            },
            Place {
                version: 8,
                ..place()
            },
            // The same letters, cut elsewhere.
            Place {
                table: "instance",
                column: "saccess_token",
                ..place()
            },
            Place {
                column: "access_tokena",
                tenant: "cme",
                ..place()
            },
            Place {
                row: 7,
                version: 42,
                ..place()
            },
        ];
        for elsewhere in elsewhere {
            assert_eq!(
                key(3).open(&elsewhere, &blob).unwrap_err(),
                NotOpened::Refused,
                "{elsewhere:?}"
            );
        }
    }

    #[test]
    fn another_key_does_not_open_it() {
        let blob = key(3).seal(&place(), SECRET).unwrap();
        assert_eq!(
            key(4).open(&place(), &blob).unwrap_err(),
            NotOpened::Refused
        );
        let same_id = DataKey::new(3, Zeroizing::new([9; 32]));
        assert_eq!(
            same_id.open(&place(), &blob).unwrap_err(),
            NotOpened::Refused
        );
    }
}
