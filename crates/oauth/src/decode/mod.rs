//! From the bytes of an answer to an object, tolerantly: a refused answer to a refresh would throw away a rotated token
//! for ever.

mod expiry;
mod fields;
mod form;
mod id_token;
mod json;
#[cfg(test)]
mod properties;
mod tokens;

use std::borrow::Cow;

use serde_json::{Map, Value};

pub(crate) use fields::{Fields, lookup, text};
pub(crate) use tokens::{Context, Refusal, token_set};

/// Something odd about an answer that was taken all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The field, by its standard name where it has one; else its path in the answer.
    pub field: String,
    /// What is odd. Never holds the field's value.
    pub message: &'static str,
}

/// The warnings of one answer.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Vec<Warning>);

/// An answer as an object of JSON values.
pub(crate) struct Decoded {
    pub(crate) object: Map<String, Value>,
    pub(crate) warnings: Warnings,
}

impl Warnings {
    /// A hostile answer must not fill the log.
    const MOST: usize = 32;

    pub(crate) fn add(&mut self, field: impl Into<String>, message: &'static str) {
        if self.0.len() < Self::MOST {
            self.0.push(Warning {
                field: field.into(),
                message,
            });
        }
    }

    pub(crate) fn into_inner(self) -> Vec<Warning> {
        self.0
    }
}

/// Decodes a body. What it is declared to be is not asked: forms come as `text/html`, JSON as `text/plain`.
///
/// # Errors
/// Says what the body is instead, without quoting it.
pub(crate) fn decode(body: &[u8]) -> Result<Decoded, Cow<'static, str>> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    match text.chars().next() {
        None => Err("it is empty".into()),
        Some('{') => json::object(text),
        Some('[') => Err("it is a JSON array".into()),
        Some('<') => Err("it is HTML or XML".into()),
        Some(_) => {
            form::object(text).ok_or_else(|| "it is neither a JSON object nor a form".into())
        }
    }
}
