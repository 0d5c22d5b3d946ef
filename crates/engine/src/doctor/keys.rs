//! The keys: which one seals, what old ones still hold, and what opens with none of them.

use tieline_store::{Status, StoreError};

use super::{Area, Finding};
use crate::Engine;
use crate::doctor::report::counted;

impl Engine {
    pub(super) async fn examine_keys(&self) -> Result<Vec<Finding>, StoreError> {
        let store = &self.shared.store;
        let keys = store.keys_in_use().await?;
        let mut findings = vec![Finding::fine(
            Area::Keys,
            format!("data key {} seals what is stored", keys.active),
        )];
        if !keys.retired.is_empty() {
            let numbers: Vec<String> = keys.retired.iter().map(u32::to_string).collect();
            findings.push(Finding::notice(
                Area::Keys,
                format!(
                    "a rotation of the data key is not finished: older ones are there still ({}), and {} sealed with them",
                    numbers.join(", "),
                    match keys.to_reseal {
                        1 => "1 row is".to_owned(),
                        rows => format!("{rows} rows are"),
                    }
                ),
                "`tieline keys rotate` goes on with it; a row that does not open keeps its key until the account is \
                 connected again",
            ));
        }
        let census = store.census().await?;
        if let Some(unreadable) = census.get(&Status::Unreadable).filter(|count| **count > 0) {
            findings.push(Finding::wrong(
                Area::Keys,
                format!(
                    "the tokens of {} open with no key of this store",
                    counted(*unreadable, "instance")
                ),
                "restore a backup together with the master key that it was sealed with (`tieline restore FILE`), or connect \
                 those accounts again",
            ));
        }
        Ok(findings)
    }
}
