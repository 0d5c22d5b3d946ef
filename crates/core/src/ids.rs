//! Identifiers of what Tieline keeps. Random below 2^53, decimal on every face.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::random::{self, NoRandomness};

/// The text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an id: ids are decimal numbers from 1 up, as `tieline instances list`, `tieline apps list` and `tieline api-keys list` show them"
)]
pub struct InvalidId(String);

macro_rules! id {
    ($(#[doc = $doc:literal])* $name:ident) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "i64", try_from = "i64")]
        pub struct $name(pub i64);

        impl $name {
            /// A fresh random identifier.
            ///
            /// # Errors
            /// When the operating system has no random bytes to give.
            pub fn random() -> Result<Self, NoRandomness> {
                random::id().map(Self)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::openapi::id(concat!($($doc),*).trim())
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let id = text.parse::<i64>().map(Self::try_from);
                id.unwrap_or_else(|_| Err(InvalidId(text.to_owned())))
            }
        }

        impl TryFrom<i64> for $name {
            type Error = InvalidId;

            fn try_from(id: i64) -> Result<Self, InvalidId> {
                if (1..1 << 53).contains(&id) {
                    Ok(Self(id))
                } else {
                    Err(InvalidId(id.to_string()))
                }
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id! {
    /// Names an API key, and is no secret.
    ApiKeyId
}
id! {
    /// Names an app: a tenant's registered application at one provider.
    AppId
}
id! {
    /// Names one run of the front channel.
    AuthorizationId
}
id! {
    /// Names a connect link.
    LinkId
}
id! {
    /// Names a connector instance: one connected account.
    InstanceId
}
id! {
    /// Names a webhook: where a tenant wants to be told of events.
    WebhookId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_decimal_and_below_2_to_the_53() {
        assert_eq!("42".parse(), Ok(InstanceId(42)));
        for wrong in ["", "0", "-1", "9007199254740992", "abc", "1.0", " 1"] {
            assert!(wrong.parse::<InstanceId>().is_err(), "{wrong}");
        }
        for wrong in ["0", "-1", "9007199254740992", "1.0", "\"1\""] {
            let read = serde_json::from_str::<InstanceId>(wrong);
            assert!(read.is_err(), "{wrong}");
        }
        assert_eq!(serde_json::to_string(&InstanceId(42)).unwrap(), "42");
        assert_eq!(
            serde_json::from_str::<InstanceId>("42").unwrap(),
            InstanceId(42)
        );
    }
}
