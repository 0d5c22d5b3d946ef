//! When a delivery that failed is tried again: Standard Webhooks' own schedule, up to five days.

use std::time::Duration;

use tieline_core::random;

/// For how long a webhook may fail before it is disabled.
pub(super) const PATIENCE: Duration = Duration::from_secs(5 * 24 * 60 * 60);

/// After the first attempts; then the last of them again and again.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(5 * 60 * 60),
    Duration::from_secs(10 * 60 * 60),
];
/// With the pauses between them, so many take about five days.
const ATTEMPTS: u32 = 17;

/// After a webhook has failed nothing is sent to it for so long: doubled with each failure in a row …
const FIRST_REST: Duration = Duration::from_secs(5);
/// … up to this.
pub(super) const LONGEST_REST: Duration = Duration::from_secs(5 * 60);

/// How long to wait after an attempt that failed, where there were `before` before it; up to a tenth longer than the schedule
/// says, so that what failed together doesn't come back together. `None` = that was the last one.
pub(super) fn pause(before: u32) -> Option<Duration> {
    if before + 1 >= ATTEMPTS {
        return None;
    }
    let place = usize::try_from(before).unwrap_or(usize::MAX);
    let pause = *PAUSES.get(place).or(PAUSES.last())?;
    let chance = random::bytes().map_or(0, u16::from_le_bytes);
    Some(pause + pause / 10 * u32::from(chance) / u32::from(u16::MAX))
}

/// How long a webhook rests after so many failures in a row.
pub(super) fn rest(failures: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    FIRST_REST.saturating_mul(doubled).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn it_takes_about_five_days_and_then_there_is_no_next() {
        let pauses: Vec<_> = (0..).map_while(pause).collect();
        assert_eq!(pauses.len(), 16);
        let all: Duration = pauses.iter().sum();
        assert!((DAY * 9 / 2..DAY * 6).contains(&all), "{all:?}");
        assert_eq!(pause(u32::MAX - 1), None);
    }

    #[test]
    fn chance_only_lengthens_and_by_a_tenth_at_most() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let waited = pause(1).unwrap();
            assert!((PAUSES[1]..=PAUSES[1] * 11 / 10).contains(&waited));
            seen.insert(waited);
        }
        assert!(seen.len() > 100, "{} different ones", seen.len());
    }

    #[test]
    fn a_rest_is_never_longer_than_the_pause_of_one_delivery() {
        let rests: Vec<_> = (1..=8).map(|failures| rest(failures).as_secs()).collect();
        assert_eq!(rests, [5, 10, 20, 40, 80, 160, 300, 300]);
        for attempts in 0..16 {
            assert!(rest(attempts + 1) <= pause(attempts).unwrap());
        }
        assert_eq!(rest(u32::MAX), LONGEST_REST);
    }
}
