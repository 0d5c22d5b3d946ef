//! The master key: wraps the data keys, and lives apart from the data folder.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use tieline_core::{Secret, random};
use zeroize::Zeroizing;

use crate::StoreError;

/// What a master key's text begins with; the number is the format's.
const PREFIX: &str = "tieline-master-key-1:";

/// 256 random bits that wrap a store's data keys. Back it up apart from the data: without it no instance can be read.
///
/// Deliberately absent: `Clone`, `Serialize`, and any way to the bytes from outside this crate.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Whether [`MasterKey::load_or_create`] made a new key, so that its owner can be told to back it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// A new key was written.
    Yes,
    /// The key was there already.
    No,
}

impl MasterKey {
    /// Reads the key file: one line, `tieline-master-key-1:` and 43 characters of base64url.
    ///
    /// # Errors
    /// [`StoreError::MasterKeyMissing`], [`StoreError::MasterKeyInvalid`], or the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, StoreError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => Secret::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::MasterKeyMissing {
                    path: path.to_owned(),
                });
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(invalid(path.display().to_string(), "it is not text"));
            }
            // Elsewhere this is about writing.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(StoreError::BadPath {
                    path: path.to_owned(),
                    why: error.to_string(),
                });
            }
            Err(error) => return Err(StoreError::io(path, &error)),
        };
        if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
            tracing::warn!(path = %path.display(), "the master key can be read by others than its owner: chmod 400 it");
        }
        Self::parse(&text, path.display().to_string())
    }

    /// Makes a new key and writes it to a new file that only its owner can read (mode 0400). Missing parent folders are made.
    ///
    /// # Errors
    /// [`StoreError::MasterKeyExists`] when there is a file already; or it cannot be written.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let key = Self(Zeroizing::new(random::bytes()?));
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| StoreError::io(folder, &error))?;
        let mut file = match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(path)
        {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(StoreError::MasterKeyExists {
                    path: path.to_owned(),
                });
            }
            Err(error) => return Err(StoreError::io(path, &error)),
        };
        let written = file
            .write_all(key.text().expose().as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| File::open(folder)?.sync_all());
        if let Err(error) = written {
            // Ours, just made, and nothing is sealed with it yet: half a key must not stay behind.
            let _ = fs::remove_file(path);
            return Err(StoreError::io(path, &error));
        }
        Ok(key)
    }

    /// Loads the key, or makes one where there is none yet.
    ///
    /// Only for a first start: where a store exists already ([`Store::exists`](crate::Store::exists)), a new key cannot open it, so
    /// use [`load`](Self::load).
    ///
    /// # Errors
    /// As [`load`](Self::load) and [`create`](Self::create).
    pub fn load_or_create(path: &Path) -> Result<(Self, Created), StoreError> {
        match Self::load(path) {
            Err(StoreError::MasterKeyMissing { .. }) => Ok((Self::create(path)?, Created::Yes)),
            loaded => Ok((loaded?, Created::No)),
        }
    }

    /// A key given as text, from the environment for instance, in the format of the key file.
    ///
    /// # Errors
    /// [`StoreError::MasterKeyInvalid`].
    pub fn from_text(text: &Secret) -> Result<Self, StoreError> {
        Self::parse(text, "the text given".to_owned())
    }

    /// Names the key without revealing it: 8 bytes of a hash of it, in hex.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"tieline master key fingerprint");
        hash.update(self.bytes());
        hash.finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    fn text(&self) -> Secret {
        let mut text = String::with_capacity(PREFIX.len() + 44);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(self.bytes(), &mut text);
        text.push('\n');
        Secret::new(text)
    }

    fn parse(text: &Secret, origin: String) -> Result<Self, StoreError> {
        let line = text.expose().trim_end_matches(['\n', '\r']);
        if line.is_empty() {
            return Err(invalid(origin, "it is empty"));
        }
        let Some(encoded) = line.strip_prefix(PREFIX) else {
            return Err(invalid(
                origin,
                "it does not begin with tieline-master-key-1:",
            ));
        };
        let mut bytes = Zeroizing::new([0; 32]);
        match URL_SAFE_NO_PAD.decode_slice(encoded, bytes.as_mut_slice()) {
            Ok(32) => Ok(Self(bytes)),
            _ => Err(invalid(
                origin,
                "what follows the prefix is not 32 bytes in base64url",
            )),
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MasterKey")
            .field(&self.fingerprint())
            .finish()
    }
}

fn invalid(origin: String, why: &'static str) -> StoreError {
    StoreError::MasterKeyInvalid { origin, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_created_key_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/master.key");
        let (key, created) = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(created, Created::Yes);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o400
        );

        let (again, created) = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(created, Created::No);
        assert_eq!(key.bytes(), again.bytes());

        let before = fs::read(&path).unwrap();
        assert!(matches!(
            MasterKey::create(&path),
            Err(StoreError::MasterKeyExists { .. })
        ));
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(
            MasterKey::from_text(&Secret::new(String::from_utf8(before).unwrap()))
                .unwrap()
                .bytes(),
            key.bytes()
        );
    }

    #[test]
    fn what_is_no_key_says_why_without_showing_it() {
        let nearly = format!("{PREFIX}{}", "A".repeat(44));
        for (text, why) in [
            ("", "empty"),
            ("\n", "empty"),
            ("hunter2", "begin"),
            ("tieline-master-key-1:", "32 bytes"),
            ("tieline-master-key-1:AAAA", "32 bytes"),
            ("tieline-master-key-1:!!!!", "32 bytes"),
            (nearly.as_str(), "32 bytes"),
        ] {
            let error = MasterKey::from_text(&Secret::new(text))
                .unwrap_err()
                .to_string();
            assert!(error.contains(why), "{text:?}: {error}");
            assert!(
                !error.contains("hunter2") && !error.contains("AAAA"),
                "{error}"
            );
        }
    }

    #[test]
    fn debug_shows_the_fingerprint_only() {
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::create(&folder.path().join("k")).unwrap();
        let text = key.text();
        let encoded = text.expose().trim_end().strip_prefix(PREFIX).unwrap();
        assert_eq!(
            format!("{key:?}"),
            format!("MasterKey(\"{}\")", key.fingerprint())
        );
        assert!(!format!("{key:?}").contains(encoded));
    }

    #[test]
    fn a_missing_key_names_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nothing.key");
        let error = MasterKey::load(&path).unwrap_err();
        assert!(error.to_string().contains("nothing.key"), "{error}");
        assert!(matches!(error, StoreError::MasterKeyMissing { .. }));
        assert!(!path.exists());
    }
}
