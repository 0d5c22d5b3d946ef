//! What a successful token answer comes down to.

use std::collections::BTreeMap;

use crate::{Secret, Timestamp};

/// The tokens of one generation of an instance, decoded and checked.
#[derive(Debug)]
pub struct TokenSet {
    /// Visible ASCII, never empty (RFC 6749 appendix A.12).
    pub access_token: Secret,
    /// Absent where the provider issues none. On refresh, an omitted one means that the old one stays valid
    /// (RFC 6749 section 6); the decoder has already put it here then.
    pub refresh_token: Option<Secret>,
    /// When the access token stops working; `None` = unknown: use it until the API answers 401.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token stops working, where the provider says so.
    pub refresh_expires_at: Option<Timestamp>,
    /// Scopes as granted, if the answer named any.
    pub scopes: Vec<String>,
    /// A second set that speaks for the consenting user, where a provider issues two: it rotates on its own, and becomes
    /// an instance of its own.
    pub user: Option<Box<TokenSet>>,
    /// Facts about the account that came with the tokens and are needed later: never secret.
    pub captures: BTreeMap<String, String>,
}

impl TokenSet {
    /// A set that holds an access token and nothing else.
    pub fn of(access_token: Secret) -> Self {
        Self {
            access_token,
            refresh_token: None,
            expires_at: None,
            refresh_expires_at: None,
            scopes: Vec::new(),
            user: None,
            captures: BTreeMap::new(),
        }
    }
}
