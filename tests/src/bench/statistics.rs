//! What is said of many durations, and of two contenders.

use std::time::Duration;

/// The shortest duration that so many per cent of them do not exceed; zero of none.
#[must_use]
pub fn percentile(sorted: &[Duration], per_cent: usize) -> Duration {
    let rank = (sorted.len() * per_cent).div_ceil(100);
    let place = rank.saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

/// How many in a second; zero where no time has passed.
#[must_use]
pub fn rate(count: usize, elapsed: Duration) -> f64 {
    if elapsed.is_zero() {
        return 0.0;
    }
    count as f64 / elapsed.as_secs_f64()
}

/// What the first makes of the second's rate: the median of the rounds, so that one in which the machine was busy with
/// something else does not count. `None` where no round can be compared.
#[must_use]
pub fn ratio(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    let pairs = ours.iter().zip(theirs);
    let mut ratios: Vec<f64> = pairs
        .filter(|(_, theirs)| **theirs > 0.0)
        .map(|(ours, theirs)| ours / theirs)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let upper = *ratios.get(ratios.len() / 2)?;
    if ratios.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *ratios.get((ratios.len() / 2).checked_sub(1)?)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(all: &[u64]) -> Vec<Duration> {
        all.iter().map(|one| Duration::from_millis(*one)).collect()
    }

    #[test]
    fn a_percentile_is_one_of_the_durations() {
        let hundred: Vec<u64> = (1..=100).collect();
        for (durations, per_cent, expected) in [
            (&hundred[..], 50, 50),
            (&hundred[..], 99, 99),
            (&hundred[..], 100, 100),
            (&hundred[..], 0, 1),
            (&[10, 20, 30][..], 50, 20),
            (&[10, 20, 30][..], 99, 30),
            (&[10, 20][..], 50, 10),
            (&[7][..], 99, 7),
            (&[][..], 50, 0),
        ] {
            let found = percentile(&milliseconds(durations), per_cent);
            assert_eq!(
                found,
                Duration::from_millis(expected),
                "{per_cent} % of {durations:?}"
            );
        }
    }

    #[test]
    fn a_rate_is_per_second() {
        assert_eq!(rate(300, Duration::from_millis(1_500)), 200.0);
        assert_eq!(rate(300, Duration::ZERO), 0.0);
    }

    #[test]
    fn a_ratio_is_that_of_the_middle_round() {
        for (ours, theirs, expected) in [
            (&[50.0][..], &[100.0][..], Some(0.5)),
            // One round in which only we were held up.
            (
                &[50.0, 1.0, 60.0][..],
                &[100.0, 100.0, 100.0][..],
                Some(0.5),
            ),
            // Both were, in the same round: that is what rounds are for.
            (&[50.0, 5.0][..], &[100.0, 10.0][..], Some(0.5)),
            (&[1.0, 3.0][..], &[1.0, 1.0][..], Some(2.0)),
            (&[50.0, 1.0][..], &[100.0, 0.0][..], Some(0.5)),
            (&[50.0][..], &[0.0][..], None),
            (&[][..], &[][..], None),
        ] {
            assert_eq!(ratio(ours, theirs), expected, "{ours:?} to {theirs:?}");
        }
    }
}
