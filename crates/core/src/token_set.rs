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
    /// A second set that speaks for the consenting user, where a provider issues two.
    pub user: Option<UserTokens>,
    /// Facts about the account that came with the tokens and are needed later: never secret.
    pub captures: BTreeMap<String, String>,
}

/// The user's half of an answer that holds two token sets.
#[derive(Debug)]
pub struct UserTokens {
    /// Acts as the user rather than as the app.
    pub access_token: Secret,
    /// Rotates on its own.
    pub refresh_token: Option<Secret>,
}
