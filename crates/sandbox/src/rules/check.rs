//! What a file of rules must fulfil beyond its format, so that every answer in it can be given.

mod answers;
mod parts;
mod placeholders;
mod tokens;

use super::{RulesError, VendorRules};
use crate::template::fill_text;

/// A place in the file, and what it must be.
type Flaw = (&'static str, &'static str);

impl VendorRules {
    pub(super) fn check(&self) -> Result<(), RulesError> {
        let flaw = self.parts_that_do_not_fit().or_else(|| {
            self.token
                .as_ref()?
                .contradiction(self.authorization.as_ref())
        });
        match flaw {
            Some((place, what)) => self.invalid(place, what),
            None => {
                self.check_paths_and_statuses()?;
                self.check_placeholders()?;
                self.check_accounts()
            }
        }
    }

    fn invalid(&self, place: &str, what: &'static str) -> Result<(), RulesError> {
        Err(RulesError::Invalid {
            vendor: self.id.clone(),
            place: place.to_owned(),
            what,
        })
    }

    fn check_paths_and_statuses(&self) -> Result<(), RulesError> {
        let paths = self.paths();
        let routes = self.api.routes.iter().map(|route| route.path.as_str());
        let mut all = paths.iter().map(|(_, path)| *path).chain(routes);
        if let Some(path) = all.find(|path| !path.starts_with('/')) {
            return self.invalid(path, "must start with a slash");
        }
        let endpoints: Vec<_> = paths
            .iter()
            .filter(|(place, _)| place.ends_with(".path"))
            .collect();
        for (n, (place, path)) in endpoints.iter().enumerate() {
            if endpoints[..n].iter().any(|(_, other)| other == path) {
                return self.invalid(place, "must not be another endpoint's");
            }
        }
        let answers = self.answers();
        let mut statuses = answers
            .iter()
            .map(|(place, answer, _)| (place, answer.status));
        match statuses.find(|(_, status)| !(200..=599).contains(status)) {
            Some((place, _)) => self.invalid(place, "must have a status between 200 and 599"),
            None => Ok(()),
        }
    }

    /// What templates make of the accounts.
    fn check_accounts(&self) -> Result<(), RulesError> {
        for (place, host) in self.host_templates() {
            for account in &self.accounts {
                let host = fill_text(host, &account.values());
                let is_host = !host.is_empty()
                    && host
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
                if !is_host {
                    return self.invalid(place, "must be a host, without scheme and port");
                }
            }
        }
        let keys: Vec<_> = self.keys().collect();
        for (n, key) in keys.iter().enumerate() {
            if key.is_empty() || keys[..n].contains(key) {
                return self.invalid("api.key", "must be another text for each account");
            }
        }
        Ok(())
    }

    /// All paths but the routes', by place.
    fn paths(&self) -> Vec<(&'static str, &str)> {
        let mut paths = vec![("api.base", self.api.base.as_str())];
        if let Some(part) = &self.authorization {
            paths.push(("authorization.path", &part.path));
        }
        if let Some(part) = &self.token {
            paths.push(("token.path", &part.path));
        }
        if let Some(part) = &self.device {
            paths.push(("device.path", &part.path));
            paths.push(("device.verification_uri", &part.verification_uri));
        }
        if let Some(part) = &self.revocation {
            paths.push(("revocation.path", &part.path));
        }
        paths
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::Value;

    use super::*;

    pub(super) const ACME: &str = include_str!("../../../../tests/vendors/acme.json");
    const GITHUB: &str = include_str!("../../../../tests/vendors/github.json");
    const INFUSIONSOFT: &str = include_str!("../../../../tests/vendors/infusionsoft.json");

    const SLACK: &str = include_str!("../../../../tests/vendors/slack.json");
    const SHOPIFY: &str = include_str!("../../../../tests/vendors/shopify.json");
    const QUICKBOOKS: &str = include_str!("../../../../tests/vendors/quickbooks.json");
    const FRESHDESK: &str = include_str!("../../../../tests/vendors/freshdesk.json");

    pub(super) fn refused(edit: impl FnOnce(&mut Value)) -> String {
        let mut rules: Value = serde_json::from_str(ACME).unwrap();
        edit(&mut rules);
        VendorRules::from_json(&rules.to_string())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn the_vendor_files_are_read() {
        for (id, text) in [
            ("slack", SLACK),
            ("shopify", SHOPIFY),
            ("quickbooks", QUICKBOOKS),
            ("freshdesk", FRESHDESK),
        ] {
            assert_eq!(VendorRules::from_json(text).unwrap().id(), id);
        }
        assert_eq!(VendorRules::from_json(ACME).unwrap().id(), "acme");
        let rules = VendorRules::from_json(INFUSIONSOFT).unwrap();
        assert_eq!(
            (rules.id(), rules.title()),
            ("infusionsoft", "Keap (Infusionsoft)")
        );
        assert!(rules.revocation.is_none());
        let rules = VendorRules::from_json(GITHUB).unwrap();
        assert_eq!((rules.id(), rules.title()), ("github", "GitHub"));
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        let error = refused(|rules| rules["token"]["acess_token_lifetime"] = 1.into());
        assert!(error.contains("acess_token_lifetime"), "{error}");
    }

    #[test]
    fn a_placeholder_that_has_no_value_there_is_refused() {
        let error =
            refused(|rules| rules["token"]["answer"]["body"]["tenant"] = "{account.tenant}".into());
        assert_eq!(
            error,
            "vendor acme: token.answer has a placeholder {account.tenant} that has no value there"
        );
        let error = refused(|rules| rules["api"]["headers"]["x-day"] = "{used.day}".into());
        assert!(error.contains("{used.day}"), "{error}");
        let error = refused(|rules| {
            rules["token"]["errors"]["dead_code"]["body"] = "{access_token}".into()
        });
        assert!(error.contains("token.errors.dead_code"), "{error}");
    }

    #[test]
    fn impossible_values_are_refused() {
        assert!(refused(|rules| rules["accounts"] = Value::Array(vec![])).contains("accounts"));
        assert!(refused(|rules| rules["token"]["path"] = "token".into()).contains("slash"));
        assert!(refused(|rules| rules["token"]["answer"]["status"] = 99.into()).contains("status"));
        assert!(
            refused(|rules| rules["api"]["limits"]["minute"]["interval"] = 0.into())
                .contains("interval")
        );
        assert!(
            refused(|rules| rules["api"]["errors"]["throttled"] = Value::Array(vec![]))
                .contains("spelling")
        );
    }
}
