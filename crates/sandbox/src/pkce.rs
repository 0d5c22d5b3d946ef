//! Proof keys for code exchange (RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::grants::Challenge;
use crate::rules::PkceMethod;

/// Section 4.6. A verifier without a challenge is refused too: somebody took the challenge out
/// of the authorization request (RFC 9700, section 4.8).
pub(crate) fn prove(
    challenge: Option<&Challenge>,
    verifier: Option<&str>,
) -> Result<(), &'static str> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err("code_verifier without a challenge"),
        (Some(_), None) => Err("code_verifier is missing"),
        (Some(_), Some(verifier)) if !is_pkce(verifier) => Err("code_verifier is malformed"),
        (Some(given), Some(verifier)) => {
            let proven = match given.method {
                PkceMethod::Plain => verifier == given.challenge,
                PkceMethod::S256 => {
                    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == given.challenge
                }
            };
            if proven {
                Ok(())
            } else {
                Err("code_verifier doesn't match the challenge")
            }
        }
    }
}

/// 43 to 128 unreserved characters (section 4.1).
pub(crate) fn is_pkce(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pkce_of_the_rfc() {
        // RFC 7636, appendix B.
        let given = Challenge {
            method: PkceMethod::S256,
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
        };
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(prove(Some(&given), Some(verifier)), Ok(()));
        assert!(prove(Some(&given), Some(&verifier.replace('d', "e"))).is_err());
        assert!(prove(Some(&given), Some("short")).is_err());
        assert!(prove(Some(&given), None).is_err());
        assert!(prove(None, Some(verifier)).is_err());
    }
}
