//! Which parts of a file need one another.

use http::HeaderName;

use super::Flaw;
use crate::rules::{AuthorizationRules, RevocationRules, TokenKind, TokenPlace, VendorRules};

/// What a callback has of its own.
const CALLBACK: &[&str] = &["code", "error", "error_description", "iss", "state"];

/// Whether it holds, and what to say of which place when not.
type Fact = (bool, &'static str, &'static str);

impl VendorRules {
    pub(super) fn parts_that_do_not_fit(&self) -> Option<Flaw> {
        let facts = self.facts_of_the_api();
        let mut facts = facts.into_iter().chain(self.facts_of_grants());
        let unfit = facts.find(|(holds, ..)| !holds);
        unfit
            .map(|(_, place, what)| (place, what))
            .or_else(|| self.authorization.as_ref()?.flaw())
            .or_else(|| self.revocation.as_ref()?.flaw())
    }

    fn facts_of_the_api(&self) -> [Fact; 5] {
        [
            (
                !self.accounts.is_empty(),
                "accounts",
                "must have somebody who can consent",
            ),
            (
                !self.api.errors.throttled.is_empty(),
                "api.errors.throttled",
                "must have at least one spelling",
            ),
            (
                self.api.limits.values().all(|limit| limit.interval > 0),
                "api.limits",
                "must have an interval above zero",
            ),
            (
                header_is_possible(&self.api.token),
                "api.token",
                "must name a header that HTTP can carry",
            ),
            (
                self.token.is_some() || self.revocation.is_none(),
                "revocation",
                "needs a token endpoint",
            ),
        ]
    }

    fn facts_of_grants(&self) -> [Fact; 5] {
        let token = self.token.as_ref();
        let exchange = token.is_some_and(|rules| rules.exchange.is_some());
        let device = token.is_some_and(|rules| rules.device.is_some());
        let client_credentials = token.is_some_and(|rules| rules.client_credentials.is_some());
        [
            (
                exchange == self.authorization.is_some(),
                "token.exchange",
                "must stand there exactly when there is an authorization endpoint",
            ),
            (
                device == self.device.is_some(),
                "token.device",
                "must stand there exactly when there is device authorization",
            ),
            (
                self.authorization.is_some() || self.device.is_none(),
                "device",
                "needs the authorization endpoint's scopes",
            ),
            (
                token.is_none() || exchange || client_credentials,
                "token",
                "must have a grant that begins something",
            ),
            (
                token.is_some() || self.api.key.is_some(),
                "api.key",
                "must stand there when there is no token endpoint",
            ),
        ]
    }
}

fn header_is_possible(place: &TokenPlace) -> bool {
    match place {
        TokenPlace::Header(name) => HeaderName::from_bytes(name.as_bytes()).is_ok(),
        _ => true,
    }
}

impl AuthorizationRules {
    fn flaw(&self) -> Option<Flaw> {
        let separator = self.scope_separator.as_str();
        let mut scopes = self.scopes.iter().chain(&self.user_scopes);
        if separator.is_empty()
            || scopes.any(|scope| scope.contains([' ']) || scope.contains(separator))
        {
            return Some((
                "authorization.scope_separator",
                "must be a text that stands in no scope, and neither may a space",
            ));
        }
        let parameter = self.callback_signature.as_ref()?.parameter.as_str();
        let is_taken = CALLBACK.contains(&parameter) || self.callback.contains_key(parameter);
        (parameter.is_empty() || is_taken).then_some((
            "authorization.callback_signature.parameter",
            "must be a name that the callback has no other use for",
        ))
    }
}

impl RevocationRules {
    fn flaw(&self) -> Option<Flaw> {
        let takes = |kind| self.takes.contains(&kind);
        let both = takes(TokenKind::AccessToken) && takes(TokenKind::RefreshToken);
        if self.takes.is_empty() {
            return Some(("revocation.takes", "must have at least one kind of token"));
        }
        (both == self.wrong_token.is_some()).then_some((
            "revocation.wrong_token",
            "must stand there exactly when one kind of token is not taken",
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::rules::check::tests::{ACME, refused};

    fn is_refused(place: &str, edit: impl FnOnce(&mut Value)) {
        let error = refused(edit);
        let start = format!("vendor acme: {place} ");
        assert!(error.starts_with(&start), "{place}: {error}");
    }

    fn device() -> Value {
        json!({ "path": "/device", "client_authentication": ["id"], "verification_uri": "/login/device" })
    }

    #[test]
    fn parts_need_one_another() {
        is_refused("token.exchange", |rules| {
            rules["token"]["exchange"] = Value::Null;
        });
        is_refused("token.exchange", |rules| {
            rules["authorization"] = Value::Null;
        });
        is_refused("token.device", |rules| rules["device"] = device());
        is_refused("token.device", |rules| {
            rules["token"]["device"] = json!({ "client_authentication": ["id"] });
        });
        is_refused("device", |rules| {
            rules["device"] = device();
            rules["token"]["device"] = json!({ "client_authentication": ["id"] });
            rules["authorization"] = Value::Null;
            rules["token"]["exchange"] = Value::Null;
        });
        is_refused("token", |rules| {
            rules["authorization"] = Value::Null;
            rules["token"]["exchange"] = Value::Null;
        });
        let no_oauth = |rules: &mut Value| {
            rules["authorization"] = Value::Null;
            rules["token"] = Value::Null;
        };
        is_refused("revocation", no_oauth);
        is_refused("api.key", |rules| {
            no_oauth(rules);
            rules["revocation"] = Value::Null;
        });
        let mut rules: Value = serde_json::from_str(ACME).unwrap();
        no_oauth(&mut rules);
        rules["revocation"] = Value::Null;
        rules["api"]["key"] = "{account.sub}".into();
        crate::VendorRules::from_json(&rules.to_string()).unwrap();
    }

    #[test]
    fn values_that_nobody_could_use_are_refused() {
        is_refused("api.token", |rules| {
            rules["api"]["token"] = json!({ "header": "a b" });
        });
        is_refused("authorization.scope_separator", |rules| {
            rules["authorization"]["scope_separator"] = "e".into();
        });
        for taken in ["", "state", "shop"] {
            is_refused("authorization.callback_signature.parameter", |rules| {
                rules["authorization"]["callback"]["shop"] = "x".into();
                rules["authorization"]["callback_signature"] = json!({ "parameter": taken });
            });
        }
        is_refused("revocation.takes", |rules| {
            rules["revocation"]["takes"] = json!([]);
        });
        is_refused("revocation.wrong_token", |rules| {
            rules["revocation"]["takes"] = json!(["access_token"]);
        });
        is_refused("revocation.wrong_token", |rules| {
            rules["revocation"]["wrong_token"] = json!({ "status": 400, "body": "" });
        });
        is_refused("token.path", |rules| {
            rules["token"]["path"] = "/oauth/authorize".into();
        });
    }

    #[test]
    fn templates_must_fit_the_accounts() {
        for host in [
            "https://acme.example",
            "acme.example:443",
            "{account.display}",
            "",
        ] {
            is_refused("api.host", |rules| rules["api"]["host"] = host.into());
        }
        is_refused("token.host", |rules| {
            rules["token"]["host"] = "{account.tenant}.example".into();
        });
        is_refused("api.key", |rules| rules["api"]["key"] = "one".into());
        is_refused("api.key", |rules| {
            rules["api"]["key"] = "{account.nothing}".into()
        });
        is_refused("token.path", |rules| {
            rules["token"]["path"] = "/{client_id}".into()
        });
        is_refused("revocation.path", |rules| {
            rules["revocation"]["path"] = "/{account.sub}".into();
        });
        is_refused("api.routes GET /{account.nothing}", |rules| {
            rules["api"]["routes"][0]["path"] = "/{account.nothing}".into();
        });
        is_refused("revocation.answer", |rules| {
            rules["revocation"]["answer"] = json!({ "status": 200, "body": "{account.sub}" });
        });
    }
}
