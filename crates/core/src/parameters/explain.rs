//! Where each parameter comes from, for a person to read.

use serde::Serialize;

use super::resolve::Resolution;
use super::variable::variable;
use super::{Configuration, Given};
use crate::{ParameterKey, ParameterMapping, ProviderSetup, REDACTED, Secret, SetBy};

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
    /// What stands in the way of using it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Unusable>,
}

/// Why what somebody set can't be used. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unusable {
    /// Exactly which file and key, variable, or other layer.
    pub origin: String,
    /// What is wrong with what stands there, as in "is empty".
    pub what: String,
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
        /// The environment variable that would set it, if one can.
        #[serde(skip_serializing_if = "Option::is_none")]
        environment: Option<String>,
    },
}

impl Configuration {
    /// Every parameter that `provider` takes, in order, with its value and origin, and what is wrong with it. Works with
    /// whatever is there: [`resolve`](Self::resolve) is what refuses it.
    pub fn explain(&self, provider: &dyn ProviderSetup) -> Vec<Explained> {
        let descriptor = provider.descriptor();
        let mut resolution = Resolution::new(descriptor)
            .defaults()
            .operator(self)
            .given(&Given::new());
        descriptor
            .parameters()
            .map(|mapping| {
                let top = resolution.layers.top(mapping.parameter);
                if let Some((value, origin)) = &top {
                    resolution.check(mapping, value, origin);
                }
                Explained {
                    parameter: mapping.parameter,
                    credential: mapping.credential,
                    state: state(descriptor.id, mapping, top),
                    problem: problem(&resolution, mapping.parameter),
                }
            })
            .collect()
    }
}

/// The first of a parameter's problems.
fn problem(resolution: &Resolution, key: ParameterKey) -> Option<Unusable> {
    let mut problems = resolution.problems.iter().chain(&resolution.passed_over);
    let told = problems.find(|told| told.parameter == key.as_str())?;
    Some(Unusable {
        origin: told.origin.clone(),
        what: told.what.clone(),
    })
}

fn state(provider: &str, mapping: &ParameterMapping, top: Option<(Secret, String)>) -> State {
    match top {
        Some((_, origin)) if mapping.secret => State::Set {
            value: REDACTED.to_owned(),
            origin,
        },
        Some((value, origin)) => State::Set {
            value: value.expose().to_owned(),
            origin,
        },
        None if mapping.required && mapping.set_by != SetBy::EndUser => State::Missing {
            environment: mapping.parameter.environment_name(provider),
        },
        None => State::Unset {
            environment: variable(provider, mapping),
        },
    }
}
