//! Counts the API's calls in the vendor's windows.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value};
use tieline_core::Timestamp;

/// So many calls in each window of `interval` units, counted from full units of UTC.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limit {
    limit: u64,
    unit: Unit,
    pub(crate) interval: u32,
    per: Per,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

/// Who shares a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Per {
    /// All calls with tokens of this client.
    App,
    /// The calls for one account.
    Account,
}

/// The calls of each window that is open, by its name and, where it counts by account, the account.
#[derive(Debug, Default)]
pub(crate) struct Counters(HashMap<(String, Option<usize>), Window>);

#[derive(Debug, Clone, Copy)]
struct Window {
    number: i64,
    used: u64,
}

impl Counters {
    /// Counts a call for `account` in every window; `false`, and counted nowhere, when one of them is full.
    pub(crate) fn take(
        &mut self,
        limits: &BTreeMap<String, Limit>,
        account: usize,
        now: Timestamp,
    ) -> bool {
        let room = limits
            .iter()
            .all(|(name, limit)| self.used(name, limit, account, now) < limit.limit);
        if room {
            self.count(limits, account, now);
        }
        room
    }

    /// Counts a call for `account` in every window, full or not.
    pub(crate) fn count(
        &mut self,
        limits: &BTreeMap<String, Limit>,
        account: usize,
        now: Timestamp,
    ) {
        for (name, limit) in limits {
            let number = limit.window(now);
            let window = self
                .0
                .entry(limit.key(name, account))
                .or_insert(Window { number, used: 0 });
            if window.number != number {
                *window = Window { number, used: 0 };
            }
            window.used += 1;
        }
    }

    /// What templates say of the windows. Those that count by account are left out as long as it is unknown.
    pub(crate) fn describe(
        &self,
        limits: &BTreeMap<String, Limit>,
        account: Option<usize>,
        now: Timestamp,
        values: &mut Map<String, Value>,
    ) {
        for (name, limit) in limits {
            let account = match (limit.per, account) {
                (Per::Account, None) => continue,
                (_, account) => account.unwrap_or_default(),
            };
            let used = self.used(name, limit, account, now);
            values.insert(format!("limit.{name}"), limit.limit.into());
            values.insert(format!("unit.{name}"), limit.unit.name().into());
            values.insert(format!("interval.{name}"), limit.interval.into());
            values.insert(format!("used.{name}"), used.into());
            values.insert(
                format!("available.{name}"),
                limit.limit.saturating_sub(used).into(),
            );
            values.insert(format!("reset_ms.{name}"), limit.reset_ms(now).into());
        }
    }

    fn used(&self, name: &str, limit: &Limit, account: usize, now: Timestamp) -> u64 {
        let open = self
            .0
            .get(&limit.key(name, account))
            .filter(|window| window.number == limit.window(now));
        open.map_or(0, |window| window.used)
    }
}

impl Limit {
    fn key(&self, name: &str, account: usize) -> (String, Option<usize>) {
        (
            name.to_owned(),
            (self.per == Per::Account).then_some(account),
        )
    }

    fn seconds(&self) -> i64 {
        i64::from(self.interval) * self.unit.seconds()
    }

    fn window(&self, now: Timestamp) -> i64 {
        now.as_second().div_euclid(self.seconds())
    }

    fn reset_ms(&self, now: Timestamp) -> i64 {
        (self.window(now) + 1)
            .saturating_mul(self.seconds())
            .saturating_mul(1_000)
    }
}

impl Unit {
    fn seconds(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}
