//! What a file of rules says of tokens must be able to be true at once.

use serde_json::Value;

use super::Flaw;
use crate::rules::{Answer, AuthorizationRules, TokenRules};
use crate::template;

const WITH_REFRESH: &str = "must stand there exactly when there is a refresh grant";
const WITH_USERS: &str = "must stand there exactly when there are scopes of users";
const NOT_BOTH: &str = "can't stand there when refresh tokens don't rotate";

impl TokenRules {
    /// What can't be true of refresh tokens, lifetimes and answers at once.
    pub(super) fn contradiction(&self, authorization: Option<&AuthorizationRules>) -> Option<Flaw> {
        self.wrong_of_refresh_tokens()
            .or_else(|| self.wrong_of_rotation())
            .or_else(|| self.wrong_of_users(authorization))
            .or_else(|| self.wrong_of_answers())
    }

    fn wrong_of_refresh_tokens(&self) -> Option<Flaw> {
        let refreshes = self.refresh.is_some();
        // Where nothing is ever spent, nothing needs to be said of that.
        let of_reuse = if self.refresh_token_rotates {
            self.refresh_token_reuse.is_some()
        } else {
            refreshes
        };
        let facts = [
            (
                "token.answer {refresh_token}",
                names(&self.answer, "refresh_token"),
            ),
            ("token.refresh_token_reuse", of_reuse),
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
            return Some((place, WITH_REFRESH));
        }
        let needs = [
            (
                "token.answer {refresh_expires_in}",
                names(&self.answer, "refresh_expires_in"),
            ),
            (
                "token.refresh_token_lifetime_seconds",
                self.refresh_token_lifetime_seconds.is_some(),
            ),
            ("token.refresh_answer", self.refresh_answer.is_some()),
            ("token.refresh_token_rotates", !self.refresh_token_rotates),
            (
                "token.refresh_token_rotates_after_seconds",
                self.refresh_token_rotates_after_seconds > 0,
            ),
            (
                "token.refresh_token_reuse_window_seconds",
                self.refresh_token_reuse_window_seconds > 0,
            ),
        ];
        let tells_end = names(&self.answer, "refresh_expires_in");
        if tells_end && refreshes && self.refresh_token_lifetime_seconds.is_none() {
            return Some((
                "token.answer {refresh_expires_in}",
                "must not stand there when refresh tokens don't expire",
            ));
        }
        let mut needless = needs
            .into_iter()
            .filter(|(_, stated)| *stated && !refreshes);
        needless.next().map(|(place, _)| (place, WITH_REFRESH))
    }

    fn wrong_of_rotation(&self) -> Option<Flaw> {
        let tells = |answer: &Answer| names(answer, "refresh_token");
        match (&self.refresh_answer, self.refresh_token_rotates) {
            (Some(answer), true) if !tells(answer) => {
                Some(("token.refresh_answer", "must have {refresh_token}"))
            }
            (_, true) => None,
            (Some(answer), false) if !tells(answer) => {
                let stated = [
                    (
                        "token.refresh_token_rotates_after_seconds",
                        self.refresh_token_rotates_after_seconds,
                    ),
                    (
                        "token.refresh_token_reuse_window_seconds",
                        self.refresh_token_reuse_window_seconds,
                    ),
                ];
                let mut stated = stated.into_iter().filter(|(_, seconds)| *seconds > 0);
                stated.next().map(|(place, _)| (place, NOT_BOTH))
            }
            (_, false) => Some((
                "token.refresh_answer",
                "must stand there without {refresh_token} when refresh tokens don't rotate",
            )),
        }
    }

    fn wrong_of_users(&self, authorization: Option<&AuthorizationRules>) -> Option<Flaw> {
        let users = authorization.is_some_and(|rules| !rules.user_scopes.is_empty());
        let refreshes = self.refresh.is_some();
        if names(&self.answer, "user_access_token") != users {
            return Some(("token.answer {user_access_token}", WITH_USERS));
        }
        if names(&self.answer, "user_scope") && !users {
            return Some(("token.answer {user_scope}", WITH_USERS));
        }
        (names(&self.answer, "user_refresh_token") != (users && refreshes)).then_some((
            "token.answer {user_refresh_token}",
            "must stand there exactly when there are scopes of users and a refresh grant",
        ))
    }

    fn wrong_of_answers(&self) -> Option<Flaw> {
        let answers = [
            Some(&self.answer),
            self.refresh_answer.as_ref(),
            self.client_credentials_answer.as_ref(),
        ];
        let mut answers = answers.into_iter().flatten();
        if self.access_token_lifetime_seconds.is_none()
            && answers.any(|answer| names(answer, "expires_in"))
        {
            return Some((
                "token.answer {expires_in}",
                "must not stand there when access tokens don't expire",
            ));
        }
        let is_flat = |answers: Vec<super::answers::Placed<'_>>| {
            answers.into_iter().all(|(_, answer, _)| is_flat(answer))
        };
        (self.form_unless_json_accepted && !is_flat(self.answers())).then_some((
            "token.form_unless_json_accepted",
            "needs answers that are flat objects",
        ))
    }
}

fn names(answer: &Answer, name: &str) -> bool {
    let placeholders = template::placeholders(&answer.body);
    placeholders.iter().any(|placeholder| placeholder == name)
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
    use crate::rules::check::tests::{ACME, refused};

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
            // One that lives until it is spent has no lifetime.
            if place == "refresh_token_lifetime_seconds" {
                continue;
            }
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
    fn what_rotates_is_told_and_what_does_not_is_not() {
        let without = |rules: &mut Value| {
            let token = &mut rules["token"];
            token["refresh_answer"] = token["answer"].clone();
            let body = token["refresh_answer"]["body"].as_object_mut().unwrap();
            body.remove("refresh_token").unwrap();
        };
        let error = refused(without);
        assert!(error.contains("must have {refresh_token}"), "{error}");
        let still = |rules: &mut Value| rules["token"]["refresh_token_rotates"] = false.into();
        let error = refused(still);
        assert!(error.contains("without {refresh_token}"), "{error}");
        for place in [
            "refresh_token_rotates_after_seconds",
            "refresh_token_reuse_window_seconds",
        ] {
            let error = refused(|rules| {
                without(rules);
                still(rules);
                rules["token"][place] = 1.into();
            });
            assert!(error.contains(place) && error.contains("rotate"), "{error}");
        }
    }

    #[test]
    fn users_tokens_are_in_the_answer_when_there_are_any() {
        let error = refused(|rules| {
            rules["token"]["answer"]["body"]["user"] = "{user_access_token}".into();
        });
        assert!(
            error.contains("token.answer {user_access_token}"),
            "{error}"
        );
        let users = |rules: &mut Value| {
            rules["authorization"]["user_scopes"] = serde_json::json!(["search"]);
        };
        let error = refused(users);
        assert!(
            error.contains("token.answer {user_access_token}"),
            "{error}"
        );
        let error = refused(|rules| {
            users(rules);
            rules["token"]["answer"]["body"]["user"] = "{user_access_token}".into();
        });
        assert!(
            error.contains("token.answer {user_refresh_token}"),
            "{error}"
        );
        let error = refused(|rules| {
            let token = &mut rules["token"];
            token["refresh_answer"] = token["answer"].clone();
            token["refresh_answer"]["body"]["user"] = "{user_access_token}".into();
        });
        assert!(
            error.contains("token.refresh_answer has a placeholder"),
            "{error}"
        );
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
