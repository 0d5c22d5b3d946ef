//! When a token expires, in all the ways in which servers say so.

use std::time::Duration;

use serde_json::Value;
use tieline_core::Timestamp;
use tieline_core::clock::saturating_add;
use tieline_core::descriptor::{ExpiresInFormat, ExpiresInUnit, TokenAnswer};

use super::{Fields, Warnings};

/// Longer lifetimes, 100 years, are no lifetimes.
const ABSURD_SECONDS: f64 = 100.0 * 365.25 * 86_400.0;
/// Numbers from here on count from 1970 in milliseconds rather than seconds.
const MILLISECONDS_FROM: f64 = 1e11;
/// A number from here on is an instant, not a lifetime (2001-09-09).
const INSTANT_FROM: f64 = 1e9;

/// When the access token expires; `None` = not known.
pub(super) fn access_token(
    fields: &Fields<'_>,
    now: Timestamp,
    warnings: &mut Warnings,
) -> Option<Timestamp> {
    if let Some(value) = fields.get("expires_at") {
        match instant(value) {
            Some(at) => return Some(at),
            None => warnings.add("expires_at", "it is no instant that can be understood"),
        }
    }
    if let Some(value) = fields.get("expires_in")
        && let Some(at) = after(value, fields.answer, "expires_in", now, warnings)
    {
        return Some(at);
    }
    let value = fields.get("expires")?;
    let is_instant = number(value).map_or(value.is_string(), |number| number >= INSTANT_FROM);
    if is_instant && let Some(at) = instant(value) {
        return Some(at);
    }
    after(value, fields.answer, "expires", now, warnings)
}

/// When the refresh token expires; `None` = not known.
pub(super) fn refresh_token(
    fields: &Fields<'_>,
    now: Timestamp,
    warnings: &mut Warnings,
) -> Option<Timestamp> {
    if let Some(at) = fields.get("refresh_token_expires_at").and_then(instant) {
        return Some(at);
    }
    let names = [
        "refresh_token_expires_in",
        "x_refresh_token_expires_in",
        "refresh_expires_in",
    ];
    let (name, value) = fields.first(&names)?;
    after(value, fields.answer, name, now, warnings)
}

fn after(
    value: &Value,
    answer: &TokenAnswer,
    name: &str,
    now: Timestamp,
    warnings: &mut Warnings,
) -> Option<Timestamp> {
    let Some(seconds) = seconds(value, answer) else {
        warnings.add(name, "it is no lifetime that can be understood");
        return None;
    };
    if seconds < 1.0 {
        // Zero stands for "never" as often as for "now"; the API's 401 will tell.
        return None;
    }
    if seconds > ABSURD_SECONDS {
        warnings.add(name, "it is longer than 100 years, and taken for unknown");
        return None;
    }
    Some(saturating_add(now, Duration::from_secs(seconds as u64)))
}

fn seconds(value: &Value, answer: &TokenAnswer) -> Option<f64> {
    if answer.expires_in_format == ExpiresInFormat::DaysHoursMinutes
        && let Some(seconds) = value.as_str().and_then(days_hours_minutes)
    {
        return Some(seconds);
    }
    let number = number(value)?;
    Some(match answer.expires_in_unit {
        ExpiresInUnit::Seconds => number,
        ExpiresInUnit::Milliseconds => number / 1_000.0,
    })
}

fn days_hours_minutes(text: &str) -> Option<f64> {
    let mut parts = text
        .trim()
        .split(':')
        .map(|part| part.parse::<u32>().ok().map(f64::from));
    let (days, hours, minutes) = (parts.next()??, parts.next()??, parts.next()??);
    parts
        .next()
        .is_none()
        .then_some(((days * 24.0 + hours) * 60.0 + minutes) * 60.0)
}

/// A number, or text that is one. Infinite and undefined ones are none.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// An instant: since 1970 in seconds or milliseconds, ISO 8601 (UTC unless it says otherwise), or an HTTP date.
fn instant(value: &Value) -> Option<Timestamp> {
    if let Some(number) = number(value) {
        let seconds = if number >= MILLISECONDS_FROM {
            number / 1_000.0
        } else {
            number
        };
        return if seconds >= 1.0 {
            Timestamp::from_second(seconds as i64).ok()
        } else {
            None
        };
    }
    let text = value.as_str()?.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(at) = text.parse::<jiff::civil::DateTime>() {
        return at
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|at| at.timestamp());
    }
    httpdate::parse_http_date(text)
        .ok()
        .and_then(|at| Timestamp::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn expires(answer: &TokenAnswer, object: Value) -> (Option<i64>, usize) {
        let object: Map<String, Value> = serde_json::from_value(object).unwrap();
        let mut warnings = Warnings::default();
        let at = access_token(
            &Fields {
                answer,
                object: &object,
            },
            NOW,
            &mut warnings,
        );
        (at.map(Timestamp::as_second), warnings.into_inner().len())
    }

    #[test]
    fn lifetimes() {
        let standard = TokenAnswer::DEFAULT;
        for (value, known) in [
            (json!(3600), Some(3600)),
            (json!("3600"), Some(3600)),
            (json!(" 3600.9 "), Some(3600)),
            (json!(3600.12), Some(3600)),
            (json!(0), None),
            (json!("0"), None),
            (json!(-5), None),
            (json!(2_147_483_647), Some(2_147_483_647)),
        ] {
            assert_eq!(
                expires(&standard, json!({ "expires_in": value })),
                (known, 0),
                "{value}"
            );
            assert_eq!(
                expires(&standard, json!({ "expires_in": null, "expires": value })).1,
                0,
                "{value}"
            );
        }
        for value in [
            json!(false),
            json!({}),
            json!([3600]),
            json!("zzz"),
            json!(""),
            json!("inf"),
            json!("NaN"),
            json!(u64::MAX),
            json!(1e308),
        ] {
            assert_eq!(
                expires(&standard, json!({ "expires_in": value })),
                (None, 1),
                "{value}"
            );
        }
    }

    #[test]
    fn units_and_formats() {
        let milliseconds = TokenAnswer {
            expires_in_unit: ExpiresInUnit::Milliseconds,
            ..TokenAnswer::DEFAULT
        };
        assert_eq!(
            expires(&milliseconds, json!({ "expires_in": 3_600_000 })),
            (Some(3600), 0)
        );
        let text = TokenAnswer {
            expires_in_format: ExpiresInFormat::DaysHoursMinutes,
            ..TokenAnswer::DEFAULT
        };
        assert_eq!(
            expires(&text, json!({ "expires_in": "1:02:03" })),
            (Some(93_780), 0)
        );
        assert_eq!(expires(&text, json!({ "expires_in": 60 })), (Some(60), 0));
        for wrong in ["1:2", "1:2:3:4", "a:b:c", "99999999999:0:0", ""] {
            assert_eq!(
                expires(&text, json!({ "expires_in": wrong })),
                (None, 1),
                "{wrong}"
            );
        }
    }

    #[test]
    fn instants() {
        let standard = TokenAnswer::DEFAULT;
        for value in [
            json!(1_893_456_000),
            json!("1893456000"),
            json!(1_893_456_000_000_u64),
            json!("2030-01-01T00:00:00Z"),
            json!("2030-01-01T01:00:00+01:00"),
            json!("2030-01-01T00:00:00.000Z"),
            json!("2030-01-01 00:00:00"),
            json!("2030-01-01T00:00:00"),
            json!("Tue, 01 Jan 2030 00:00:00 GMT"),
        ] {
            assert_eq!(
                expires(&standard, json!({ "expires_at": value })),
                (Some(1_893_456_000), 0),
                "{value}"
            );
            assert_eq!(
                expires(&standard, json!({ "expires": value })),
                (Some(1_893_456_000), 0),
                "{value}"
            );
        }
        for value in [
            json!("soon"),
            json!(true),
            json!(0),
            json!(-1),
            json!(1e300),
            json!("9999-99-99T00:00:00Z"),
        ] {
            assert_eq!(
                expires(&standard, json!({ "expires_at": value, "expires_in": 60 })),
                (Some(60), 1),
                "{value}"
            );
        }
        assert_eq!(
            expires(&standard, json!({ "expires": 5_183_999 })),
            (Some(5_183_999), 0)
        );
    }
}
