//! What a file of rules says of tokens must be able to be true at once.

use serde_json::Value;

use super::{Answer, TokenRules};
use crate::template;

impl TokenRules {
    /// What can't be true of refresh tokens and lifetimes at once.
    pub(super) fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        const OURS: &str = "must stand there exactly when there is a refresh grant";
        let refreshes = self.refresh.is_some();
        let placeholders = template::placeholders(&self.answer.body);
        let answers_with = |name: &str| placeholders.iter().any(|placeholder| placeholder == name);
        let facts = [
            (
                "token.answer {refresh_token}",
                answers_with("refresh_token"),
            ),
            (
                "token.refresh_token_lifetime_seconds",
                self.refresh_token_lifetime_seconds.is_some(),
            ),
            (
                "token.refresh_token_reuse",
                self.refresh_token_reuse.is_some(),
            ),
            (
                "token.old_access_token_dies",
                self.old_access_token_dies.is_some(),
            ),
            (
                "token.errors.dead_refresh_token",
                !self.errors.dead_refresh_token.is_empty(),
            ),
        ];
        if let Some((place, _)) = facts.into_iter().find(|(_, stated)| *stated != refreshes) {
            return Some((place, OURS));
        }
        if answers_with("refresh_expires_in") && !refreshes {
            return Some(("token.answer {refresh_expires_in}", OURS));
        }
        if answers_with("expires_in") && self.access_token_lifetime_seconds.is_none() {
            return Some((
                "token.answer {expires_in}",
                "must not stand there when access tokens don't expire",
            ));
        }
        let answers = self.answers_of_tokens();
        if self.form_unless_json_accepted && !answers.into_iter().all(is_flat) {
            return Some((
                "token.form_unless_json_accepted",
                "needs answers that are flat objects",
            ));
        }
        None
    }

    fn answers_of_tokens(&self) -> Vec<&Answer> {
        let errors = &self.errors;
        let mut answers = vec![
            &self.answer,
            &errors.no_grant_type,
            &errors.unsupported_grant_type,
            &errors.invalid_request,
            &errors.invalid_scope,
            &errors.wrong_client,
            &errors.wrong_client_authentication,
            &errors.dead_code,
        ];
        answers.extend(&errors.redirect_uri_mismatch);
        answers.extend(&errors.dead_refresh_token);
        answers
    }
}

/// Whether a form can carry it.
fn is_flat(answer: &Answer) -> bool {
    let is_scalar = |value: &Value| !(value.is_object() || value.is_array());
    answer
        .body
        .as_object()
        .is_some_and(|fields| fields.values().all(is_scalar))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::VendorRules;

    const ACME: &str = include_str!("../../../../tests/vendors/acme.json");

    fn refused(edit: impl FnOnce(&mut Value)) -> String {
        let mut rules: Value = serde_json::from_str(ACME).unwrap();
        edit(&mut rules);
        VendorRules::from_json(&rules.to_string())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn facts_of_refresh_tokens_stand_there_all_or_none() {
        let whole = |rules: &mut Value| {
            let token = rules["token"].as_object_mut().unwrap();
            for name in [
                "refresh",
                "refresh_token_lifetime_seconds",
                "refresh_token_reuse",
                "old_access_token_dies",
            ] {
                token.remove(name).unwrap();
            }
            token["answer"]["body"]
                .as_object_mut()
                .unwrap()
                .remove("refresh_token");
            token["errors"]
                .as_object_mut()
                .unwrap()
                .remove("dead_refresh_token");
        };
        let mut rules: Value = serde_json::from_str(ACME).unwrap();
        whole(&mut rules);
        assert!(VendorRules::from_json(&rules.to_string()).is_ok());
        for (place, value) in [
            ("refresh_token_lifetime_seconds", Value::from(1)),
            ("refresh_token_reuse", "fails".into()),
            ("old_access_token_dies", false.into()),
        ] {
            let error = refused(|rules| {
                whole(rules);
                rules["token"][place] = value;
            });
            assert!(
                error.contains(place) && error.contains("exactly"),
                "{error}"
            );
            let error = refused(|rules| rules["token"][place] = Value::Null);
            assert!(
                error.contains(place) && error.contains("exactly"),
                "{error}"
            );
        }
        let error = refused(|rules| {
            whole(rules);
            rules["token"]["answer"]["body"]["left"] = "{refresh_expires_in}".into();
        });
        assert!(error.contains("{refresh_expires_in}"), "{error}");
        let error = refused(|rules| rules["token"]["refresh"] = Value::Null);
        assert!(error.contains("token.answer {refresh_token}"), "{error}");
        let error = refused(|rules| {
            rules["token"]["errors"]["dead_refresh_token"] = Value::Array(vec![]);
        });
        assert!(error.contains("dead_refresh_token"), "{error}");
    }

    #[test]
    fn an_answer_can_be_given_in_every_form_it_may_take() {
        let error = refused(|rules| rules["token"]["access_token_lifetime_seconds"] = Value::Null);
        assert!(error.contains("token.answer {expires_in}"), "{error}");
        let error = refused(|rules| {
            rules["token"]["form_unless_json_accepted"] = true.into();
            rules["token"]["errors"]["dead_code"]["body"] = serde_json::json!({ "error": {} });
        });
        assert!(error.contains("form_unless_json_accepted"), "{error}");
    }
}
