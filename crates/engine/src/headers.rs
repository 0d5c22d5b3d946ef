//! Which of a caller's headers are passed on to the provider.

use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName};

/// The caller's headers without those that speak for the connection (RFC 9110 section 7.6.1), by their own name or since
/// `Connection` names them, or for somebody else.
pub(crate) fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let passed = headers
        .iter()
        .filter(|(name, _)| passes(name) && !named.contains(name));
    passed
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The length that the caller announces for a body that comes in pieces.
pub(crate) fn announced_length(headers: &HeaderMap) -> Option<u64> {
    let mut values = headers.get_all(CONTENT_LENGTH).iter();
    let text = values.next()?.to_str().ok()?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_one = is_number && values.next().is_none();
    is_one.then(|| text.parse().ok()).flatten()
}

fn passes(name: &HeaderName) -> bool {
    // What a proxy before the host told of the way there.
    let of_the_way = name.as_str().starts_with("x-forwarded-");
    !of_the_way
        && !matches!(
            name.as_str(),
            "authorization"
                | "connection"
                | "content-length"
                | "cookie"
                | "cookie2"
                | "expect"
                | "forwarded"
                | "host"
                | "http2-settings"
                | "keep-alive"
                | "proxy-authorization"
                | "proxy-connection"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
                | "via"
                | "x-real-ip"
        )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn what_speaks_for_somebody_else_or_the_connection_is_not_passed_on() {
        let passed = passed_on(&headers(&[
            ("Authorization", "Bearer the-callers"),
            ("Cookie", "a=b"),
            ("Transfer-Encoding", "chunked"),
            ("Connection", "keep-alive, X-Hop ,, no name"),
            ("connection", "x-other"),
            ("X-Hop", "1"),
            ("x-other", "1"),
            ("Host", "evil.example"),
            ("accept", "a"),
            ("accept", "b"),
            ("x-request-id", "7"),
        ]));
        let expected = [("accept", "a"), ("accept", "b"), ("x-request-id", "7")];
        assert_eq!(passed, headers(&expected));
    }

    #[test]
    fn a_length_is_announced_once_and_in_digits() {
        for (pairs, expected) in [
            (&[("content-length", "7")][..], Some(7)),
            (&[], None),
            (&[("content-length", "+7")], None),
            (&[("content-length", "7, 7")], None),
            (&[("content-length", "7"), ("content-length", "7")], None),
            (&[("content-length", "99999999999999999999")], None),
        ] {
            assert_eq!(announced_length(&headers(pairs)), expected, "{pairs:?}");
        }
    }
}
