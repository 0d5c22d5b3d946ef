//! Parameters to examine a provider with.

use std::collections::BTreeMap;

use tieline_core::parameters::Given;
use tieline_core::{
    Configuration, Format, OAuthField, ParameterKey, ParameterMapping, Parameters, ProviderSetup,
    Secret, SetBy,
};

use crate::findings::Stuck;

/// Where users come back to. Nothing listens there: callbacks are handed over.
pub(crate) const REDIRECT_URI: &str = "https://localhost:8917/callback";

/// What is known of one account, by parameter key, from the vendor's file.
pub(crate) type Facts = BTreeMap<String, String>;

/// An app's id and secret, what the vendor's file says is given, and something in every other parameter that is required.
pub(crate) fn resolve(
    provider: &dyn ProviderSetup,
    (id, secret): (&str, &str),
    facts: &Facts,
) -> Result<Parameters, Stuck> {
    let descriptor = provider.descriptor();
    let value = |mapping: &ParameterMapping| {
        let known = facts.get(mapping.parameter.as_str());
        match (known, mapping.oauth_field) {
            (Some(value), _) => Some(value.as_str()),
            (None, Some(OAuthField::ClientId)) => Some(id),
            (None, Some(OAuthField::ClientSecret)) => Some(secret),
            (None, Some(OAuthField::RedirectUri)) => Some(REDIRECT_URI),
            _ if !mapping.required || mapping.default.is_some() => None,
            _ => Some(something(mapping.format)),
        }
    };
    let of_the_app = |mapping: &&ParameterMapping| mapping.set_by != SetBy::EndUser;
    let environment = descriptor
        .parameters()
        .filter(of_the_app)
        .filter_map(|mapping| {
            Some((
                mapping.parameter.environment_name(descriptor.id),
                value(mapping)?.to_owned(),
            ))
        });
    let refused = |problems: &dyn std::fmt::Display| {
        format!("the parameters are refused, look at `mappings`: {problems}")
    };
    let configuration =
        Configuration::from_parts(None, environment).map_err(|error| error.to_string())?;
    let given: Given = descriptor
        .end_user_parameters()
        .filter_map(|mapping| Some((mapping.parameter.to_string(), Secret::from(value(mapping)?))))
        .collect();
    configuration
        .resolve(provider, &Given::new())
        .and_then(|parameters| parameters.with_end_user(&given))
        .map_err(|problems| refused(&problems))
}

/// A text that a parameter of this format may have.
fn something(format: Format) -> &'static str {
    match format {
        Format::Url => "https://placeholder.example",
        Format::Text | Format::HostLabel => "placeholder",
        Format::OneOf(words) => words.first().map_or("placeholder", |(word, _)| *word),
    }
}

/// The credential that an account's owner gives, as calls carry it.
pub(crate) fn credential(parameters: &Parameters) -> Secret {
    let text = |key| parameters.get(key).unwrap_or_default();
    match parameters.get(ParameterKey::API_KEY) {
        Some(key) => Secret::from(key),
        None => Secret::new(format!(
            "{}:{}",
            text(ParameterKey::USERNAME),
            text(ParameterKey::PASSWORD)
        )),
    }
}
