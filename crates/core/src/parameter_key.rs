//! `oauth.api.key`: the dotted name by which Tieline knows a parameter.

use std::fmt;

use serde::{Serialize, Serializer};

/// What *Tieline* calls a credential or setting: a dotted key such as `oauth.api.key`.
///
/// Segments are separated by single dots; each starts with a lower-case letter and goes on with lower-case letters,
/// digits and underscores. A key is written in source, so a malformed one does not compile:
///
/// ```
/// use tieline_core::ParameterKey;
///
/// const REGION: ParameterKey = ParameterKey::new("acme.region");
/// assert_eq!(REGION.environment_name("acme"), "ACME_ACME_REGION");
/// ```
///
/// ```compile_fail,E0080
/// use tieline_core::ParameterKey;
///
/// const TYPO: ParameterKey = ParameterKey::new("acme..region");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterKey(&'static str);

impl ParameterKey {
    /// The client identifier of the app (RFC 6749 section 2.2).
    pub const OAUTH_API_KEY: Self = Self::new("oauth.api.key");
    /// The client secret of the app (RFC 6749 section 2.3.1).
    pub const OAUTH_API_SECRET: Self = Self::new("oauth.api.secret");
    /// The redirection endpoint, exactly as registered with the provider (RFC 6749 section 3.1.2).
    pub const OAUTH_CALLBACK_URL: Self = Self::new("oauth.callback.url");
    /// The scopes to ask for, separated by spaces (RFC 6749 section 3.3).
    pub const OAUTH_SCOPE: Self = Self::new("oauth.scope");
    /// Takes the place of the provider's authorization endpoint (RFC 6749 section 3.1).
    pub const OAUTH_AUTHORIZATION_URL: Self = Self::new("oauth.authorization.url");
    /// Takes the place of the provider's token endpoint (RFC 6749 section 3.2).
    pub const OAUTH_TOKEN_URL: Self = Self::new("oauth.token.url");
    /// Takes the place of the endpoint that refreshes, where it is not the token endpoint.
    pub const OAUTH_TOKEN_REFRESH_URL: Self = Self::new("oauth.token.refresh_url");
    /// Takes the place of the provider's revocation endpoint (RFC 7009 section 2).
    pub const OAUTH_TOKEN_REVOKE_URL: Self = Self::new("oauth.token.revoke_url");
    /// Takes the place of the provider's device authorization endpoint (RFC 8628 section 3.1).
    pub const OAUTH_DEVICE_AUTHORIZATION_URL: Self = Self::new("oauth.device.authorization.url");
    /// The key by which an account's owner lets others in.
    pub const API_KEY: Self = Self::new("api.key");
    /// The name with which an account's owner signs in (RFC 7617).
    pub const USERNAME: Self = Self::new("username");
    /// The password that goes with it (RFC 7617).
    pub const PASSWORD: Self = Self::new("password");
    /// The label that tells one tenant's host from another's.
    pub const SUBDOMAIN: Self = Self::new("subdomain");
    /// Takes the place of the base of the provider's API.
    pub const BASE_URL: Self = Self::new("base.url");

    /// A key, checked while compiling.
    ///
    /// # Panics
    /// On a malformed key, which in the `static` of a descriptor is a compile error.
    #[expect(
        clippy::panic,
        reason = "in a const context this is the compile error that we want"
    )]
    pub const fn new(key: &'static str) -> Self {
        let bytes = key.as_bytes();
        let mut at = 0;
        let mut segment_starts = true;
        while at < bytes.len() {
            match bytes[at] {
                b'a'..=b'z' => segment_starts = false,
                b'0'..=b'9' | b'_' if !segment_starts => {}
                b'.' if !segment_starts => segment_starts = true,
                _ => panic!("a parameter key is dotted lower-case words, such as oauth.api.key"),
            }
            at += 1;
        }
        if segment_starts {
            panic!("a parameter key is neither empty nor ends with a dot");
        }
        Self(key)
    }

    /// The key as text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The environment variable that sets this parameter of `provider`: `ACME_OAUTH_API_KEY`; dots and
    /// dashes become underscores. The same name with `_FILE` appended names a file that holds the value.
    pub fn environment_name(self, provider: &str) -> String {
        format!("{provider}_{}", self.0)
            .chars()
            .map(|c| {
                if matches!(c, '.' | '-') {
                    '_'
                } else {
                    c.to_ascii_uppercase()
                }
            })
            .collect()
    }
}

impl fmt::Display for ParameterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for ParameterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for ParameterKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_keys_are_refused() {
        for key in [
            "", ".", "a.", ".a", "a..b", "A", "a b", "1a", "a.1", "_a", "a-b", "ä",
        ] {
            assert!(
                std::panic::catch_unwind(|| ParameterKey::new(key)).is_err(),
                "{key:?} was taken"
            );
        }
        assert_eq!(
            ParameterKey::new("oauth.token.refresh_url").as_str(),
            "oauth.token.refresh_url"
        );
    }

    #[test]
    fn environment_names_hold_no_dots_or_dashes() {
        assert_eq!(
            ParameterKey::OAUTH_API_KEY.environment_name("acme-crm"),
            "ACME_CRM_OAUTH_API_KEY"
        );
    }
}
