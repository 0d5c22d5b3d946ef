//! What the file says of the endpoints at which users consent.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::client_auth::ClientAuth;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorizationRules {
    /// A template over `{account.…}`. Absent = any host will do.
    pub(crate) host: Option<String>,
    pub(crate) path: String,
    /// Every scope that may be asked for, one by one.
    pub(crate) scopes: Vec<String>,
    pub(crate) scope_required: bool,
    /// What stands between the scopes of a request. Absent = a space.
    #[serde(default = "super::space")]
    pub(crate) scope_separator: String,
    /// Scopes of the second token set, which is the consenting user's; asked for in the parameter `user_scope`.
    #[serde(default)]
    pub(crate) user_scopes: Vec<String>,
    pub(crate) pkce: PkceRules,
    /// Whether http redirect URIs are refused on loopback too. Absent = no.
    #[serde(default)]
    pub(crate) https_redirect_uri_only: bool,
    /// RFC 9207.
    pub(crate) issuer_in_callback: bool,
    /// Further parameters of the callback, as templates.
    pub(crate) callback: BTreeMap<String, String>,
    /// Absent = the callback is not signed.
    pub(crate) callback_signature: Option<CallbackSignature>,
    pub(crate) code_lifetime_seconds: u64,
    pub(crate) code_reuse: Reuse,
}

/// HMAC-SHA256 in lower-case hex, keyed with the client secret, over all other parameters of the callback, sorted
/// by name and joined as a form writes them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallbackSignature {
    pub(crate) parameter: String,
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

/// RFC 8628. The scopes are those of the authorization endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceRules {
    /// As [`AuthorizationRules::host`].
    pub(crate) host: Option<String>,
    pub(crate) path: String,
    pub(crate) client_authentication: Vec<ClientAuth>,
    /// A path; the answer names it at the host that the request came to.
    pub(crate) verification_uri: String,
    /// Whether the answer also holds the address with the code in it. Absent = yes.
    #[serde(default = "yes")]
    pub(crate) verification_uri_complete: bool,
    /// Between two polls. Absent = 5, as in RFC 8628, section 3.2.
    #[serde(default = "five")]
    pub(crate) interval_seconds: u64,
    /// Of both codes. Absent = 15 minutes.
    #[serde(default = "quarter_of_an_hour")]
    pub(crate) lifetime_seconds: u64,
}

fn yes() -> bool {
    true
}

fn five() -> u64 {
    5
}

fn quarter_of_an_hour() -> u64 {
    900
}
