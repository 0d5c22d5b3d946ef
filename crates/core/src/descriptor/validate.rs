//! What a descriptor must hold before anything is built on it.

use std::collections::BTreeSet;

use super::{Authentication, ProviderDescriptor, TokenPlacement};
use crate::{Format, OAuthField, ParameterKey, ParameterMapping, SetBy};

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
        self.validate_ways(&mut problems);
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
            self.validate_values(mapping, problems);
        }
        for field in self.required_fields() {
            if self
                .mappings
                .iter()
                .all(|mapping| mapping.oauth_field != Some(*field))
            {
                problems.push(format!("no mapping becomes {field}"));
            }
        }
        for key in self.credential_keys() {
            let row = self.mappings.iter().find(|row| row.parameter == *key);
            if !row.is_some_and(|row| row.set_by == SetBy::EndUser) {
                problems.push(format!("no mapping has the end user give {key}"));
            }
            // Whatever else an account's owner gives is kept in the clear.
            if *key != ParameterKey::USERNAME && row.is_some_and(|row| !row.secret) {
                problems.push(format!("{key} is not secret"));
            }
        }
    }

    /// What may stand for one parameter.
    fn validate_values(&self, mapping: &ParameterMapping, problems: &mut Vec<String>) {
        let key = mapping.parameter;
        if mapping.secret && mapping.default.is_some() {
            problems.push(format!("{key} is secret and has a default"));
        }
        let is_kept_apart = self.credential_keys().contains(&key);
        if mapping.secret && mapping.set_by == SetBy::EndUser && !is_kept_apart {
            problems.push(format!(
                "{key} is a secret of the end user, which only the credential itself may be"
            ));
        }
        if let Format::OneOf(words) = mapping.format {
            let is_word = |text| words.iter().any(|(word, _)| *word == text);
            if words.is_empty() || !mapping.default.is_none_or(is_word) {
                problems.push(format!(
                    "{key} has no words, or a default that is none of them"
                ));
            }
        }
    }

    /// The fields of the protocol without which nothing works.
    const fn required_fields(&self) -> &'static [OAuthField] {
        match self.authentication {
            Authentication::AuthorizationCode(_) => {
                &[OAuthField::ClientId, OAuthField::RedirectUri]
            }
            Authentication::DeviceAuthorization(_) | Authentication::ClientCredentials(_) => {
                &[OAuthField::ClientId]
            }
            Authentication::ApiKey | Authentication::Basic => &[],
        }
    }

    /// The parameters of which the credential is made, where the end user gives it.
    const fn credential_keys(&self) -> &'static [ParameterKey] {
        match self.authentication {
            Authentication::ApiKey => &[ParameterKey::API_KEY],
            Authentication::Basic => &[ParameterKey::USERNAME, ParameterKey::PASSWORD],
            _ => &[],
        }
    }

    /// What fits together only if all of it is there.
    fn validate_ways(&self, problems: &mut Vec<String>) {
        let oauth2 = self.oauth2();
        if matches!(self.authentication, Authentication::DeviceAuthorization(_))
            && oauth2.device.is_none()
        {
            problems.push("device is missing".to_owned());
        }
        let is_pair = self.api.token_placement == TokenPlacement::BasicPair;
        if is_pair != matches!(self.authentication, Authentication::Basic) {
            problems.push(
                "api.token_placement is BasicPair for HTTP Basic and nothing else".to_owned(),
            );
        }
        if let Some(host) = oauth2.callback.host {
            self.validate_placeholders("callback.host", host.host, false, problems);
        }
        let secret = self.parameter_for_field(OAuthField::ClientSecret);
        if oauth2.callback.signature.is_some() && secret.is_none() {
            problems.push("callback.signature needs a client secret to be checked with".to_owned());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::{
        AccountFact, Api, Authentication, Callback, Capture, HealthCheck, OAuth2, Stated,
    };
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

    #[test]
    fn what_comes_through_the_browser_is_no_proof_of_an_account() {
        const REALM: &[Capture] = &[Capture::whole("realm", "realmId")];
        let checked = |path| ProviderDescriptor {
            authentication: Authentication::AuthorizationCode(OAuth2 {
                callback: Callback {
                    captures: REALM,
                    ..Callback::DEFAULT
                },
                ..*ACME.oauth2()
            }),
            api: Api {
                health_check: Stated::Known(HealthCheck {
                    path,
                    account_id: AccountFact::Capture("realm"),
                    account_label: AccountFact::Field("name"),
                }),
                ..ACME.api
            },
            ..ACME
        };
        assert_eq!(problems(&checked("/company/{realm}")), "");
        assert_eq!(
            problems(&checked("/me")),
            "acme: api.health_check.account_id \"realm\" comes through the browser, where anybody can write it: ask for it \
             in the health check's path"
        );
    }

    #[test]
    fn what_an_owner_gives_to_open_an_account_is_secret() {
        const OPEN: &[ParameterMapping] = &[ParameterMapping {
            set_by: SetBy::EndUser,
            ..ParameterMapping::new("Key", ParameterKey::API_KEY)
        }];
        let keyed = ProviderDescriptor {
            authentication: Authentication::ApiKey,
            mappings: OPEN,
            ..ACME
        };
        assert_eq!(problems(&keyed), "acme: api.key is not secret");
    }
}
