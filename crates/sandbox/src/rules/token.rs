//! What the file says of the token endpoint.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{Answer, Reuse};
use crate::client_auth::ClientAuth;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRules {
    /// A template over `{account.…}`. Absent = any host will do.
    pub(crate) host: Option<String>,
    pub(crate) path: String,
    /// Whether every answer, errors too, is a form unless the request accepts JSON. Absent = always as its body is written.
    #[serde(default)]
    pub(crate) form_unless_json_accepted: bool,
    /// Stands there exactly when there is an authorization endpoint.
    pub(crate) exchange: Option<StepRules>,
    /// For the reader: whether apps get refresh tokens only if they ask. What is played is an app that did.
    #[serde(default, rename = "refresh_is_opt_in")]
    _refresh_is_opt_in: bool,
    /// `null` = there are no refresh tokens, and the grant is not supported.
    pub(crate) refresh: Option<StepRules>,
    /// RFC 8628, section 3.4. Stands there exactly when there is device authorization.
    pub(crate) device: Option<StepRules>,
    /// RFC 6749, section 4.4. Absent = the grant is not supported.
    pub(crate) client_credentials: Option<StepRules>,
    /// The answer that carries tokens.
    pub(crate) answer: Answer,
    /// The answer to a refresh. Absent = as to an exchange.
    pub(crate) refresh_answer: Option<Answer>,
    /// The answer to client credentials. Absent = as to an exchange, without what it says of a refresh token.
    pub(crate) client_credentials_answer: Option<Answer>,
    /// What stands between the scopes of an answer. Absent = a space.
    #[serde(default = "super::space")]
    pub(crate) scope_separator: String,
    /// `null` = an access token lives until it is ended.
    pub(crate) access_token_lifetime_seconds: Option<u64>,
    /// `null` = a refresh token lives until it is spent or ended.
    pub(crate) refresh_token_lifetime_seconds: Option<u64>,
    /// This and the next stand there exactly when there are refresh tokens.
    pub(crate) refresh_token_reuse: Option<Reuse>,
    pub(crate) old_access_token_dies: Option<bool>,
    /// `false` = a refresh spends nothing and returns no refresh token.
    #[serde(default = "yes")]
    pub(crate) refresh_token_rotates: bool,
    /// Until a refresh token is so old a refresh returns it again, unspent. Absent = every refresh returns a new one.
    #[serde(default)]
    pub(crate) refresh_token_rotates_after_seconds: u64,
    /// So long a spent refresh token still works. Absent = not at all.
    #[serde(default)]
    pub(crate) refresh_token_reuse_window_seconds: u64,
    pub(crate) errors: TokenErrors,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepRules {
    /// The styles that are accepted; every other one is refused.
    pub(crate) client_authentication: Vec<ClientAuth>,
    /// Further parameters that must be there, with these values.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenErrors {
    /// Also the answer to a body that is not a form: nothing in it is seen.
    pub(crate) no_grant_type: Answer,
    pub(crate) unsupported_grant_type: Answer,
    pub(crate) invalid_request: Answer,
    pub(crate) invalid_scope: Answer,
    pub(crate) wrong_client: Answer,
    pub(crate) wrong_client_authentication: Answer,
    pub(crate) dead_code: Answer,
    /// Absent = as of a dead code (RFC 6749, section 5.2).
    pub(crate) redirect_uri_mismatch: Option<Answer>,
    /// All spellings in use; they take turns. Absent where there are no refresh tokens.
    #[serde(default)]
    pub(crate) dead_refresh_token: Vec<Answer>,
    /// This and the next three are of device authorization. Absent = as in RFC 8628, section 3.5.
    #[serde(default = "authorization_pending")]
    pub(crate) authorization_pending: Answer,
    #[serde(default = "slow_down")]
    pub(crate) slow_down: Answer,
    #[serde(default = "access_denied")]
    pub(crate) access_denied: Answer,
    #[serde(default = "expired_token")]
    pub(crate) expired_token: Answer,
}

fn yes() -> bool {
    true
}

fn plain_error(name: &str) -> Answer {
    Answer {
        status: 400,
        headers: BTreeMap::new(),
        body: json!({ "error": name }),
    }
}

fn authorization_pending() -> Answer {
    plain_error("authorization_pending")
}

fn slow_down() -> Answer {
    plain_error("slow_down")
}

fn access_denied() -> Answer {
    plain_error("access_denied")
}

fn expired_token() -> Answer {
    plain_error("expired_token")
}
