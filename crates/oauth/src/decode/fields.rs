//! Fields of a token object, by their standard names.

use serde_json::{Map, Value};
use tieline_core::descriptor::TokenAnswer;
use tieline_core::dotted_path;

/// A token object, and how the provider names its fields.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) answer: &'a TokenAnswer,
    pub(crate) object: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The field of this standard name: where the provider says, else where the RFC says. Null counts as absent.
    pub(crate) fn get(&self, standard: &str) -> Option<&'a Value> {
        let renamed = self
            .answer
            .fields
            .iter()
            .find(|(name, _)| *name == standard)
            .map(|(_, path)| *path);
        renamed
            .and_then(|path| lookup(self.object, path))
            .or_else(|| lookup(self.object, standard))
    }

    /// As [`get`](Self::get), the first of several names that is there.
    pub(crate) fn first(&self, standard: &[&'static str]) -> Option<(&'static str, &'a Value)> {
        standard
            .iter()
            .find_map(|name| Some((*name, self.get(name)?)))
    }
}

/// What stands under a name, or at a dotted path. Null counts as absent.
pub(crate) fn lookup<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let found = object.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        dotted_path::at(object.get(first)?, rest)
    });
    found.filter(|value| !value.is_null())
}

/// The text of a scalar: strings as they are, numbers and booleans as JSON writes them.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
