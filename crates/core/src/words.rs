//! Facts in words, for pages and terminals: lists, numbers, durations.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `a, b and c`.
pub fn list(items: &[impl AsRef<str>]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `125,000`.
pub fn number(number: u32) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 call`, `1,500 calls`.
pub fn calls(count: u32) -> String {
    format!(
        "{} call{}",
        number(count),
        if count == 1 { "" } else { "s" }
    )
}

/// `24 hours`, `45 days`: in the largest unit that comes out even.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    // A single day reads better as 24 hours.
    let (unit, name) = match seconds {
        _ if seconds.is_multiple_of(DAY) && seconds > DAY => (DAY, "day"),
        _ if seconds.is_multiple_of(HOUR) => (HOUR, "hour"),
        _ if seconds.is_multiple_of(MINUTE) => (MINUTE, "minute"),
        _ => (1, "second"),
    };
    let count = seconds / unit;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// `second`, `minute`, `day`, `10 minutes`: what follows "per".
pub fn window(window: Duration) -> String {
    match window.as_secs() {
        1 => "second".to_owned(),
        MINUTE => "minute".to_owned(),
        HOUR => "hour".to_owned(),
        DAY => "day".to_owned(),
        _ => duration(window),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_numbers_read_well() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(
            [7, 150, 1_500, 125_000, 1_000_000].map(number),
            ["7", "150", "1,500", "125,000", "1,000,000"]
        );
    }

    #[test]
    fn durations_read_well() {
        let say = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(
            [1, 90, 60, 1800, 3600].map(say),
            ["1 second", "90 seconds", "1 minute", "30 minutes", "1 hour"]
        );
        assert_eq!([DAY, 45 * DAY].map(say), ["24 hours", "45 days"]);
        assert_eq!(
            [1, 600, DAY].map(|seconds| window(Duration::from_secs(seconds))),
            ["second", "10 minutes", "day"]
        );
    }
}
