//! The clock: against the database's, against what has happened already, and against those of providers.

use tieline_core::Timestamp;
use tieline_store::StoreError;

use super::providers::Asked;
use super::{Area, Finding};
use crate::Engine;

/// Seconds that clocks may differ: leases and expiries have margins beyond that.
const TOLERATED: i64 = 30;
const CURE: &str = "let the machine keep its time by NTP (`timedatectl set-ntp true`, or chrony); tokens are refreshed too \
                    early or too late until it is right";

impl Engine {
    pub(super) async fn examine_clock(&self, asked: &Asked) -> Result<Vec<Finding>, StoreError> {
        let store = &self.shared.store;
        let mut compared = Vec::new();
        let mut findings = Vec::new();
        let database = store.database_clock().await?;
        let now = self.shared.clock.now();
        if let Some(shown) = database {
            compared.push("the database's".to_owned());
            findings.extend(differs(now, shown, "the database's"));
        }
        if let Some(newest) = store.newest_event().await?
            && newest.as_second() - now.as_second() > TOLERATED
        {
            findings.push(Finding::wrong(
                Area::Clock,
                format!(
                    "the newest event is {} s in the future, so the clock was set back, or is behind",
                    newest.as_second() - now.as_second()
                ),
                CURE,
            ));
        }
        // One provider may be wrong itself: the one that agrees best counts.
        let best = asked
            .clocks
            .iter()
            .min_by_key(|clock| (clock.here.as_second() - clock.there.as_second()).abs());
        if let Some(clock) = best {
            let whose = format!("{}'s", clock.host);
            findings.extend(differs(clock.here, clock.there, &whose));
            compared.push(whose);
        }
        if findings.is_empty() {
            let what = if compared.is_empty() {
                "the clock is not behind what has happened already".to_owned()
            } else {
                format!("the clock agrees with {}", compared.join(" and "))
            };
            findings.push(Finding::fine(Area::Clock, what));
        }
        Ok(findings)
    }
}

fn differs(here: Timestamp, there: Timestamp, whose: &str) -> Option<Finding> {
    let ahead = here.as_second() - there.as_second();
    (ahead.abs() > TOLERATED).then(|| {
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        let what = format!("this machine's clock is {} s {side} {whose}", ahead.abs());
        Finding::wrong(Area::Clock, what, CURE)
    })
}
