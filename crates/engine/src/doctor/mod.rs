//! What is wrong here, and what to do about each thing: the store, its keys, the clock, providers, apps, instances and webhooks,
//! of all tenants.
//!
//! However many instances there are, a page of them is in memory at once, and twenty of a kind are named.

mod apps;
mod clock;
mod instances;
mod keys;
mod providers;
mod report;
mod store;
mod webhooks;

use tieline_store::StoreError;

pub use report::{Area, Examination, Finding, State};
use report::{Few, PAGE};

use crate::Engine;

impl Engine {
    /// Looks for what is wrong, for all tenants. Nothing is changed, but for a mark that is written into the store and
    /// removed. `online`, the hosts of providers are asked whether they answer: nothing secret is sent, no token spent.
    pub async fn examine(&self, online: bool) -> Examination {
        let mut findings = self.examine_store().await;
        findings.extend(told(self.examine_keys().await));
        let apps = self.examine_apps().await;
        let (apps, providers) = apps.unwrap_or_else(|error| (vec![unreadable(&error)], Vec::new()));
        let asked = self.ask_providers(providers, online).await;
        findings.extend(told(self.examine_clock(&asked).await));
        findings.extend(asked.findings);
        findings.extend(apps);
        findings.extend(told(self.examine_instances().await));
        findings.extend(told(self.examine_webhooks().await));
        Examination::of(findings)
    }
}

/// The findings; or that the store doesn't tell.
fn told(found: Result<Vec<Finding>, StoreError>) -> Vec<Finding> {
    found.unwrap_or_else(|error| vec![unreadable(&error)])
}

fn unreadable(error: &StoreError) -> Finding {
    Finding::wrong(Area::Store, "the store can't be read", error.to_string())
}
