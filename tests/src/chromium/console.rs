//! What the browser complains about: errors of scripts, what a policy forbids, what could not be loaded.

use serde_json::{Value, json};

use super::vendor;
use super::window::{Window, done};

impl Window {
    /// What was written to the console since the last time, a line each, as errors or warnings.
    ///
    /// That a page itself was answered with an error is no complaint: pages that refuse are.
    pub async fn console(&self) -> Vec<String> {
        let history = self.devtools("Page.getNavigationHistory", json!({})).await;
        let pages = history["entries"].as_array().into_iter().flatten();
        let pages: Vec<_> = pages.filter_map(|page| page["url"].as_str()).collect();
        let log = done(vendor::log(&self.client).await);
        let entries = log.as_array().into_iter().flatten();
        let complaints = entries.filter(|entry| {
            let message = entry["message"].as_str().unwrap_or_default();
            let of = message.split(' ').next().unwrap_or_default();
            let is_a_page = entry["source"] == "network" && pages.contains(&of);
            (entry["level"] == "SEVERE" || entry["level"] == "WARNING") && !is_a_page
        });
        complaints.map(line).collect()
    }

    /// The browser complained of nothing since the last time.
    ///
    /// # Panics
    /// With what it complained about.
    pub async fn no_console_errors(&self) {
        let complaints = self.console().await;
        assert!(
            complaints.is_empty(),
            "in {} the browser complains at {}:\n{}",
            self.mode,
            self.url().await,
            complaints.join("\n")
        );
    }
}

fn line(entry: &Value) -> String {
    let [level, source, message] =
        ["level", "source", "message"].map(|key| entry[key].as_str().unwrap_or_default());
    format!("{level} {source}: {message}")
}
