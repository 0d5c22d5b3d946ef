//! A vendor's rules: how one provider's authorization server and API behave, read from a file of facts.

mod check;
mod tokens;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::client_auth::ClientAuth;
use crate::limits::Limit;

/// How one provider behaves towards a client.
///
/// Written from the provider's own documents and from what others measured, never from the description
/// that a client has of it: the two must be able to disagree.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorRules {
    pub(crate) id: String,
    pub(crate) title: String,
    /// For the reader: what is certain, what is the stricter of two readings, what nobody verified.
    #[serde(rename = "about")]
    _about: Vec<String>,
    #[serde(rename = "sources")]
    _sources: Vec<Source>,
    /// Who can log in and consent; the first one does unless another is named.
    pub(crate) accounts: Vec<Account>,
    pub(crate) authorization: AuthorizationRules,
    pub(crate) token: TokenRules,
    /// `null` = the provider has no revocation endpoint.
    pub(crate) revocation: Option<RevocationRules>,
    pub(crate) api: ApiRules,
}

/// A fact and where it is from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    #[serde(rename = "fact")]
    _fact: String,
    #[serde(rename = "source")]
    _source: String,
}

/// Somebody who can consent. `facts` are what templates call `{account.…}`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Account {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) facts: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorizationRules {
    pub(crate) path: String,
    /// Every scope that may be asked for, one by one.
    pub(crate) scopes: Vec<String>,
    pub(crate) scope_required: bool,
    pub(crate) pkce: PkceRules,
    /// RFC 9207.
    pub(crate) issuer_in_callback: bool,
    /// Further parameters of the callback, as templates.
    pub(crate) callback: BTreeMap<String, String>,
    pub(crate) code_lifetime_seconds: u64,
    pub(crate) code_reuse: Reuse,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PkceRules {
    pub(crate) required: bool,
    pub(crate) methods: Vec<PkceMethod>,
}

/// RFC 7636, section 4.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum PkceMethod {
    S256,
    #[serde(rename = "plain")]
    Plain,
}

/// What becomes of a grant when something single-use is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reuse {
    /// Only that request fails.
    Fails,
    /// The whole grant dies with it.
    RevokesGrant,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRules {
    pub(crate) path: String,
    /// Whether every answer, errors too, is a form unless the request accepts JSON. Absent = always as its body is written.
    #[serde(default)]
    pub(crate) form_unless_json_accepted: bool,
    pub(crate) exchange: StepRules,
    /// `null` = there are no refresh tokens, and the grant is not supported.
    pub(crate) refresh: Option<StepRules>,
    /// The answer that carries tokens.
    pub(crate) answer: Answer,
    /// What stands between the scopes of an answer. Absent = a space.
    #[serde(default = "space")]
    pub(crate) scope_separator: String,
    /// `null` = an access token lives until it is ended.
    pub(crate) access_token_lifetime_seconds: Option<u64>,
    /// This and the next two stand there exactly when there are refresh tokens.
    pub(crate) refresh_token_lifetime_seconds: Option<u64>,
    pub(crate) refresh_token_reuse: Option<Reuse>,
    pub(crate) old_access_token_dies: Option<bool>,
    pub(crate) errors: TokenErrors,
}

fn space() -> String {
    " ".to_owned()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepRules {
    /// The styles that are accepted; every other one is refused.
    pub(crate) client_authentication: Vec<ClientAuth>,
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
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevocationRules {
    pub(crate) path: String,
    pub(crate) client_authentication: Vec<ClientAuth>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiRules {
    pub(crate) base: String,
    pub(crate) limits: BTreeMap<String, Limit>,
    /// Stand on every answer, as templates; blank where a placeholder has no value.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) routes: Vec<Route>,
    pub(crate) errors: ApiErrors,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    pub(crate) method: String,
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

/// An answer as a template.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

/// Why a file of rules can't be played.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Not JSON, a missing or an unknown field.
    #[error("the vendor file is not understood: {0}")]
    Format(#[from] serde_json::Error),
    /// A template asks for something that nobody will ever fill in.
    #[error("vendor {vendor}: {place} has a placeholder {{{name}}} that has no value there")]
    Placeholder {
        /// The vendor's id.
        vendor: String,
        /// The template's place in the file.
        place: String,
        /// The placeholder's name.
        name: String,
    },
    /// Something that must have a certain shape has another.
    #[error("vendor {vendor}: {place} {what}")]
    Invalid {
        /// The vendor's id.
        vendor: String,
        /// The value's place in the file.
        place: String,
        /// What it must be.
        what: &'static str,
    },
}

impl VendorRules {
    /// Reads and checks a vendor file.
    ///
    /// # Errors
    /// When it is not JSON, has unknown or missing fields, a template with a placeholder that has no
    /// value there, a path without a leading slash, an impossible status, or nobody who could consent.
    pub fn from_json(text: &str) -> Result<Self, RulesError> {
        let rules: Self = serde_json::from_str(text)?;
        rules.check_shape()?;
        rules.check_templates()?;
        Ok(rules)
    }

    /// The vendor's id, for example `acme`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The vendor's name as people know it.
    pub fn title(&self) -> &str {
        &self.title
    }
}

impl Route {
    pub(crate) fn echoes(&self) -> bool {
        self.body == "{request}"
    }
}
