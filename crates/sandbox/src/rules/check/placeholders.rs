//! Every placeholder must have a value where it stands.

use serde_json::Value;

use super::answers::ACCOUNT;
use crate::rules::{RulesError, VendorRules};
use crate::template;

const CALLBACK: &[&str] = &["account.", "scope", "timestamp"];
const API_HEADERS: &[&str] = &[
    "account.",
    "available.",
    "interval.",
    "limit.",
    "reset_ms.",
    "unit.",
    "used.",
];

impl VendorRules {
    pub(super) fn check_placeholders(&self) -> Result<(), RulesError> {
        for (place, answer, allowed) in self.answers() {
            self.check_template(&place, &answer.body, allowed)?;
            for (name, text) in &answer.headers {
                self.check_text(&format!("{place}.headers.{name}"), text, allowed)?;
            }
        }
        for (name, text) in self.authorization.iter().flat_map(|part| &part.callback) {
            self.check_text(&format!("authorization.callback.{name}"), text, CALLBACK)?;
        }
        for (name, text) in &self.api.headers {
            self.check_text(&format!("api.headers.{name}"), text, API_HEADERS)?;
        }
        for route in &self.api.routes {
            let place = format!("api.routes {} {}", route.method, route.path);
            self.check_text(&place, &route.path, ACCOUNT)?;
            if !route.echoes() {
                self.check_template(&place, &route.body, ACCOUNT)?;
            }
        }
        for (place, host) in self.host_templates() {
            self.check_text(place, host, ACCOUNT)?;
        }
        if let Some(key) = &self.api.key {
            self.check_text("api.key", key, ACCOUNT)?;
        }
        for (place, path) in self.paths() {
            let allowed: &[&str] = match place {
                "revocation.path" => &["client_id"],
                _ => &[],
            };
            self.check_text(place, path, allowed)?;
        }
        Ok(())
    }

    fn check_text(&self, place: &str, text: &str, allowed: &[&str]) -> Result<(), RulesError> {
        self.check_template(place, &Value::from(text), allowed)
    }

    /// `allowed` holds names, and families that end in a dot.
    fn check_template(
        &self,
        place: &str,
        template: &Value,
        allowed: &[&str],
    ) -> Result<(), RulesError> {
        let fails =
            template::placeholders(template)
                .into_iter()
                .find(|name| match name.split_once('.') {
                    None => !allowed.contains(&name.as_str()),
                    Some(("account", fact)) => {
                        !allowed.contains(&"account.")
                            || !self
                                .accounts
                                .iter()
                                .all(|account| account.facts.contains_key(fact))
                    }
                    Some((family, window)) => {
                        !allowed.contains(&format!("{family}.").as_str())
                            || !self.api.limits.contains_key(window)
                    }
                });
        match fails {
            None => Ok(()),
            Some(name) => Err(RulesError::Placeholder {
                vendor: self.id.clone(),
                place: place.to_owned(),
                name,
            }),
        }
    }
}
