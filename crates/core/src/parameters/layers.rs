//! Layers of parameters, merged by figment: the one module that knows figment.
//!
//! Each value is a layer of its own, so that its metadata can name its exact origin. figment would split dotted keys
//! and parse `007` or `[x]`, so keys are written with slashes and values are given as strings. figment's own errors and
//! `Debug` print values: nothing of figment leaves this module.

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use crate::{ParameterKey, Secret};

/// Values by parameter, the last one added winning.
pub(super) struct Layers {
    figment: Figment,
}

/// One value of one parameter.
struct Layer {
    key: String,
    value: Value,
    origin: String,
}

impl Layers {
    pub(super) fn new() -> Self {
        Self {
            figment: Figment::new(),
        }
    }

    /// Adds a value above all that are there.
    pub(super) fn add(&mut self, key: ParameterKey, value: &str, origin: String) {
        let layer = Layer {
            key: slashed(key),
            value: Value::from(value),
            origin,
        };
        self.figment = std::mem::take(&mut self.figment).merge(layer);
    }

    /// The value on top, and its origin.
    pub(super) fn top(&self, key: ParameterKey) -> Option<(Secret, String)> {
        let key = slashed(key);
        let value = self.figment.find_value(&key).ok()?;
        let origin = self
            .figment
            .find_metadata(&key)
            .map(|metadata| metadata.name.to_string());
        Some((
            Secret::new(value.into_string()?),
            origin.unwrap_or_default(),
        ))
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(Dict::from([(self.key.clone(), self.value.clone())])))
    }
}

fn slashed(key: ParameterKey) -> String {
    key.as_str().replace('.', "/")
}
