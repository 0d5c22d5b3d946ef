//! What a descriptor must hold before anything is built on it.

use std::collections::BTreeSet;

use url::Url;

use super::{ProviderDescriptor, Stated};
use crate::OAuthField;

/// One thing that is wrong with a descriptor, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{provider}: {problem}")]
pub struct DescriptorProblem {
    /// The descriptor's id, as it stands.
    pub provider: &'static str,
    /// What is wrong.
    pub problem: String,
}

impl ProviderDescriptor {
    /// Everything that would make the provider misbehave: ids, mappings, endpoints. Empty = fit to be registered.
    ///
    /// Completeness of the documentation is the conformance kit's to judge, not the registry's.
    pub fn validate(&self) -> Vec<DescriptorProblem> {
        let mut problems = Vec::new();
        for name in std::iter::once(&self.id).chain(self.aliases) {
            if !is_id(name) {
                problems.push(format!(
                    "{name:?} is not an id: use lower-case letters, digits and dashes"
                ));
            }
        }
        self.validate_mappings(&mut problems);
        self.validate_endpoints(&mut problems);
        problems
            .into_iter()
            .map(|problem| DescriptorProblem {
                provider: self.id,
                problem,
            })
            .collect()
    }

    fn validate_mappings(&self, problems: &mut Vec<String>) {
        let (mut keys, mut credentials) = (BTreeSet::new(), BTreeSet::new());
        for mapping in self.mappings {
            if !keys.insert(mapping.parameter) {
                problems.push(format!("{} is mapped twice", mapping.parameter));
            }
            if mapping.credential.is_empty() {
                problems.push(format!(
                    "{} has no credential: say what the provider calls it",
                    mapping.parameter
                ));
            } else if !credentials.insert(mapping.credential) {
                problems.push(format!(
                    "the credential {:?} is mapped twice",
                    mapping.credential
                ));
            }
            if mapping.secret && mapping.default.is_some() {
                problems.push(format!("{} is secret and has a default", mapping.parameter));
            }
        }
        for field in [OAuthField::ClientId, OAuthField::RedirectUri] {
            if self
                .mappings
                .iter()
                .all(|mapping| mapping.oauth_field != Some(field))
            {
                problems.push(format!("no mapping becomes {field}"));
            }
        }
    }

    fn validate_endpoints(&self, problems: &mut Vec<String>) {
        let oauth2 = self.oauth2();
        let revocation = oauth2.revocation_endpoint.known();
        let required = [
            (
                "authorization_endpoint",
                Some(oauth2.authorization_endpoint),
            ),
            ("token_endpoint", Some(oauth2.token_endpoint)),
            ("api.base", Some(self.api.base)),
            ("refresh_endpoint", oauth2.refresh_endpoint),
            ("revocation_endpoint", revocation),
        ];
        let origins = self
            .api
            .origins
            .iter()
            .map(|origin| ("api.origins", Some(*origin)));
        for (name, value) in required.into_iter().chain(origins) {
            let Some(value) = value else { continue };
            if value.is_empty() {
                problems.push(format!("{name} is missing"));
            } else if !is_https_endpoint(value) {
                problems.push(format!(
                    "{name} {value:?} is not an https URL without fragment and credentials"
                ));
            }
        }
        if let Stated::Known(check) = self.api.health_check
            && !check.path.starts_with('/')
        {
            problems.push(format!(
                "the health check's path {:?} does not start with a slash",
                check.path
            ));
        }
    }
}

fn is_id(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    edge(text.chars().next())
        && edge(text.chars().last())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_https_endpoint(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https"
            && url.has_host()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::{Api, Authentication, OAuth2};
    use crate::{ParameterKey, ParameterMapping};

    const MAPPINGS: &[ParameterMapping] = &[
        ParameterMapping::api_key("client_id"),
        ParameterMapping::callback_url("Callback URL"),
    ];

    const ACME: ProviderDescriptor = ProviderDescriptor {
        authentication: Authentication::AuthorizationCode(OAuth2 {
            authorization_endpoint: "https://acme.example/authorize",
            token_endpoint: "https://acme.example/token",
            ..OAuth2::DEFAULT
        }),
        api: Api {
            base: "https://api.acme.example",
            ..Api::DEFAULT
        },
        ..ProviderDescriptor::new("acme", "Acme", MAPPINGS)
    };

    fn problems(descriptor: &ProviderDescriptor) -> String {
        descriptor
            .validate()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_whole_descriptor_has_no_problems() {
        assert_eq!(problems(&ACME), "");
    }

    #[test]
    fn an_empty_descriptor_is_told_everything_at_once() {
        let empty = ProviderDescriptor::new("Acme!", "Acme", &[]);
        assert_eq!(
            problems(&empty),
            "Acme!: \"Acme!\" is not an id: use lower-case letters, digits and dashes\n\
             Acme!: no mapping becomes client_id\n\
             Acme!: no mapping becomes redirect_uri\n\
             Acme!: authorization_endpoint is missing\n\
             Acme!: token_endpoint is missing\n\
             Acme!: api.base is missing"
        );
    }

    #[test]
    fn endpoints_are_https_without_fragment_or_credentials() {
        for bad in [
            "http://acme.example/token",
            "https://acme.example/token#x",
            "https://me@acme.example",
            "token",
        ] {
            let authentication = Authentication::AuthorizationCode(OAuth2 {
                token_endpoint: bad,
                ..*ACME.oauth2()
            });
            assert_eq!(
                problems(&ProviderDescriptor {
                    authentication,
                    ..ACME
                }),
                format!(
                    "acme: token_endpoint {bad:?} is not an https URL without fragment and credentials"
                )
            );
        }
    }

    #[test]
    fn mappings_are_unambiguous() {
        const TWICE: &[ParameterMapping] = &[
            ParameterMapping::api_key("client_id"),
            ParameterMapping::api_key("client_id"),
            ParameterMapping::callback_url("Callback URL"),
            ParameterMapping::new("", ParameterKey::new("acme.region")),
        ];
        assert_eq!(
            problems(&ProviderDescriptor {
                mappings: TWICE,
                ..ACME
            }),
            "acme: oauth.api.key is mapped twice\n\
             acme: the credential \"client_id\" is mapped twice\n\
             acme: acme.region has no credential: say what the provider calls it"
        );
    }
}
