//! What a provider's headers say of a window: how many calls it takes, how many are left, and when it begins anew.

use http::HeaderMap;
use tieline_core::Timestamp;
use tieline_core::clock::saturating_add;
use tieline_core::descriptor::{CallsLeft, QuotaHeaders, Reset};

/// What was said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) limit: Option<u32>,
    pub(crate) left: Option<u32>,
    pub(crate) reset: Option<Timestamp>,
}

impl Quota {
    /// Reads what can be understood; `None` where nothing can.
    pub(crate) fn read(rules: &QuotaHeaders, headers: &HeaderMap, now: Timestamp) -> Option<Self> {
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let number = |name: &str| text(name)?.parse::<u32>().ok();
        let mut quota = Self {
            limit: rules.limit.and_then(number),
            left: None,
            reset: rules.reset.and_then(|reset| match reset {
                Reset::Seconds(name) => {
                    let wait = std::time::Duration::from_secs(number(name)?.into());
                    Some(saturating_add(now, wait))
                }
                Reset::AtSecond(name) => Timestamp::from_second(text(name)?.parse().ok()?).ok(),
                Reset::AtMillisecond(name) => {
                    Timestamp::from_millisecond(text(name)?.parse().ok()?).ok()
                }
            }),
        };
        match rules.left {
            CallsLeft::Header(name) => quota.left = number(name),
            CallsLeft::UsedOf(name) => {
                if let Some((used, of)) = text(name).and_then(|text| text.split_once('/')) {
                    let (used, of) = (used.trim().parse::<u32>(), of.trim().parse::<u32>());
                    quota.limit = of.clone().ok();
                    quota.left = used
                        .ok()
                        .zip(of.ok())
                        .map(|(used, of)| of.saturating_sub(used));
                }
            }
        }
        (quota.limit.is_some() || quota.left.is_some()).then_some(quota)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn read(rules: QuotaHeaders, headers: &[(&str, &str)]) -> Option<Quota> {
        let headers = headers.iter().map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        Quota::read(
            &rules,
            &headers.collect(),
            Timestamp::from_second(100).unwrap(),
        )
    }

    #[test]
    fn what_can_be_understood_counts() {
        let rules = |reset| QuotaHeaders {
            limit: Some("x-limit"),
            left: CallsLeft::Header("x-left"),
            reset: Some(reset),
        };
        let at = |second| Timestamp::from_second(second).ok();
        for (reset, text, expected) in [
            (Reset::Seconds("x-reset"), "60", at(160)),
            (Reset::AtSecond("x-reset"), "130", at(130)),
            (Reset::AtMillisecond("x-reset"), " 130000 ", at(130)),
            (Reset::AtSecond("x-reset"), "99999999999999999999", None),
            (Reset::Seconds("x-reset"), "soon", None),
        ] {
            let headers = [("x-limit", "10"), ("x-left", "3"), ("x-reset", text)];
            let quota = read(rules(reset), &headers).unwrap();
            assert_eq!((quota.limit, quota.left), (Some(10), Some(3)));
            assert_eq!(quota.reset, expected, "{reset:?} {text}");
        }
        assert_eq!(
            read(rules(Reset::Seconds("x-reset")), &[("x-left", "-1")]),
            None
        );
    }

    #[test]
    fn used_of_so_many() {
        let rules = QuotaHeaders {
            limit: None,
            left: CallsLeft::UsedOf("x-calls"),
            reset: None,
        };
        for (text, expected) in [
            ("32/40", Some((Some(40), Some(8)))),
            ("41/40", Some((Some(40), Some(0)))),
            ("/40", Some((Some(40), None))),
            ("32", None),
            ("", None),
        ] {
            let quota = read(rules, &[("x-calls", text)]);
            assert_eq!(
                quota.map(|quota| (quota.limit, quota.left)),
                expected,
                "{text}"
            );
        }
    }
}
