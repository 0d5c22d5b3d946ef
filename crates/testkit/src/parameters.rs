//! Parameters to examine a provider with.

use tieline_core::parameters::Given;
use tieline_core::{
    Configuration, Format, OAuthField, ParameterKey, ParameterMapping, Parameters, ProviderSetup,
};

use crate::findings::Stuck;

/// Where users come back to. Nothing listens there: callbacks are handed over.
pub(crate) const REDIRECT_URI: &str = "https://localhost:8917/callback";

/// An app's id and secret, overrides, and something in every other parameter that is required.
pub(crate) fn resolve(
    provider: &dyn ProviderSetup,
    (id, secret): (&str, &str),
    overrides: &[(ParameterKey, String)],
) -> Result<Parameters, Stuck> {
    let descriptor = provider.descriptor();
    let value = |mapping: &ParameterMapping| {
        let set = overrides.iter().find(|(key, _)| *key == mapping.parameter);
        match (set, mapping.oauth_field) {
            (Some((_, value)), _) => Some(value.as_str()),
            (None, Some(OAuthField::ClientId)) => Some(id),
            (None, Some(OAuthField::ClientSecret)) => Some(secret),
            (None, Some(OAuthField::RedirectUri)) => Some(REDIRECT_URI),
            _ if !mapping.required || mapping.default.is_some() => None,
            _ => Some(match mapping.format {
                Format::Url => "https://placeholder.example",
                Format::Text => "placeholder",
            }),
        }
    };
    let environment = descriptor.parameters().filter_map(|mapping| {
        Some((
            mapping.parameter.environment_name(descriptor.id),
            value(mapping)?.to_owned(),
        ))
    });
    let configuration =
        Configuration::from_parts(None, environment).map_err(|error| error.to_string())?;
    configuration
        .resolve(provider, &Given::new())
        .map_err(|problems| format!("the parameters are refused, look at `mappings`: {problems}"))
}
