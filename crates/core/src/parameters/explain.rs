//! Where each parameter comes from, for a person to read.

use serde::Serialize;

use super::resolve::Resolution;
use super::{Configuration, Given};
use crate::{ParameterKey, ParameterMapping, ProviderSetup, REDACTED, SetBy};

/// One parameter, what it is set to, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The key.
    pub parameter: ParameterKey,
    /// The provider's own word; empty for an override.
    pub credential: &'static str,
    /// Whether it is set.
    #[serde(flatten)]
    pub state: State,
    /// The variable that is set above all this, but can't be read, since its value isn't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_unicode: Option<String>,
}

/// Whether a parameter is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It is.
    Set {
        /// The text, or `[redacted]` for a secret.
        value: String,
        /// Exactly which file and key, variable, or other layer.
        origin: String,
    },
    /// It isn't, and must be.
    Missing {
        /// The environment variable that would set it.
        environment: String,
    },
    /// It isn't, and need not be.
    Unset {
        /// The environment variable that would set it.
        environment: String,
    },
}

impl Configuration {
    /// Every parameter that `provider` takes, in order, with its value and origin. Works with whatever is there:
    /// problems are [`resolve`](Self::resolve)'s to report.
    pub fn explain(&self, provider: &dyn ProviderSetup) -> Vec<Explained> {
        let descriptor = provider.descriptor();
        let resolution = Resolution::new(descriptor)
            .defaults()
            .operator(self)
            .given(&Given::new());
        descriptor
            .parameters()
            .map(|mapping| Explained {
                parameter: mapping.parameter,
                credential: mapping.credential,
                state: state(&resolution, mapping),
                not_unicode: self.unreadable_variable(descriptor.id, mapping),
            })
            .collect()
    }

    fn unreadable_variable(&self, provider: &str, mapping: &ParameterMapping) -> Option<String> {
        let name = mapping.parameter.environment_name(provider);
        let names = [format!("{name}_FILE"), name];
        names
            .into_iter()
            .find(|name| self.not_unicode(name).is_some())
    }
}

fn state(resolution: &Resolution, mapping: &ParameterMapping) -> State {
    let environment = mapping.parameter.environment_name(resolution.descriptor.id);
    match resolution.layers.top(mapping.parameter) {
        Some((_, origin)) if mapping.secret => State::Set {
            value: REDACTED.to_owned(),
            origin,
        },
        Some((value, origin)) => State::Set {
            value: value.expose().to_owned(),
            origin,
        },
        None if mapping.required && mapping.set_by != SetBy::EndUser => {
            State::Missing { environment }
        }
        None => State::Unset { environment },
    }
}
