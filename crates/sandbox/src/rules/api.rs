//! What the file says of the API.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Answer;
use crate::limits::Limit;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiRules {
    /// A template over `{account.…}`. Absent = any host will do.
    pub(crate) host: Option<String>,
    pub(crate) base: String,
    #[serde(default)]
    pub(crate) token: TokenPlace,
    /// A template over `{account.…}`: what an account's owner hands out instead of consenting. Absent = there are no keys.
    pub(crate) key: Option<String>,
    pub(crate) limits: BTreeMap<String, Limit>,
    /// Stand on every answer, as templates; blank where a placeholder has no value.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) routes: Vec<Route>,
    pub(crate) errors: ApiErrors,
}

/// Where a call carries its token or key.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenPlace {
    /// RFC 6750, section 2.1.
    #[default]
    Bearer,
    /// Alone in the header of this name.
    Header(String),
    /// As the user of HTTP Basic. Any password will do; the file says which one is documented.
    BasicUser(#[expect(dead_code, reason = "for the reader of the file")] String),
    /// As user and password of HTTP Basic, `user:password`.
    BasicPair,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    pub(crate) method: String,
    /// A template over `{account.…}`: it is there for that account alone.
    pub(crate) path: String,
    /// A template; `"{request}"` answers with the request's own body.
    pub(crate) body: Value,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiErrors {
    /// The answer to a request without a `User-Agent`, before anything else. Absent = none is needed.
    pub(crate) no_user_agent: Option<Answer>,
    pub(crate) no_token: Answer,
    pub(crate) dead_token: Answer,
    pub(crate) not_found: Answer,
    /// All spellings in use; they take turns.
    pub(crate) throttled: Vec<Answer>,
}

impl Route {
    pub(crate) fn echoes(&self) -> bool {
        self.body == "{request}"
    }
}
