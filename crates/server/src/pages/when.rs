//! Times as people say them.

use std::time::Duration;

use tieline_core::Timestamp;

/// A time: for people, for programs, and exactly.
pub(crate) struct When {
    /// `3 minutes ago`, `in 2 days`.
    pub(crate) words: String,
    /// RFC 3339.
    pub(crate) exact: String,
}

const UNITS: [(u64, &str); 5] = [
    (365 * 24 * 60 * 60, "year"),
    (24 * 60 * 60, "day"),
    (60 * 60, "hour"),
    (60, "minute"),
    (1, "second"),
];

impl When {
    pub(crate) fn of(at: Timestamp, now: Timestamp) -> Self {
        let apart = at.duration_since(now);
        let long = words(apart.unsigned_abs());
        let words = match long {
            None => "now".to_owned(),
            Some(long) if apart.is_negative() => format!("{long} ago"),
            Some(long) => format!("in {long}"),
        };
        let exact = Timestamp::from_second(at.as_second()).unwrap_or(at);
        Self {
            words,
            exact: exact.to_string(),
        }
    }
}

/// In the largest unit there is one of; nothing where it is less than a second.
fn words(long: Duration) -> Option<String> {
    let seconds = long.as_secs();
    let (unit, name) = UNITS.iter().find(|(unit, _)| seconds >= *unit)?;
    let count = seconds / unit;
    Some(format!(
        "{count} {name}{}",
        if count == 1 { "" } else { "s" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_how_far_away_they_are() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let told = |second: i64| {
            let at = Timestamp::from_second(1_000_000_000 + second).unwrap();
            When::of(at, now).words
        };
        for (second, words) in [
            (0, "now"),
            (1, "in 1 second"),
            (-59, "59 seconds ago"),
            (60, "in 1 minute"),
            (-3_599, "59 minutes ago"),
            (7_200, "in 2 hours"),
            (-86_400, "1 day ago"),
            (45 * 86_400, "in 45 days"),
            (-800 * 86_400, "2 years ago"),
        ] {
            assert_eq!(told(second), words);
        }
        assert_eq!(When::of(now, now).exact, "2001-09-09T01:46:40Z");
    }
}
