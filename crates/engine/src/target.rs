//! Where an instance's calls go, and where they never go.

use std::collections::BTreeMap;

use http::Uri;
use percent_encoding::percent_decode;
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

    /// The URL of a request whose URI is a path relative to the base.
    pub(crate) fn url_of(&self, uri: &Uri) -> Result<Url, ProviderHttpError> {
        if uri.authority().is_some() {
            return Err(ProviderHttpError::permanent(
                "only paths relative to the API's base are called",
            ));
        }
        self.url(uri.path_and_query().map_or("", |path| path.as_str()))
    }

    /// The URL of a path relative to the base. Whatever the path holds, scheme, host and port stay the base's.
    fn url(&self, path: &str) -> Result<Url, ProviderHttpError> {
        let refuse = |why: &str| {
            ProviderHttpError::permanent(format!("{why}: give a path such as /v1/me?fields=id"))
        };
        if !path.starts_with('/') || path.starts_with("//") || path.contains('\\') {
            return Err(refuse("the path must start with exactly one slash"));
        }
        if climbs(path) {
            return Err(refuse("the path holds a dot segment, plain or encoded"));
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

/// Whether a path holds a segment that leads upwards or nowhere (RFC 3986 section 3.3), for us or for any server behind: one
/// that takes `%2F` or `%5C` for a slash, decodes twice, or cuts off parameters, blanks and control characters first.
fn climbs(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut bytes = path.as_bytes().to_vec();
    loop {
        let decoded: Vec<u8> = percent_decode(&bytes).collect();
        if decoded.len() == bytes.len() {
            break;
        }
        bytes = decoded;
    }
    bytes.split(|byte| b"/\\".contains(byte)).any(|segment| {
        let name = segment.split(|byte| *byte == b';').next();
        let mut seen = name
            .unwrap_or_default()
            .iter()
            .filter(|byte| !(byte.is_ascii_whitespace() || byte.is_ascii_control()))
            .peekable();
        seen.peek().is_some() && seen.all(|byte| *byte == b'.')
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target() -> Target {
        Target {
            base: Endpoint {
                url: Url::parse("https://api.acme.example/rest").unwrap(),
                named_by: NamedBy::Anyone,
            },
            placement: TokenPlacement::Authorization("Bearer"),
        }
    }

    #[test]
    fn no_path_leaves_the_api() {
        let target = target();
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
            "/..%2fadmin",
            "/%2E%2e%2Fadmin",
            "/v1/..%5cadmin",
            "/v1/%252e%252e%252fadmin",
            "/v1/%25252e%25252e/admin",
            "/v1/..;x=1/admin",
            "/v1/..%3b/admin",
            "/v1/..%20/admin",
            "/v1/..%00/admin",
            "/v1/.%0a./admin",
            "/v1/./me",
            "/v1/...",
            "/v1/a/../b",
            "/.\t./admin",
            "/..?x",
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
    fn what_only_looks_like_leaving_is_sent_as_it_was_written() {
        for path in [
            "/v1/contacts/a%2Fb",
            "/v1/files/..name/a..b/.well-known/x.",
            "/v1/files/%2eenv",
            "/v1//twice",
            "/v1/%E2%82%AC%20x",
            "/v1/100%25",
            "/@evil.example/",
            "/v1?path=../..%2f&q=/../",
        ] {
            let url = target().url(path).unwrap();
            let rest = url.as_str().strip_prefix("https://api.acme.example/rest");
            assert_eq!(rest, Some(path));
        }
    }

    /// What a server makes of a path that decodes it as often as anybody does.
    fn resolved(path: &str) -> Option<Vec<String>> {
        let mut text = path.to_owned();
        for _ in 0..4 {
            text = String::from_utf8_lossy(&percent_decode(text.as_bytes()).collect::<Vec<_>>())
                .into_owned();
        }
        let mut stack = Vec::new();
        for segment in text.split(['/', '\\']) {
            match segment.split(';').next().unwrap_or_default().trim() {
                "" | "." => {}
                ".." => {
                    stack.pop()?;
                }
                name => stack.push(name.to_owned()),
            }
        }
        Some(stack)
    }

    proptest! {
        #[test]
        fn whatever_a_server_makes_of_it_stays_below_the_base(
            pieces in prop::collection::vec(
                prop_oneof![
                    Just("/"), Just("."), Just(".."), Just("%2e"), Just("%2E"), Just("%2f"), Just("%5c"), Just("%25"),
                    Just("%252e"), Just("2e"), Just("2f"), Just(";"), Just("%20"), Just("a"), Just("@"), Just(":"), Just("?"),
                ],
                0..12,
            ),
        ) {
            let path = format!("/{}", pieces.concat());
            if let Ok(url) = target().url(&path) {
                prop_assert_eq!(url.host_str(), Some("api.acme.example"));
                prop_assert_eq!(url.port_or_known_default(), Some(443));
                let stack = resolved(url.path());
                prop_assert_eq!(stack.and_then(|stack| stack.into_iter().next()), Some("rest".to_owned()));
            }
        }
    }
}
