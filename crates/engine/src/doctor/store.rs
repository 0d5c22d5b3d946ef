//! The store: whether it can be written and is whole, whose it is, and what is in it.

use tieline_store::{Status, StoreError};

use super::{Area, Finding};
use crate::Engine;
use crate::doctor::report::counted;

impl Engine {
    /// The store is open already: whoever can't open it has a finding of their own.
    pub(super) async fn examine_store(&self) -> Vec<Finding> {
        let store = &self.shared.store;
        let mut findings = Vec::new();
        findings.push(match store.probe_write().await {
            Ok(()) => Finding::fine(
                Area::Store,
                format!(
                    "the store opens and can be written: {}, deployment {:?}",
                    store.place(),
                    store.deployment()
                ),
            ),
            Err(error) => {
                Finding::wrong(Area::Store, "the store can't be written", error.to_string())
            }
        });
        match store.quick_check().await {
            Ok(true) => {
                let what = "the database finds no damage in its file";
                findings.push(Finding::fine(Area::Store, what));
            }
            Ok(false) => {}
            Err(error @ StoreError::Corrupt { .. }) => {
                let what = "the database is damaged";
                findings.push(Finding::wrong(Area::Store, what, error.to_string()));
            }
            Err(error) => {
                let what = "the database can't be checked for damage";
                findings.push(Finding::wrong(Area::Store, what, error.to_string()));
            }
        }
        if let Some(reason) = store.adoption_required() {
            findings.push(Finding::wrong(
                Area::Store,
                format!("{reason}: nothing is refreshed here"),
                "`tieline adopt`, but only when no other copy of this store is in use: two that refresh kill each other's \
                 instances",
            ));
        }
        findings.push(self.count_instances().await);
        findings
    }

    async fn count_instances(&self) -> Finding {
        let census = match self.shared.store.census().await {
            Ok(census) => census,
            Err(error) => return super::unreadable(&error),
        };
        let all = counted(census.values().sum(), "instance");
        let others = census.iter().filter(|(status, _)| **status != Status::Ok);
        let others: Vec<String> = others
            .map(|(status, count)| format!("{count} {status}"))
            .collect();
        Finding::fine(
            Area::Store,
            if others.is_empty() {
                format!("{all} in it")
            } else {
                format!("{all} in it, of which {}", others.join(", "))
            },
        )
    }
}
