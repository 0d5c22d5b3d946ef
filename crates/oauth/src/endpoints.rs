//! Which URLs stand for a provider's endpoints: the descriptor's, or what the operator put in their place.

use std::fmt;

use std::collections::BTreeMap;

use tieline_core::descriptor::Step;
use tieline_core::template::{self, TemplateProblem};
use tieline_core::{ParameterKey, Parameters, ProviderSetup, SetBy, endpoint};
use url::Url;

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
    /// A tenant, for what it wants to be told: public addresses, and the ranges that the operator opens to webhooks.
    Tenant,
}

/// An endpoint that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointProblem {
    /// It is no URL that may be one.
    #[error(
        "{provider}: the {name} is not an https URL without fragment, user and password; {cure}"
    )]
    NotUrl {
        /// The provider.
        provider: &'static str,
        /// Which endpoint.
        name: &'static str,
        /// What to do about it.
        cure: EndpointCure,
    },
    /// It depends on the connection, and what it depends on is missing or doesn't fit.
    #[error(
        "{provider}: the {name} can't be told: {problem}; give what is missing when the account is connected, or connect it again"
    )]
    Template {
        /// The provider.
        provider: &'static str,
        /// Which endpoint.
        name: &'static str,
        /// What is wrong.
        problem: TemplateProblem,
    },
}

/// Where an endpoint is put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointCure {
    /// In the parameter.
    Parameter(ParameterKey),
    /// In the descriptor.
    Descriptor,
}

/// What relative paths of calls are joined to: the operator's `base.url`, else the descriptor's base with this
/// connection's parameters and captured facts in their places.
///
/// # Errors
/// When it must not be used: not a URL, not `https`, with a fragment or credentials, or a place in it stays empty.
pub fn api_base(
    provider: &dyn ProviderSetup,
    parameters: &Parameters,
    captures: &BTreeMap<String, String>,
) -> Result<Endpoint, EndpointProblem> {
    let source = Source {
        provider,
        parameters,
    };
    let own = provider.descriptor().api.base;
    source.one("base of the API", &[ParameterKey::BASE_URL], own, captures)
}

/// Where endpoints come from, one at a time: a step asks only for its own.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) provider: &'a dyn ProviderSetup,
    pub(crate) parameters: &'a Parameters,
}

impl Source<'_> {
    pub(crate) fn authorization(&self) -> Result<Endpoint, EndpointProblem> {
        let own = self.provider.descriptor().oauth2().authorization_endpoint;
        let overrides = &[ParameterKey::OAUTH_AUTHORIZATION_URL];
        self.one("authorization endpoint", overrides, own, &BTreeMap::new())
    }

    pub(crate) fn offers_revocation(&self) -> bool {
        let oauth2 = self.provider.descriptor().oauth2();
        oauth2.revocation_endpoint.known().is_some()
            || keys(Step::Revoke)
                .iter()
                .any(|key| self.parameters.get(*key).is_some())
    }

    /// The endpoint of a step; `None` where the provider offers none.
    pub(crate) fn step(&self, step: Step) -> Result<Option<Endpoint>, EndpointProblem> {
        let oauth2 = self.provider.descriptor().oauth2();
        let (name, own) = match step {
            Step::Exchange | Step::ClientCredentials | Step::DeviceToken => {
                ("token endpoint", oauth2.token_endpoint)
            }
            Step::Refresh => (
                "refresh endpoint",
                oauth2.refresh_endpoint.unwrap_or(oauth2.token_endpoint),
            ),
            Step::Revoke if !self.offers_revocation() => return Ok(None),
            Step::Revoke => (
                "revocation endpoint",
                oauth2.revocation_endpoint.known().unwrap_or_default(),
            ),
            Step::DeviceAuthorization => match oauth2.device {
                None => return Ok(None),
                Some(device) => ("device authorization endpoint", device.endpoint),
            },
        };
        self.one(name, keys(step), own, &BTreeMap::new()).map(Some)
    }

    /// The first override that is set, else the descriptor's own.
    fn one(
        &self,
        name: &'static str,
        overrides: &[ParameterKey],
        own: &'static str,
        captures: &BTreeMap<String, String>,
    ) -> Result<Endpoint, EndpointProblem> {
        let provider = self.provider.descriptor().id;
        let set = overrides
            .iter()
            .find_map(|key| Some((*key, self.parameters.get(*key)?)));
        let Some((key, text)) = set else {
            return self.own(name, own, captures);
        };
        let url = Url::parse(text)
            .ok()
            .filter(|_| endpoint::is_endpoint(text));
        let named_by = self.named_by(key);
        match url {
            Some(url) if url.scheme() == "https" || named_by == NamedBy::Operator => {
                Ok(Endpoint { url, named_by })
            }
            _ => Err(EndpointProblem::NotUrl {
                provider,
                name,
                cure: EndpointCure::Parameter(key),
            }),
        }
    }

    /// The descriptor's own, with what belongs in its places.
    fn own(
        &self,
        name: &'static str,
        own: &'static str,
        captures: &BTreeMap<String, String>,
    ) -> Result<Endpoint, EndpointProblem> {
        let provider = self.provider.descriptor().id;
        let value = |name: &str| {
            let captured = captures.get(name).map(String::as_str);
            self.parameters.in_template(name).or(captured)
        };
        match template::url(own, value) {
            Ok(url) if url.scheme() == "https" => Ok(Endpoint {
                url,
                named_by: NamedBy::Anyone,
            }),
            Err(problem) if problem != TemplateProblem::Moved => Err(EndpointProblem::Template {
                provider,
                name,
                problem,
            }),
            _ => Err(EndpointProblem::NotUrl {
                provider,
                name,
                cure: EndpointCure::Descriptor,
            }),
        }
    }

    fn named_by(&self, key: ParameterKey) -> NamedBy {
        let descriptor = self.provider.descriptor();
        let by_operator = descriptor
            .parameter(key)
            .is_some_and(|row| row.set_by == SetBy::Operator);
        if by_operator {
            NamedBy::Operator
        } else {
            NamedBy::Anyone
        }
    }
}

/// The overrides that decide where a step is sent, the first that is set.
pub(crate) const fn keys(step: Step) -> &'static [ParameterKey] {
    match step {
        Step::Exchange | Step::ClientCredentials | Step::DeviceToken => {
            &[ParameterKey::OAUTH_TOKEN_URL]
        }
        Step::Refresh => &[
            ParameterKey::OAUTH_TOKEN_REFRESH_URL,
            ParameterKey::OAUTH_TOKEN_URL,
        ],
        Step::Revoke => &[ParameterKey::OAUTH_TOKEN_REVOKE_URL],
        Step::DeviceAuthorization => &[ParameterKey::OAUTH_DEVICE_AUTHORIZATION_URL],
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

    fn endpoint(provider: &Acme, step: Step, more: &[(&str, &str)]) -> Endpoint {
        let parameters = parameters(provider, more);
        let source = Source {
            provider,
            parameters: &parameters,
        };
        source.step(step).unwrap().unwrap()
    }

    #[test]
    fn overrides_take_the_descriptors_place_and_refresh_follows_the_token_endpoint() {
        let provider = acme();
        let own = endpoint(&provider, Step::Exchange, &[]);
        assert_eq!(own.url.as_str(), "https://acme.example/token");
        assert_eq!(
            (endpoint(&provider, Step::Refresh, &[]), own.named_by),
            (own.clone(), NamedBy::Anyone)
        );

        let moved = [("oauth.token.url", "http://127.0.0.1:9/t")];
        let refresh = endpoint(&provider, Step::Refresh, &moved);
        assert_eq!(refresh.url.as_str(), "http://127.0.0.1:9/t");
        assert_eq!(refresh.named_by, NamedBy::Operator);

        let both = [
            ("oauth.token.url", "http://127.0.0.1:9/t"),
            ("oauth.token.refresh_url", "http://127.0.0.1:9/r"),
        ];
        let paths = [Step::Exchange, Step::Refresh]
            .map(|step| endpoint(&provider, step, &both).url.path().to_owned());
        assert_eq!(paths, ["/t", "/r"]);
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
            let parameters = parameters(&provider, &[]);
            let source = Source {
                provider: &provider,
                parameters: &parameters,
            };
            assert_eq!(
                source.step(Step::Revoke).unwrap_err().to_string(),
                "acme: the revocation endpoint is not an https URL without fragment, user and password; \
                 correct the provider's descriptor"
            );
        }
    }

    #[test]
    fn what_a_connection_lacks_is_told_and_no_other_url_is_used() {
        let provider = Acme::with(OAuth2 {
            token_endpoint: "https://acme.example/{realm}/token",
            ..*acme().oauth2()
        });
        let parameters = parameters(&provider, &[]);
        let source = Source {
            provider: &provider,
            parameters: &parameters,
        };
        assert_eq!(
            source.step(Step::Exchange).unwrap_err().to_string(),
            "acme: the token endpoint can't be told: nothing is known for {realm}; give what is missing when the account is connected, or connect it again"
        );
    }
}
