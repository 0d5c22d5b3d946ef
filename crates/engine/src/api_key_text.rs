//! What an API key looks like: `tieline_` and 256 random bits in base64url, so that whoever scans for lost secrets knows one
//! when they see it.

use tieline_core::Secret;
use tieline_core::random::{self, NoRandomness};

use crate::lookup_hash::lookup_hash;

const PREFIX: &str = "tieline_";
/// Of 256 bits in base64url without padding.
const CHARACTERS: usize = 43;
/// So much is shown of it ever after.
const HINT: usize = 4;

/// A key that nobody had before.
pub(crate) struct FreshKey {
    pub(crate) key: Secret,
    /// What is stored of it.
    pub(crate) hash: [u8; 32],
    /// The end of it.
    pub(crate) hint: String,
}

impl FreshKey {
    pub(crate) fn new() -> Result<Self, NoRandomness> {
        let token = random::token()?;
        // Sized at once: a text that grows leaves copies behind.
        let mut text = String::with_capacity(PREFIX.len() + CHARACTERS);
        text.push_str(PREFIX);
        text.push_str(token.expose());
        let start = text.len().saturating_sub(HINT);
        Ok(Self {
            hash: lookup_hash(&text),
            hint: text.get(start..).unwrap_or_default().to_owned(),
            key: Secret::new(text),
        })
    }
}

/// What is stored of a text that looks like a key; `None` for any other.
pub(crate) fn hash_of(key: &Secret) -> Option<[u8; 32]> {
    let text = key.expose();
    let random = text.strip_prefix(PREFIX)?;
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_one = random.len() == CHARACTERS && random.bytes().all(is_base64url);
    is_one.then(|| lookup_hash(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_recognised_and_nothing_else_is() {
        let FreshKey { key, hash, hint } = FreshKey::new().unwrap();
        assert_eq!(hash_of(&key), Some(hash));
        assert!(key.expose().ends_with(&hint));
        assert_eq!((key.len(), hint.len()), (51, 4));
        assert_ne!(FreshKey::new().unwrap().hash, hash);
        let text = key.expose();
        let end = &text[..text.len() - 1];
        for wrong in [
            String::new(),
            "tieline_".to_owned(),
            end.to_owned(),
            format!("{text}x"),
            format!(" {text}"),
            format!("{end}="),
            format!("{end}ä"),
            text.replace("tieline_", "Tieline_"),
            text.replace("tieline_", "tieline-"),
        ] {
            assert_eq!(hash_of(&Secret::new(wrong.as_str())), None, "{wrong:?}");
        }
    }
}
