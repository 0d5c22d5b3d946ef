//! The seam to the network: core names what it needs and never opens a socket.

use async_trait::async_trait;
use bytes::Bytes;

/// Calls the API of one instance. The engine implements it: it joins the path to the API's base, adds the access
/// token, and keeps origin, size and time limits.
#[async_trait]
pub trait ProviderHttp: Send + Sync {
    /// Sends one request; its URI is a path relative to the API's base, such as `/v1/me?fields=id`.
    ///
    /// # Errors
    /// When no answer came. An answer of any status is `Ok`.
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, ProviderHttpError>;

    /// GETs a path relative to the API's base.
    ///
    /// # Errors
    /// As [`send`](Self::send); also when `path` is not a path.
    async fn get(&self, path: &str) -> Result<http::Response<Bytes>, ProviderHttpError> {
        let request = http::Request::get(path)
            .body(Bytes::new())
            .map_err(|_| ProviderHttpError::permanent(format!("{path:?} is not a path")))?;
        self.send(request).await
    }
}

/// Why a call brought no answer. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderHttpError {
    message: String,
    transient: bool,
}

impl ProviderHttpError {
    /// Trying again may help.
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            transient: true,
        }
    }

    /// Trying again won't help.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            transient: false,
        }
    }

    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        self.transient
    }
}

/// The query with which a provider sent the user back (RFC 6749 section 4.1.2), decoded once.
///
/// Its `Debug` names the parameters and hides their values: one of them is the code.
#[derive(Clone)]
pub struct CallbackQuery {
    pairs: Vec<(String, String)>,
}

impl CallbackQuery {
    /// From the raw query, with or without its question mark.
    pub fn parse(query: &str) -> Self {
        let query = query.strip_prefix('?').unwrap_or(query);
        Self {
            pairs: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        }
    }

    /// The value of `name`. An empty value counts as absent (RFC 6749 section 3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Whether `name` stands there at all, if only with an empty value.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(key, _)| key == name)
    }

    /// The first name that stands there more than once: RFC 6749 section 3.1 forbids that.
    pub fn repeated(&self) -> Option<&str> {
        self.pairs
            .iter()
            .enumerate()
            .find(|(at, (name, _))| self.pairs[..*at].iter().any(|(earlier, _)| earlier == name))
            .map(|(_, (name, _))| name.as_str())
    }

    /// All pairs, in the order in which they came.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }
}

impl std::fmt::Debug for CallbackQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.pairs.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_decoded_once_and_empty_is_absent() {
        let query = CallbackQuery::parse("?code=4%2F0AX&state=&scope=a+b");
        assert_eq!(query.get("code"), Some("4/0AX"));
        assert_eq!(query.get("scope"), Some("a b"));
        assert_eq!((query.get("state"), query.has("state")), (None, true));
        assert_eq!(query.repeated(), None);
        assert_eq!(
            CallbackQuery::parse("code=a&code=b").repeated(),
            Some("code")
        );
        assert_eq!(format!("{query:?}"), r#"{"code", "state", "scope"}"#);
    }
}
