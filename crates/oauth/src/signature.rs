//! HMAC-SHA256 over the parameters of a callback, as providers sign them.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Whether `given` is the signature, in hexadecimal, that `key` makes of the parameters: each written as a form writes
/// it, sorted by name, with `&` between them. Compared in constant time.
pub(crate) fn is_signed<'a>(
    key: &str,
    parameters: impl Iterator<Item = &'a (String, String)>,
    given: &str,
) -> bool {
    let mut parameters: Vec<_> = parameters.collect();
    parameters.sort();
    let message = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let (Ok(mut mac), Some(given)) = (
        Hmac::<Sha256>::new_from_slice(key.as_bytes()),
        unhexed(given),
    ) else {
        return false;
    };
    mac.update(message.as_bytes());
    // An app without a secret has nothing to check with: anybody could sign for it.
    !key.is_empty() && mac.verify_slice(&given).is_ok()
}

/// `None` unless it is an even number of hexadecimal digits.
fn unhexed(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with another program: `printf 'code=c&shop=acme.example&state=s' | openssl dgst -sha256 -hmac key`.
    const SIGNATURE: &str = "17e62efa91c1c511e4880e128feea16db5e236cfdbc0819a0c0985ecd20ad4de";

    fn holds(key: &str, pairs: &[(&str, &str)], given: &str) -> bool {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        is_signed(key, pairs.iter(), given)
    }

    #[test]
    fn only_the_very_parameters_and_key_are_signed() {
        let pairs = [("state", "s"), ("shop", "acme.example"), ("code", "c")];
        assert!(holds("key", &pairs, SIGNATURE));
        assert!(!holds("other", &pairs, SIGNATURE));
        assert!(!holds("key", &pairs[1..], SIGNATURE));
        assert!(!holds(
            "key",
            &[("state", "s"), ("shop", "evil.example"), ("code", "c")],
            SIGNATURE
        ));
        for wrong in [
            "",
            "zz",
            "a",
            &SIGNATURE[2..],
            &format!("{SIGNATURE}00"),
            "ä",
        ] {
            assert!(!holds("key", &pairs, wrong), "{wrong:?}");
        }
        assert!(!holds("", &pairs, SIGNATURE));
    }
}
