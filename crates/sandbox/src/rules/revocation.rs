//! What the file says of the revocation endpoint.

use serde::Deserialize;

use super::Answer;
use crate::client_auth::ClientAuth;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevocationRules {
    /// A template over `{account.…}`. Absent = any host will do.
    pub(crate) host: Option<String>,
    /// May hold `{client_id}`.
    pub(crate) path: String,
    pub(crate) client_authentication: Vec<ClientAuth>,
    #[serde(default)]
    pub(crate) method: RevocationMethod,
    #[serde(default)]
    pub(crate) body: BodyFormat,
    /// Absent = `token`, as in RFC 7009, section 2.1.
    #[serde(default = "token")]
    pub(crate) token_parameter: String,
    /// Absent = both kinds.
    #[serde(default = "both")]
    pub(crate) takes: Vec<TokenKind>,
    /// Absent = 200 without a body.
    pub(crate) answer: Option<Answer>,
    /// The answer to a token of a kind that is not taken.
    pub(crate) wrong_token: Option<Answer>,
    /// The answer to a token that is not alive. Absent = as if it had been (RFC 7009, section 2.2).
    pub(crate) dead_token: Option<Answer>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum RevocationMethod {
    #[default]
    Post,
    Delete,
}

/// In which format parameters stand in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyFormat {
    #[default]
    Form,
    /// An object of texts.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenKind {
    AccessToken,
    RefreshToken,
}

impl RevocationMethod {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

fn token() -> String {
    "token".to_owned()
}

fn both() -> Vec<TokenKind> {
    vec![TokenKind::AccessToken, TokenKind::RefreshToken]
}
