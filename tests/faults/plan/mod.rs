//! So much harm as a test has time for.

use std::time::Duration;

use tieline_tests::faults::campaigns::{Listener, Plan, Row};

/// Who runs tests reads what failed, and nothing else.
pub(crate) struct Quiet;

impl Listener for Quiet {
    fn step(&mut self, _fault: &str, _done: u64, _of: u64) {}

    fn row(&mut self, _row: &Row) {}
}

/// With a new seed each time, which a failure tells.
pub(crate) fn plan(sabotage: Option<&str>) -> Plan {
    Plan {
        binary: env!("CARGO_BIN_EXE_tieline-under-test").into(),
        seed: fastrand::u64(..),
        kills: 6,
        wires: 3,
        crashes: 1,
        aways: 1,
        drains: (1, 100),
        crowd: (400, vec![Duration::ZERO]),
        dropped: 100,
        wrong_secret: 100,
        flips: 20,
        sabotage: sabotage.map(str::to_owned),
    }
}

pub(crate) fn assert_all_hold(plan: &Plan, rows: &[Row]) {
    assert!(!rows.is_empty());
    for row in rows {
        assert!(row.holds(), "seed {}: {row:?}", plan.seed);
    }
}
