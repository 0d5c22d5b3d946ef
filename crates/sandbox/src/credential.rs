//! Where a call to the API carries its token or key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::rules::TokenPlace;

/// What stands there, exactly once.
pub(crate) fn read(place: &TokenPlace, headers: &HeaderMap) -> Option<String> {
    let credential = match place {
        TokenPlace::Bearer => after_scheme(headers, "bearer")?.to_owned(),
        TokenPlace::Header(name) => only(headers, name)?.to_owned(),
        TokenPlace::BasicUser(_) => {
            let pair = basic(headers)?;
            let (user, _) = pair.split_once(':')?;
            user.to_owned()
        }
        TokenPlace::BasicPair => basic(headers).filter(|pair| pair.contains(':'))?,
    };
    (!credential.is_empty()).then_some(credential)
}

fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut headers = headers.get_all(name).iter();
    match (headers.next(), headers.next()) {
        (Some(header), None) => header.to_str().ok(),
        _ => None,
    }
}

fn after_scheme<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let (scheme, rest) = only(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then_some(rest)
}

/// RFC 7617: unlike OAuth's, not form-encoded.
fn basic(headers: &HeaderMap) -> Option<String> {
    let encoded = after_scheme(headers, "basic")?;
    String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_credential_stands_in_one_place_once() {
        let header = TokenPlace::Header("X-Token".into());
        let user = TokenPlace::BasicUser("X".into());
        for (place, given, expected) in [
            (
                &TokenPlace::Bearer,
                &[("authorization", "bearer a")][..],
                Some("a"),
            ),
            (&TokenPlace::Bearer, &[("authorization", "Basic a")], None),
            (&TokenPlace::Bearer, &[("authorization", "Bearer ")], None),
            (&TokenPlace::Bearer, &[("x-token", "a")], None),
            (&header, &[("x-token", "a")], Some("a")),
            (&header, &[("authorization", "Bearer a")], None),
            (&header, &[("x-token", "a"), ("x-token", "a")], None),
            // a:X, a:, :X, a+b:c
            (&user, &[("authorization", "Basic YTpY")], Some("a")),
            (&user, &[("authorization", "Basic YTo=")], Some("a")),
            (&user, &[("authorization", "Basic Olg=")], None),
            (&user, &[("authorization", "Basic *")], None),
            (&user, &[("authorization", "Bearer a")], None),
            (
                &TokenPlace::BasicPair,
                &[("authorization", "Basic YStiOmM=")],
                Some("a+b:c"),
            ),
            // a
            (
                &TokenPlace::BasicPair,
                &[("authorization", "Basic YQ==")],
                None,
            ),
        ] {
            let read = read(place, &headers(given));
            assert_eq!(read.as_deref(), expected, "{place:?} {given:?}");
        }
    }
}
