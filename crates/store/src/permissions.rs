//! What an API key may do: a small set of words.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::words::words;

words! {
    /// One thing that an API key may do for its tenant. None implies another.
    pub enum Permission {
        /// List and read everything of the tenant that is no secret.
        Read = "read",
        /// Start authorizations and connect links; import, rename, tag, disable and disconnect instances.
        Connect = "connect",
        /// Call the provider's API, check and refresh.
        Call = "call",
        /// Be handed access tokens.
        Token = "token",
        /// Manage apps, API keys and webhooks; and tenants, where the key is one of the tenant `default`.
        Admin = "admin",
    }
}

/// Some of the [`Permission`]s. Written as a list of their words.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u8);

impl Permissions {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Whether this one is among them.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & bit(permission) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, always in the same order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        let all = Permission::ALL.iter().copied();
        all.filter(move |permission| self.contains(*permission))
    }
}

const fn bit(permission: Permission) -> u8 {
    1 << permission as u8
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let bits = permissions.into_iter().map(bit);
        Self(bits.fold(0, |all, bit| all | bit))
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.iter().map(Permission::as_str).collect();
        f.pad(&words.join(", "))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Permission>::deserialize(deserializer).map(Self::from_iter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        for all in 0..1_u8 << Permission::ALL.len() {
            let is_in = |permission: &Permission| all & bit(*permission) != 0;
            let wanted: Vec<_> = Permission::ALL.iter().copied().filter(is_in).collect();
            // In whatever order, however often.
            let again = wanted.iter().rev().chain(&wanted).copied();
            let set: Permissions = again.collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), wanted);
            assert_eq!(set.is_empty(), wanted.is_empty());
            for permission in Permission::ALL {
                assert_eq!(set.contains(*permission), wanted.contains(permission));
            }
            let text = serde_json::to_string(&set).unwrap();
            assert_eq!(text, serde_json::to_string(&wanted).unwrap());
            assert_eq!(serde_json::from_str::<Permissions>(&text).unwrap(), set);
        }
    }

    #[test]
    fn a_set_reads_well_and_takes_no_other_words() {
        let set: Permissions = [Permission::Call, Permission::Read].into_iter().collect();
        assert_eq!(set.to_string(), "read, call");
        assert_eq!(format!("{set:?}"), "{Read, Call}");
        for wrong in [r#"["all"]"#, r#"["Read"]"#, r#""read""#, "7"] {
            assert!(
                serde_json::from_str::<Permissions>(wrong).is_err(),
                "{wrong}"
            );
        }
    }
}
