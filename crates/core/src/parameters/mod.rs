//! The parameters of one app: layered, checked, each with its origin.
//!
//! Layers, lowest first: the descriptor's defaults → `tieline.toml` → the environment → what the host gives for this
//! app. The first three are the operator's; a tenant other than `default` sees only the defaults and its own.

mod configuration;
mod end_user;
mod explain;
mod layers;
mod problem;
mod resolve;
mod toml_file;
mod variable;

use std::collections::BTreeMap;

pub use configuration::{Configuration, ConfigurationError, FILE_NAME};
pub use end_user::misgiven;
pub use explain::{Explained, State, Unusable};
pub use problem::{ParameterProblem, ParameterProblems, Problem};
pub use variable::variable;

use crate::{Format, OAuthField, ParameterKey, ProviderDescriptor, Secret};

/// What an app gives for itself, by parameter key: the highest layer.
pub type Given = BTreeMap<String, Secret>;

/// Checked parameters of one app at one provider.
#[derive(Debug)]
pub struct Parameters {
    descriptor: &'static ProviderDescriptor,
    values: BTreeMap<ParameterKey, Parameter>,
}

/// One value and where it came from.
#[derive(Debug)]
pub struct Parameter {
    /// The text. Even where it isn't secret, it is kept like one: it may have been put under the wrong name.
    pub value: Secret,
    /// Exactly which file and key, variable, or other layer.
    pub origin: String,
}

impl Parameters {
    /// The provider whose parameters these are.
    pub fn descriptor(&self) -> &'static ProviderDescriptor {
        self.descriptor
    }

    /// The text of a parameter that has one.
    pub fn get(&self, key: ParameterKey) -> Option<&str> {
        self.values
            .get(&key)
            .map(|parameter| parameter.value.expose())
    }

    /// The parameter with its origin.
    pub fn parameter(&self, key: ParameterKey) -> Option<&Parameter> {
        self.values.get(&key)
    }

    /// What takes the place of `{key}` in an endpoint: the parameter's text, or what its word stands for.
    pub fn in_template(&self, key: &str) -> Option<&str> {
        let (key, parameter) = self
            .values
            .iter()
            .find(|(known, _)| known.as_str() == key)?;
        let text = parameter.value.expose();
        match self.descriptor.parameter(*key)?.format {
            Format::OneOf(words) => words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, stands_for)| *stands_for),
            Format::Text | Format::Url | Format::HostLabel => Some(text),
        }
    }

    /// The text of the parameter that becomes `field` of the protocol.
    pub fn field(&self, field: OAuthField) -> Option<&str> {
        self.get(self.descriptor.parameter_for_field(field)?.parameter)
    }
}
