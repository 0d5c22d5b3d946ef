//! Random identifiers and secrets, from the operating system.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Secret;

/// The operating system gave no random bytes. Nothing that needs secrecy can go on without them.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

/// Fills an array with random bytes.
///
/// # Errors
/// When the operating system has none to give.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// An identifier in `1..2^53`, so that JSON numbers carry it exactly.
///
/// # Errors
/// When the operating system has no random bytes to give.
pub fn id() -> Result<i64, NoRandomness> {
    let raw = u64::from_le_bytes(bytes::<8>()?) & ((1 << 53) - 1);
    Ok((raw.max(1)).cast_signed())
}

/// 256 random bits in base64url without padding: 43 characters, fit for `state`, tickets and PKCE verifiers.
///
/// # Errors
/// When the operating system has no random bytes to give.
pub fn token() -> Result<Secret, NoRandomness> {
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes::<32>()?)))
}

/// A public 128-bit identifier in lower-case hex.
///
/// # Errors
/// When the operating system has no random bytes to give.
pub fn context() -> Result<String, NoRandomness> {
    Ok(u128::from_le_bytes(bytes::<16>()?)).map(|raw| format!("{raw:032x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_fit_a_json_number() {
        for _ in 0..1_000 {
            let id = id().unwrap();
            assert!((1..1 << 53).contains(&id), "{id}");
        }
    }

    #[test]
    fn tokens_have_43_url_safe_characters() {
        let token = token().unwrap();
        assert_eq!(token.len(), 43);
        assert_ne!(token, super::token().unwrap());
        assert_eq!(context().unwrap().len(), 32);
    }
}
