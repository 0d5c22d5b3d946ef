//! Standard Webhooks' symmetric signature: `v1,` and HMAC-SHA256 in base64, of id, time and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tieline_core::random::{self, NoRandomness};
use tieline_core::{Secret, Timestamp};
use zeroize::Zeroizing;

/// What a secret begins with, so that it is known for one.
const PREFIX: &str = "whsec_";

/// A secret of 256 random bits.
pub(super) fn fresh_secret() -> Result<Secret, NoRandomness> {
    let bytes = Zeroizing::new(random::bytes::<32>()?);
    let text = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
    Ok(Secret::new([PREFIX, text.as_str()].concat()))
}

/// Whether a text is a secret as the specification has it.
pub(super) fn is_secret(text: &Secret) -> bool {
    key(text).is_some()
}

/// The signature of a message that is sent at `at`; `None` where the secret is none.
pub(super) fn signature(secret: &Secret, id: &str, at: Timestamp, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
    mac.update(format!("{id}.{}.", at.as_second()).as_bytes());
    mac.update(body);
    let code = STANDARD.encode(mac.finalize().into_bytes());
    Some(format!("v1,{code}"))
}

fn key(secret: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.expose().strip_prefix(PREFIX)?;
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    (24..=64).contains(&bytes.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_own_example() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed.as_deref(), Some(expected));
    }

    #[test]
    fn a_secret_is_24_to_64_bytes() {
        assert!(is_secret(&fresh_secret().unwrap()));
        assert_ne!(fresh_secret().unwrap(), fresh_secret().unwrap());
        let of = |length| Secret::new(format!("{PREFIX}{}", STANDARD.encode(vec![7; length])));
        for (length, fits) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(is_secret(&of(length)), fits, "{length} bytes");
        }
        let long = STANDARD.encode([7; 32]);
        for wrong in [
            long.clone(),
            format!("whsec-{long}"),
            format!("whsec_{long}!"),
        ] {
            assert!(!is_secret(&Secret::new(wrong)));
        }
    }
}
