//! Scopes: which may be asked for, and how they are written.

use crate::form::Form;
use crate::grants::Asked;
use crate::rules::AuthorizationRules;
use crate::vendor::Vendor;

const UNKNOWN: &str = "scope has a value that doesn't exist";

impl AuthorizationRules {
    /// What a request for consent asks for; all there is when it names nothing.
    pub(crate) fn asked(&self, parameters: &Form) -> Result<Asked, &'static str> {
        let user_scope = parameters
            .get("user_scope")
            .filter(|_| !self.user_scopes.is_empty())
            .map(|scope| self.known(&self.user_scopes, scope))
            .transpose()?;
        let scope = match parameters.get("scope") {
            Some(scope) => Some(self.known(&self.scopes, scope)?),
            None if user_scope.is_some() => None,
            None if self.scope_required => return Err("scope is missing"),
            None => Some(self.scopes.join(" ")),
        };
        Ok(Asked { scope, user_scope })
    }

    /// Space-separated, as long as all of it is `known`.
    fn known(&self, known: &[String], scope: &str) -> Result<String, &'static str> {
        let scopes: Vec<_> = scope.split(self.scope_separator.as_str()).collect();
        let is_known = |scope: &&str| known.iter().any(|known| known == scope);
        if scopes.iter().all(is_known) {
            Ok(scopes.join(" "))
        } else {
            Err(UNKNOWN)
        }
    }
}

impl Asked {
    /// Everything, for people to read.
    pub(crate) fn all(&self) -> String {
        let scopes = [&self.scope, &self.user_scope].into_iter().flatten();
        scopes.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl Vendor {
    /// What stands between the scopes of a request.
    pub(crate) fn scope_separator(&self) -> &str {
        let rules = self.rules.authorization.as_ref();
        rules.map_or(" ", |rules| rules.scope_separator.as_str())
    }

    /// The scope that a client asks for itself; all there is when it names none. A vendor without an authorization
    /// endpoint knows no scopes, and takes any.
    pub(crate) fn client_scope(&self, scope: Option<&str>) -> Result<String, &'static str> {
        match (&self.rules.authorization, scope) {
            (Some(rules), Some(scope)) => rules.known(&rules.scopes, scope),
            (Some(rules), None) => Ok(rules.scopes.join(" ")),
            (None, scope) => Ok(scope.unwrap_or_default().to_owned()),
        }
    }
}
