//! Where an instance's calls go, and where they never go.

use std::collections::BTreeMap;

use http::HeaderName;
use tieline_core::descriptor::{Api, TokenPlacement};
use tieline_core::endpoint::is_endpoint;
use tieline_core::http::ProviderHttpError;
use tieline_core::{Parameters, ProviderSetup};
use tieline_oauth::{Endpoint, NamedBy, api_base};
use url::Url;

use crate::EngineError;

/// The API of one instance.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) base: Endpoint,
    pub(crate) placement: TokenPlacement,
}

impl Target {
    /// The operator's `base.url`, else what the provider told of this account, else the provider's usual base.
    pub(crate) fn of(
        provider: &dyn ProviderSetup,
        parameters: &Parameters,
        captures: &BTreeMap<String, String>,
    ) -> Result<Self, EngineError> {
        let Api {
            origins,
            base_capture,
            token_placement: placement,
            ..
        } = provider.descriptor().api;
        let mut base = api_base(provider, parameters, captures)?;
        let told = base_capture.and_then(|name| captures.get(name));
        if let (NamedBy::Anyone, Some(told)) = (base.named_by, told) {
            base.url = told_base(told, origins).ok_or_else(|| EngineError::Call {
                provider: provider.descriptor().id.to_owned(),
                error: ProviderHttpError::permanent(
                    "the API's base that came with the tokens is not one of the provider's origins",
                ),
            })?;
        }
        Ok(Self { base, placement })
    }

    /// The URL of a path relative to the base. Whatever the path holds, scheme, host and port stay the base's.
    pub(crate) fn url(&self, path: &str) -> Result<Url, ProviderHttpError> {
        let refuse = |why: &str| {
            ProviderHttpError::permanent(format!("{why}: give a path such as /v1/me?fields=id"))
        };
        if !path.starts_with('/') || path.starts_with("//") || path.contains('\\') {
            return Err(refuse("the path must start with exactly one slash"));
        }
        let base = self.base.url.as_str().trim_end_matches('/');
        let url =
            Url::parse(&format!("{base}{path}")).map_err(|_| refuse("the path is not one"))?;
        let below = url
            .path()
            .strip_prefix(self.base.url.path().trim_end_matches('/'));
        if url.origin() != self.base.url.origin()
            || !below.is_some_and(|rest| rest.starts_with('/'))
        {
            return Err(refuse("the path leaves the provider's API"));
        }
        Ok(url)
    }
}

/// A base that a provider told, if it lies at one of its origins and is nothing but a base.
fn told_base(told: &str, origins: &[&str]) -> Option<Url> {
    let url = Url::parse(told).ok().filter(|_| is_endpoint(told))?;
    let known = origins.contains(&url.origin().ascii_serialization().as_str());
    (known && url.query().is_none()).then_some(url)
}

/// Whether a header of the caller's is passed on: not those that speak for the connection, nor for somebody else.
pub(crate) fn passes(name: &HeaderName) -> bool {
    !matches!(
        name.as_str(),
        "authorization"
            | "connection"
            | "content-length"
            | "cookie"
            | "expect"
            | "forwarded"
            | "host"
            | "keep-alive"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leaves_the_api() {
        let target = Target {
            base: Endpoint {
                url: Url::parse("https://api.acme.example/rest").unwrap(),
                named_by: NamedBy::Anyone,
            },
            placement: TokenPlacement::Authorization("Bearer"),
        };
        assert_eq!(
            target.url("/v1/me?x=1").unwrap().as_str(),
            "https://api.acme.example/rest/v1/me?x=1"
        );
        for bad in [
            "",
            "v1",
            "//evil.example/",
            "/../admin",
            "/..",
            "/%2e%2e/admin",
            "/\\evil.example",
            "@evil.example/",
            "https://evil.example/",
            ":8443/",
            ".evil.example/",
        ] {
            assert!(
                target.url(bad).is_err(),
                "{bad:?} became {}",
                target.url(bad).unwrap()
            );
        }
    }

    #[test]
    fn what_speaks_for_somebody_else_is_not_passed_on() {
        for (name, passed) in [
            ("authorization", false),
            ("cookie", false),
            ("transfer-encoding", false),
            ("accept", true),
            ("x-request-id", true),
        ] {
            assert_eq!(passes(&HeaderName::from_static(name)), passed, "{name}");
        }
    }
}
