//! Which URLs stand for a provider's endpoints: the descriptor's, or what the operator put in their place.

use std::fmt;

use tieline_core::descriptor::Step;
use tieline_core::{ParameterKey, Parameters, ProviderSetup, SetBy, endpoint};
use url::Url;

/// The endpoints of one provider, as one app reaches them.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Where the user consents (RFC 6749 section 3.1).
    pub authorization: Endpoint,
    /// Where codes are exchanged (RFC 6749 section 3.2).
    pub token: Endpoint,
    /// Where tokens are refreshed: its own override, else the token endpoint's, else the descriptor's.
    pub refresh: Endpoint,
    /// Where tokens are revoked (RFC 7009), if the provider offers that.
    pub revocation: Option<Endpoint>,
    /// What relative paths of calls are joined to.
    pub api_base: Endpoint,
}

/// A URL, and whose word it is: that decides which addresses may be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `https`; plain `http` only where the operator names a loopback address.
    pub url: Url,
    /// Who named it.
    pub named_by: NamedBy,
}

/// Who named an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// The descriptor, a tenant, or an answer: public addresses over `https` only.
    Anyone,
    /// Whoever runs Tieline: loopback and configured ranges too.
    Operator,
}

/// An endpoint that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{provider}: the {name} is not an https URL without fragment, user and password; {cure}")]
pub struct EndpointProblem {
    /// The provider.
    pub provider: &'static str,
    /// Which endpoint.
    pub name: &'static str,
    /// What to do about it.
    pub cure: EndpointCure,
}

/// Where an endpoint is put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointCure {
    /// In the parameter.
    Parameter(ParameterKey),
    /// In the descriptor.
    Descriptor,
}

impl Endpoints {
    /// The descriptor's endpoints with the overrides of `parameters` in their place.
    ///
    /// # Errors
    /// When one of them must not be used: not a URL, not `https`, with a fragment or credentials.
    pub fn of(
        provider: &dyn ProviderSetup,
        parameters: &Parameters,
    ) -> Result<Self, EndpointProblem> {
        let source = Source {
            provider,
            parameters,
        };
        Ok(Self {
            authorization: source.authorization()?,
            token: source.token()?,
            refresh: source.refresh()?,
            revocation: source.revocation()?,
            api_base: source.one(
                "base of the API",
                &[ParameterKey::BASE_URL],
                Some(provider.descriptor().api.base),
            )?,
        })
    }
}

/// Where endpoints come from, one at a time: a step asks only for its own.
pub(crate) struct Source<'a> {
    pub(crate) provider: &'a dyn ProviderSetup,
    pub(crate) parameters: &'a Parameters,
}

impl Source<'_> {
    pub(crate) fn authorization(&self) -> Result<Endpoint, EndpointProblem> {
        let own = self.provider.descriptor().oauth2().authorization_endpoint;
        self.one(
            "authorization endpoint",
            &[ParameterKey::OAUTH_AUTHORIZATION_URL],
            Some(own),
        )
    }

    fn token(&self) -> Result<Endpoint, EndpointProblem> {
        let own = self.provider.descriptor().oauth2().token_endpoint;
        self.one("token endpoint", keys(Step::Exchange), Some(own))
    }

    fn refresh(&self) -> Result<Endpoint, EndpointProblem> {
        let oauth2 = self.provider.descriptor().oauth2();
        let own = oauth2.refresh_endpoint.unwrap_or(oauth2.token_endpoint);
        self.one("refresh endpoint", keys(Step::Refresh), Some(own))
    }

    fn revocation(&self) -> Result<Option<Endpoint>, EndpointProblem> {
        if !self.offers_revocation() {
            return Ok(None);
        }
        let own = self
            .provider
            .descriptor()
            .oauth2()
            .revocation_endpoint
            .known();
        self.one("revocation endpoint", keys(Step::Revoke), own)
            .map(Some)
    }

    pub(crate) fn offers_revocation(&self) -> bool {
        self.provider
            .descriptor()
            .oauth2()
            .revocation_endpoint
            .known()
            .is_some()
            || keys(Step::Revoke)
                .iter()
                .any(|key| self.parameters.get(*key).is_some())
    }

    /// The endpoint of a step; `None` where the provider offers none.
    pub(crate) fn step(&self, step: Step) -> Result<Option<Endpoint>, EndpointProblem> {
        match step {
            Step::Exchange => self.token().map(Some),
            Step::Refresh => self.refresh().map(Some),
            Step::Revoke => self.revocation(),
        }
    }

    /// The first override that is set, else the descriptor's own.
    fn one(
        &self,
        name: &'static str,
        overrides: &[ParameterKey],
        own: Option<&'static str>,
    ) -> Result<Endpoint, EndpointProblem> {
        let descriptor = self.provider.descriptor();
        let set = overrides
            .iter()
            .find_map(|key| Some((*key, self.parameters.get(*key)?)));
        let (text, named_by, cure) = match set {
            Some((key, text)) => {
                let by_operator = descriptor
                    .parameter(key)
                    .is_some_and(|row| row.set_by == SetBy::Operator);
                let named_by = if by_operator {
                    NamedBy::Operator
                } else {
                    NamedBy::Anyone
                };
                (text, named_by, EndpointCure::Parameter(key))
            }
            None => (
                own.unwrap_or_default(),
                NamedBy::Anyone,
                EndpointCure::Descriptor,
            ),
        };
        let url = Url::parse(text)
            .ok()
            .filter(|_| endpoint::is_endpoint(text));
        match url {
            Some(url) if url.scheme() == "https" || named_by == NamedBy::Operator => {
                Ok(Endpoint { url, named_by })
            }
            _ => Err(EndpointProblem {
                provider: descriptor.id,
                name,
                cure,
            }),
        }
    }
}

/// The overrides that decide where a step is sent, the first that is set.
pub(crate) const fn keys(step: Step) -> &'static [ParameterKey] {
    match step {
        Step::Exchange => &[ParameterKey::OAUTH_TOKEN_URL],
        Step::Refresh => &[
            ParameterKey::OAUTH_TOKEN_REFRESH_URL,
            ParameterKey::OAUTH_TOKEN_URL,
        ],
        Step::Revoke => &[ParameterKey::OAUTH_TOKEN_REVOKE_URL],
    }
}

impl fmt::Display for EndpointCure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(key) => write!(f, "correct {key}"),
            Self::Descriptor => f.write_str("correct the provider's descriptor"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Acme, acme, parameters};
    use tieline_core::descriptor::{OAuth2, Stated};

    #[test]
    fn overrides_take_the_descriptors_place_and_refresh_follows_the_token_endpoint() {
        let provider = acme();
        let own = Endpoints::of(&provider, &parameters(&provider, &[])).unwrap();
        assert_eq!(own.token.url.as_str(), "https://acme.example/token");
        assert_eq!(
            (own.refresh, own.token.named_by),
            (own.token.clone(), NamedBy::Anyone)
        );

        let moved = parameters(&provider, &[("oauth.token.url", "http://127.0.0.1:9/t")]);
        let moved = Endpoints::of(&provider, &moved).unwrap();
        assert_eq!(moved.refresh.url.as_str(), "http://127.0.0.1:9/t");
        assert_eq!(moved.refresh.named_by, NamedBy::Operator);
        assert_eq!(moved.authorization.named_by, NamedBy::Anyone);

        let both = [
            ("oauth.token.url", "http://127.0.0.1:9/t"),
            ("oauth.token.refresh_url", "http://127.0.0.1:9/r"),
        ];
        let both = Endpoints::of(&provider, &parameters(&provider, &both)).unwrap();
        assert_eq!(
            (both.token.url.path(), both.refresh.url.path()),
            ("/t", "/r")
        );
    }

    #[test]
    fn a_descriptor_never_names_plain_http() {
        for bad in [
            "http://acme.example/revoke",
            "http://127.0.0.1/revoke",
            "https://acme.example/revoke#x",
        ] {
            let provider = Acme::with(OAuth2 {
                revocation_endpoint: Stated::Known(bad),
                ..*acme().oauth2()
            });
            let problem = Endpoints::of(&provider, &parameters(&provider, &[])).unwrap_err();
            assert_eq!(
                problem.to_string(),
                "acme: the revocation endpoint is not an https URL without fragment, user and password; \
                 correct the provider's descriptor"
            );
        }
    }
}
