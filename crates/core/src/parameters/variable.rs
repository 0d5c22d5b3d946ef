//! The environment variable of a parameter, and which parameters have none.

use crate::{ParameterMapping, SetBy};

/// The environment variable that sets a parameter of `provider`; with `_FILE` appended, the one that names a file.
///
/// `None` for a secret of the end user, which is given when connecting and never configured.
pub fn variable(provider: &str, mapping: &ParameterMapping) -> Option<String> {
    is_configurable(mapping).then(|| mapping.parameter.environment_name(provider))
}

/// Whether the operator's configuration may hold it. A key of the operator's own that stood there would connect their
/// account for everybody who gives none.
pub(super) fn is_configurable(mapping: &ParameterMapping) -> bool {
    !(mapping.secret && mapping.set_by == SetBy::EndUser)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::parameters::{Configuration, Given, Problem};
    use crate::{ParameterKey, ProviderDescriptor, ProviderSetup};

    #[derive(Debug)]
    struct Desk;

    static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor::new(
        "desk",
        "Desk",
        &[
            ParameterMapping::host_label("Helpdesk", ParameterKey::SUBDOMAIN),
            ParameterMapping::account_key("API Key"),
        ],
    );

    impl ProviderSetup for Desk {
        fn descriptor(&self) -> &'static ProviderDescriptor {
            &DESCRIPTOR
        }
    }

    fn configured(toml: &str, variables: &[(&str, &str)]) -> Configuration {
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Configuration::from_parts(Some((Path::new("tieline.toml"), toml)), variables).unwrap()
    }

    #[test]
    fn a_secret_of_the_end_user_has_no_variable() {
        for (mapping, expected) in [
            (ParameterMapping::account_key("Key"), None),
            (ParameterMapping::password("Password"), None),
            (ParameterMapping::username("Name"), Some("ACME_USERNAME")),
            (
                ParameterMapping::host_label("Shop", ParameterKey::SUBDOMAIN),
                Some("ACME_SUBDOMAIN"),
            ),
            (
                ParameterMapping::api_secret("Secret"),
                Some("ACME_OAUTH_API_SECRET"),
            ),
        ] {
            assert_eq!(variable("acme", &mapping).as_deref(), expected);
        }
    }

    #[test]
    fn a_secret_of_the_end_user_that_is_configured_is_told_and_never_used() {
        let cure = "is given when connecting, and never before. Desk calls it \"API Key\". Take it out there";
        for (toml, variables, place) in [
            (
                "",
                &[("DESK_API_KEY", "CANARY")][..],
                "environment variable DESK_API_KEY",
            ),
            (
                "",
                &[("DESK_API_KEY_FILE", "/nowhere")],
                "environment variable DESK_API_KEY_FILE",
            ),
            (
                "[providers.desk]\n\"api.key\" = \"CANARY\"\n",
                &[],
                "tieline.toml: providers.desk.\"api.key\"",
            ),
        ] {
            let configuration = configured(toml, variables);
            let resolved = configuration.resolve(&Desk, &Given::new());
            if toml.is_empty() {
                // A variable of that name may be another program's.
                assert_eq!(resolved.unwrap().get(ParameterKey::API_KEY), None);
            } else {
                let refused = resolved.unwrap_err();
                assert_eq!(
                    refused.to_string(),
                    format!("desk: api.key ({place}) {cure}")
                );
                assert_eq!(refused.0[0].problem, Problem::NotConfigurable);
            }
            // Another tenant has nothing to do with what the operator configured.
            let tenants = configuration.resolve_for_tenant(&Desk, &Given::new());
            assert!(tenants.unwrap().get(ParameterKey::API_KEY).is_none());
            let explained = configuration.explain(&Desk);
            let explained = serde_json::to_value(&explained[1]).unwrap();
            assert_eq!(
                explained,
                serde_json::json!({
                    "parameter": "api.key",
                    "credential": "API Key",
                    "state": "unset",
                    "problem": {
                        "origin": place,
                        "what": "is given when connecting, and never before",
                    },
                })
            );
        }
        let of_app = Given::from([("api.key".to_owned(), crate::Secret::new("CANARY"))]);
        let refused = configured("", &[]).resolve(&Desk, &of_app).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("desk: api.key (given for this app) {cure}")
        );
        let open = configured("", &[("DESK_SUBDOMAIN", "ours")]);
        let open = open.resolve(&Desk, &Given::new()).unwrap();
        assert_eq!(open.get(ParameterKey::SUBDOMAIN), Some("ours"));
    }

    #[test]
    fn what_cannot_be_used_is_explained_with_the_reason() {
        let variables = [
            ("DESK_SUBDOMAIN", "a.b"),
            ("DESK_BASE_URL", "x"),
            ("DESK_BASE_URL_FILE", "y"),
        ];
        let explained = configured("", &variables).explain(&Desk);
        let told = explained.iter().filter_map(|row| {
            let problem = row.problem.as_ref()?;
            Some(format!(
                "{} {} {}",
                row.parameter, problem.origin, problem.what
            ))
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                "subdomain environment variable DESK_SUBDOMAIN is not one label of a host: give only the part before \
                 the provider's domain, in lower-case letters, digits and dashes",
                "base.url DESK_BASE_URL and DESK_BASE_URL_FILE is set both directly and by a file; keep one",
            ]
        );
    }

    #[test]
    fn what_is_given_for_an_account_is_judged_without_the_app() {
        let given = [
            ("subdomain", "evil.com/x"),
            ("api.key", "good"),
            ("base.url", "x"),
        ];
        let given = given
            .map(|(key, text)| (key.to_owned(), text.into()))
            .into();
        let told = crate::parameters::misgiven(&DESCRIPTOR, &given);
        let told: Vec<_> = told.iter().map(|told| told.problem).collect();
        assert_eq!(told, [Problem::OperatorOnly, Problem::NotHostLabel]);
    }
}
