//! What a file of rules must fulfil beyond its shape, so that every answer in it can be given.

use serde_json::Value;

use super::{Answer, RulesError, VendorRules};
use crate::template;

const ACCOUNT: &[&str] = &["account."];
const CALLBACK: &[&str] = &["account.", "scope"];
const TOKEN_PLACEHOLDERS: &[&str] = &[
    "account.",
    "access_token",
    "expires_in",
    "refresh_expires_in",
    "refresh_token",
    "scope",
];
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
    fn answers(&self) -> Vec<(String, &Answer, &'static [&'static str])> {
        const REASON: &[&str] = &["reason"];
        let token = &self.token.errors;
        let api = &self.api.errors;
        let mut answers = vec![
            (
                "token.answer".to_owned(),
                &self.token.answer,
                TOKEN_PLACEHOLDERS,
            ),
            (
                "token.errors.no_grant_type".to_owned(),
                &token.no_grant_type,
                REASON,
            ),
            (
                "token.errors.unsupported_grant_type".to_owned(),
                &token.unsupported_grant_type,
                REASON,
            ),
            (
                "token.errors.invalid_request".to_owned(),
                &token.invalid_request,
                REASON,
            ),
            (
                "token.errors.invalid_scope".to_owned(),
                &token.invalid_scope,
                REASON,
            ),
            (
                "token.errors.wrong_client".to_owned(),
                &token.wrong_client,
                REASON,
            ),
            (
                "token.errors.wrong_client_authentication".to_owned(),
                &token.wrong_client_authentication,
                REASON,
            ),
            (
                "token.errors.dead_code".to_owned(),
                &token.dead_code,
                REASON,
            ),
            ("api.errors.no_token".to_owned(), &api.no_token, REASON),
            ("api.errors.dead_token".to_owned(), &api.dead_token, REASON),
            ("api.errors.not_found".to_owned(), &api.not_found, REASON),
        ];
        let optional = [
            (
                "token.errors.redirect_uri_mismatch",
                &token.redirect_uri_mismatch,
            ),
            ("api.errors.no_user_agent", &api.no_user_agent),
        ];
        answers.extend(
            optional
                .into_iter()
                .filter_map(|(place, answer)| Some((place.to_owned(), answer.as_ref()?, REASON))),
        );
        let dead = token.dead_refresh_token.iter().enumerate();
        answers.extend(dead.map(|(n, answer)| {
            (
                format!("token.errors.dead_refresh_token[{n}]"),
                answer,
                REASON,
            )
        }));
        let throttled = api.throttled.iter().enumerate();
        answers.extend(
            throttled.map(|(n, answer)| (format!("api.errors.throttled[{n}]"), answer, ACCOUNT)),
        );
        answers
    }

    pub(super) fn check_templates(&self) -> Result<(), RulesError> {
        for (place, answer, allowed) in self.answers() {
            self.check_placeholders(&place, &answer.body, allowed)?;
            for (name, text) in &answer.headers {
                self.check_placeholders(
                    &format!("{place}.headers.{name}"),
                    &Value::from(text.as_str()),
                    allowed,
                )?;
            }
        }
        for (name, text) in &self.authorization.callback {
            self.check_placeholders(
                &format!("authorization.callback.{name}"),
                &Value::from(text.as_str()),
                CALLBACK,
            )?;
        }
        for (name, text) in &self.api.headers {
            self.check_placeholders(
                &format!("api.headers.{name}"),
                &Value::from(text.as_str()),
                API_HEADERS,
            )?;
        }
        for route in self.api.routes.iter().filter(|route| !route.echoes()) {
            self.check_placeholders(
                &format!("api.routes {} {}", route.method, route.path),
                &route.body,
                ACCOUNT,
            )?;
        }
        Ok(())
    }

    /// `allowed` holds names, and families that end in a dot.
    fn check_placeholders(
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

    pub(super) fn check_shape(&self) -> Result<(), RulesError> {
        let invalid = |place: &str, what| {
            Err(RulesError::Invalid {
                vendor: self.id.clone(),
                place: place.to_owned(),
                what,
            })
        };
        if self.accounts.is_empty() {
            return invalid("accounts", "must have somebody who can consent");
        }
        if self.api.errors.throttled.is_empty() {
            return invalid("api.errors.throttled", "must have at least one spelling");
        }
        if let Some((place, what)) = self.token.contradiction() {
            return invalid(place, what);
        }
        let mut paths = vec![&self.authorization.path, &self.token.path, &self.api.base];
        paths.extend(self.revocation.iter().map(|rules| &rules.path));
        paths.extend(self.api.routes.iter().map(|route| &route.path));
        if let Some(path) = paths.into_iter().find(|path| !path.starts_with('/')) {
            return invalid(path, "must start with a slash");
        }
        if let Some((place, _, _)) = self
            .answers()
            .iter()
            .find(|(_, answer, _)| !(200..=599).contains(&answer.status))
        {
            return invalid(place, "must have a status between 200 and 599");
        }
        if self.api.limits.values().any(|limit| limit.interval == 0) {
            return invalid("api.limits", "must have an interval above zero");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: &str = include_str!("../../../../tests/vendors/acme.json");
    const GITHUB: &str = include_str!("../../../../tests/vendors/github.json");
    const INFUSIONSOFT: &str = include_str!("../../../../tests/vendors/infusionsoft.json");

    fn refused(edit: impl FnOnce(&mut Value)) -> String {
        let mut rules: Value = serde_json::from_str(ACME).unwrap();
        edit(&mut rules);
        VendorRules::from_json(&rules.to_string())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn the_vendor_files_are_read() {
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
