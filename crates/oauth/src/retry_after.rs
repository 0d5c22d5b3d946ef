//! `Retry-After` (RFC 9110 section 10.2.3): seconds, or any of the three forms of an HTTP date.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use tieline_core::Timestamp;

/// No provider may stop us for longer than this.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the provider asks us to wait, at most a day; nothing where it says nothing that can be understood.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        let seconds = (seconds >= 0.0).then_some(seconds.min(LONGEST.as_secs_f64()))?;
        return Some(Duration::from_secs_f64(seconds.ceil()));
    }
    let at = Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok()?;
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn after(text: &str) -> Option<u64> {
        let now = "1994-11-06T08:48:37Z".parse().unwrap();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(text).unwrap())]);
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_all_three_forms_of_date() {
        assert_eq!(after("120"), Some(120));
        assert_eq!(after(" 1.2 "), Some(2));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(60));
        assert_eq!(after("Sunday, 06-Nov-94 08:49:37 GMT"), Some(60));
        assert_eq!(after("Sun Nov  6 08:49:37 1994"), Some(60));
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_at_most_a_day(
            text in prop_oneof![
                "[ -~]{0,40}",
                "-?[0-9]{1,30}(\\.[0-9]{0,5})?(e[0-9]{1,4})?",
                "(Sun|Sunday|Mon),? [0-9]{1,2}[ -](Nov|Feb)[ -][0-9]{2,4} [0-9]{2}:[0-9]{2}:[0-9]{2}( GMT)?",
            ],
            now in -377_705_023_201_i64..=253_402_207_200,
        ) {
            let now = Timestamp::from_second(now).unwrap();
            let value = HeaderValue::from_str(&text).unwrap();
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value)]);
            prop_assert!(retry_after(&headers, now).is_none_or(|wait| wait <= LONGEST));
        }

        #[test]
        fn a_date_says_what_is_left_until_then(second in 0_i64..4_102_444_800, wait in 0_u32..200_000) {
            let at = Timestamp::from_second(second + i64::from(wait)).unwrap();
            let fixed = httpdate::fmt_http_date(at.into());
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(&fixed).unwrap())]);
            let now = Timestamp::from_second(second).unwrap();
            let expected = Duration::from_secs(wait.into()).min(LONGEST);
            prop_assert_eq!(retry_after(&headers, now), Some(expected));
        }
    }

    #[test]
    fn at_most_a_day_and_never_backwards() {
        for forever in [
            "99999999999999999999",
            "1e300",
            "inf",
            "Tue, 06 Nov 2035 08:49:37 GMT",
        ] {
            assert_eq!(after(forever), Some(86_400), "{forever}");
        }
        assert_eq!(after("Sun, 06 Nov 1994 08:47:37 GMT"), Some(0));
        for nothing in ["", "-1", "soon", "NaN", "Sun, 06 Nov 1994"] {
            assert_eq!(after(nothing), None, "{nothing}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }
}
