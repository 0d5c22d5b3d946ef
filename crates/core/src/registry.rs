//! Which providers there are, and which credential of theirs is which parameter.

use std::collections::BTreeMap;

use crate::descriptor::DescriptorProblem;
use crate::suggest::closest;
use crate::{ParameterKey, ParameterMapping, ProviderDescriptor, ProviderSetup};

/// What [`register_provider!`](crate::register_provider) submits.
#[doc(hidden)]
#[derive(Debug)]
pub struct Registration(pub &'static dyn ProviderSetup);

inventory::collect!(Registration);

/// Makes a provider known to [`Registry::discover`]. The argument is a constant expression: the unit struct's name.
#[macro_export]
macro_rules! register_provider {
    ($provider:expr) => {
        $crate::__private::inventory::submit! { $crate::__private::Registration(&$provider) }
    };
}

/// The providers of this program, checked against each other, sorted by id; and the parameter-mapping registry.
#[derive(Debug, Clone)]
pub struct Registry {
    by_id: BTreeMap<&'static str, &'static dyn ProviderSetup>,
    aliases: BTreeMap<&'static str, &'static str>,
}

/// Collects providers by hand.
#[derive(Debug, Default)]
pub struct RegistryBuilder {
    providers: Vec<&'static dyn ProviderSetup>,
}

/// Why a registry can't be built.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No provider is linked into this program.
    #[error(
        "no provider is linked into this program: enable the facade's feature of each provider you want (such as \
         `all-providers`) and name the facade in your source (`use tieline as _;`); a crate that is only in Cargo.toml \
         is not linked"
    )]
    Empty,
    /// Two providers claim one id or alias.
    #[error(
        "two providers are called {name:?}: {first} and {second}; rename one or drop the alias"
    )]
    Duplicate {
        /// The contested id or alias.
        name: &'static str,
        /// The provider that has it already.
        first: &'static str,
        /// The provider that claims it too.
        second: &'static str,
    },
    /// Two parameters would be read from one environment variable.
    #[error(
        "{first} and {second} would both be read from the environment variable {name}; rename one"
    )]
    EnvironmentClash {
        /// The environment variable.
        name: String,
        /// Provider and parameter.
        first: String,
        /// Provider and parameter.
        second: String,
    },
    /// Descriptors that can't be worked with.
    #[error("unusable descriptors:\n{}", .0.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<DescriptorProblem>),
}

/// Nobody goes by that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no provider {name:?}{} known providers: {}", .suggestion.map_or_else(|| ";".to_owned(), |id| format!(": did you mean {id:?}?")), .known.join(", "))]
pub struct UnknownProvider {
    /// What was asked for.
    pub name: String,
    /// The nearest id or alias, if any is near.
    pub suggestion: Option<&'static str>,
    /// All ids.
    pub known: Vec<&'static str>,
}

impl Registry {
    /// All providers that are linked into this program and registered with
    /// [`register_provider!`](crate::register_provider).
    ///
    /// A provider that is only in `Cargo.toml` is not linked: something must name its crate, which the facade does for
    /// each of its enabled features. A Rust static library that a foreign linker links loses its registrations: use
    /// [`builder`](Self::builder) there.
    ///
    /// # Errors
    /// When there is none, or they contradict each other.
    pub fn discover() -> Result<Self, RegistryError> {
        let mut builder = Self::builder();
        builder
            .providers
            .extend(inventory::iter::<Registration>().map(|registration| registration.0));
        builder.build()
    }

    /// Collects providers by hand, where discovery can't work.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// All providers, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn ProviderSetup> + '_ {
        self.by_id.values().copied()
    }

    /// The provider with this id or alias.
    ///
    /// # Errors
    /// When nobody goes by that name; the error names the nearest.
    pub fn provider(&self, name: &str) -> Result<&'static dyn ProviderSetup, UnknownProvider> {
        let id = self.aliases.get(name).copied().unwrap_or(name);
        self.by_id.get(id).copied().ok_or_else(|| UnknownProvider {
            name: name.to_owned(),
            suggestion: closest(name, self.by_id.keys().chain(self.aliases.keys()).copied()),
            known: self.by_id.keys().copied().collect(),
        })
    }

    /// Every row of every credential-mapping table, by provider id, in the tables' order.
    pub fn mappings(
        &self,
    ) -> impl Iterator<Item = (&'static ProviderDescriptor, &'static ParameterMapping)> + '_ {
        self.iter()
            .map(|provider| provider.descriptor())
            .flat_map(|descriptor| {
                descriptor
                    .mappings
                    .iter()
                    .map(move |mapping| (descriptor, mapping))
            })
    }

    /// The parameter that carries what `provider` calls `credential`.
    ///
    /// # Errors
    /// When there is no such provider.
    pub fn parameter_for(
        &self,
        provider: &str,
        credential: &str,
    ) -> Result<Option<ParameterKey>, UnknownProvider> {
        let mappings = self.provider(provider)?.descriptor().mappings;
        Ok(mappings
            .iter()
            .find(|mapping| mapping.credential == credential)
            .map(|mapping| mapping.parameter))
    }

    /// What `provider` calls the credential that the parameter `key` carries.
    ///
    /// # Errors
    /// When there is no such provider.
    pub fn credential_for(
        &self,
        provider: &str,
        key: &str,
    ) -> Result<Option<&'static str>, UnknownProvider> {
        let mappings = self.provider(provider)?.descriptor().mappings;
        Ok(mappings
            .iter()
            .find(|mapping| mapping.parameter.as_str() == key)
            .map(|mapping| mapping.credential))
    }
}

impl RegistryBuilder {
    /// Adds a provider.
    #[must_use]
    pub fn with(mut self, provider: &'static dyn ProviderSetup) -> Self {
        self.providers.push(provider);
        self
    }

    /// Checks the providers one by one and against each other.
    ///
    /// # Errors
    /// When there is none, a descriptor is unusable, or two of them claim one id, alias or environment variable.
    pub fn build(self) -> Result<Registry, RegistryError> {
        if self.providers.is_empty() {
            return Err(RegistryError::Empty);
        }
        let problems: Vec<_> = self
            .providers
            .iter()
            .flat_map(|provider| provider.descriptor().validate())
            .collect();
        if !problems.is_empty() {
            return Err(RegistryError::Invalid(problems));
        }
        let mut names: BTreeMap<&'static str, &'static str> = BTreeMap::new();
        let mut variables: BTreeMap<String, String> = BTreeMap::new();
        let mut by_id = BTreeMap::new();
        for provider in self.providers {
            let descriptor = provider.descriptor();
            for name in std::iter::once(descriptor.id).chain(descriptor.aliases.iter().copied()) {
                if let Some(first) = names.insert(name, descriptor.id) {
                    return Err(RegistryError::Duplicate {
                        name,
                        first,
                        second: descriptor.id,
                    });
                }
            }
            for mapping in descriptor.parameters() {
                let name = mapping.parameter.environment_name(descriptor.id);
                let second = format!("{} {}", descriptor.id, mapping.parameter);
                if let Some(first) = variables.insert(name.clone(), second.clone()) {
                    return Err(RegistryError::EnvironmentClash {
                        name,
                        first,
                        second,
                    });
                }
            }
            by_id.insert(descriptor.id, provider);
        }
        names.retain(|name, id| name != id);
        Ok(Registry {
            by_id,
            aliases: names,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::{Api, Authentication, OAuth2};

    #[derive(Debug)]
    struct Fake(&'static ProviderDescriptor);

    impl ProviderSetup for Fake {
        fn descriptor(&self) -> &'static ProviderDescriptor {
            self.0
        }
    }

    const fn described(
        id: &'static str,
        mappings: &'static [ParameterMapping],
    ) -> ProviderDescriptor {
        ProviderDescriptor {
            authentication: Authentication::AuthorizationCode(OAuth2 {
                authorization_endpoint: "https://acme.example/authorize",
                token_endpoint: "https://acme.example/token",
                ..OAuth2::DEFAULT
            }),
            api: Api {
                base: "https://acme.example",
                ..Api::DEFAULT
            },
            ..ProviderDescriptor::new(id, "Acme", mappings)
        }
    }

    const MAPPINGS: &[ParameterMapping] = &[
        ParameterMapping::api_key("Consumer Key"),
        ParameterMapping::api_secret("Consumer Secret"),
        ParameterMapping::callback_url("Redirect URL"),
    ];

    static ACME: Fake = Fake(&ProviderDescriptor {
        aliases: &["acmerest"],
        ..described("acme", MAPPINGS)
    });
    static BETA: Fake = Fake(&described("beta", MAPPINGS));

    #[test]
    fn looks_up_both_ways_by_id_and_alias() {
        let registry = Registry::builder().with(&BETA).with(&ACME).build().unwrap();
        let ids: Vec<_> = registry
            .iter()
            .map(|provider| provider.descriptor().id)
            .collect();
        assert_eq!(ids, ["acme", "beta"]);
        assert_eq!(
            registry.parameter_for("acmerest", "Consumer Key"),
            Ok(Some(ParameterKey::OAUTH_API_KEY))
        );
        assert_eq!(registry.parameter_for("acme", "nonsense"), Ok(None));
        assert_eq!(
            registry.credential_for("acme", "oauth.callback.url"),
            Ok(Some("Redirect URL"))
        );
        assert_eq!(registry.mappings().count(), 6);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let registry = Registry::builder().with(&ACME).build().unwrap();
        assert_eq!(
            registry.provider("amce").unwrap_err().to_string(),
            "there is no provider \"amce\": did you mean \"acme\"? known providers: acme"
        );
        assert_eq!(
            registry.provider("zzz").unwrap_err().to_string(),
            "there is no provider \"zzz\"; known providers: acme"
        );
    }

    #[test]
    fn an_empty_registry_says_why() {
        let error = Registry::discover().unwrap_err();
        assert_eq!(error, RegistryError::Empty);
        assert!(
            error
                .to_string()
                .contains("a crate that is only in Cargo.toml is not linked")
        );
    }

    #[test]
    fn contradictions_are_refused() {
        static SAME: Fake = Fake(&described("acmerest", MAPPINGS));
        assert_eq!(
            Registry::builder()
                .with(&ACME)
                .with(&SAME)
                .build()
                .unwrap_err(),
            RegistryError::Duplicate {
                name: "acmerest",
                first: "acme",
                second: "acmerest"
            }
        );

        const CLASH: &[ParameterMapping] = &[
            ParameterMapping::api_key("a"),
            ParameterMapping::callback_url("b"),
            ParameterMapping::new("c", ParameterKey::new("beta.oauth.api.key")),
        ];
        static WEST: Fake = Fake(&described("acme-beta", MAPPINGS));
        static ODD: Fake = Fake(&described("acme", CLASH));
        assert_eq!(
            Registry::builder()
                .with(&WEST)
                .with(&ODD)
                .build()
                .unwrap_err()
                .to_string(),
            "acme-beta oauth.api.key and acme beta.oauth.api.key would both be read from the environment variable \
             ACME_BETA_OAUTH_API_KEY; rename one"
        );

        static BAD: Fake = Fake(&ProviderDescriptor::new("bad", "Bad", &[]));
        assert!(
            matches!(Registry::builder().with(&BAD).build(), Err(RegistryError::Invalid(problems)) if problems.len() > 3)
        );
    }
}
