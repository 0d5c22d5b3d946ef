//! The fields of a form, one for each parameter: with the provider's own word for it, what it is, and what is wrong with it.

use std::collections::BTreeMap;

use tieline_core::parameters::{ParameterProblems, Problem};
use tieline_core::{Format, ParameterMapping, ProviderDescriptor, REDACTED};
use tieline_engine::EngineError;

use super::words::{refused_parameters, sentence, without_id, words};

/// One field.
pub(crate) struct Field {
    /// The parameter's key, which names the field.
    pub(crate) key: String,
    /// The provider's word, or the key where it has none.
    pub(crate) label: String,
    pub(crate) description: String,
    /// What it is filled in with: `text`, `url`, `password` or `select`.
    pub(crate) input: &'static str,
    /// Of a `select`.
    pub(crate) choices: Vec<&'static str>,
    pub(crate) value: String,
    pub(crate) is_required: bool,
    /// What there is already, where it is not shown.
    pub(crate) kept: Option<&'static str>,
    pub(crate) problem: Option<String>,
}

/// What is known when a form is shown.
#[derive(Default)]
pub(crate) struct Known {
    /// What is stored, by key: `[redacted]` in the place of secrets.
    pub(crate) stored: BTreeMap<String, String>,
    /// What was typed, by key, without secrets.
    pub(crate) typed: BTreeMap<String, String>,
    /// What is wrong, by key.
    pub(crate) problems: BTreeMap<String, String>,
    /// What nobody has given.
    pub(crate) missing: Vec<String>,
}

impl Known {
    /// Takes what is wrong with single fields out of an error; what is left of it is said once, above them.
    pub(crate) fn learn(
        &mut self,
        error: &EngineError,
        descriptor: &ProviderDescriptor,
    ) -> Option<String> {
        let EngineError::Parameters(ParameterProblems(problems)) = error else {
            for key in refused_parameters(error, descriptor) {
                let compare = format!("Compare it with what stands at {}.", descriptor.vendor);
                self.problems.insert(key, compare);
            }
            return Some(words(error, descriptor));
        };
        for told in problems {
            let text = if told.problem == Problem::Missing {
                self.missing.push(told.parameter.clone());
                "This is needed.".to_owned()
            } else {
                sentence(without_id(&told.to_string(), descriptor))
            };
            self.problems.insert(told.parameter.clone(), text);
        }
        None
    }

    /// What is known of what is stored, beside what was just tried. What nobody has given yet is seen, and not complained of.
    pub(crate) fn add(&mut self, stored: Self) {
        for (key, problem) in stored.problems {
            if !stored.missing.contains(&key) {
                self.problems.entry(key).or_insert(problem);
            }
        }
        self.missing.extend(stored.missing);
    }
}

impl Known {
    /// What is wrong with what has no field here.
    pub(crate) fn left_over(&self, fields: &[Field]) -> Option<String> {
        let left: Vec<_> = self
            .problems
            .iter()
            .filter(|(key, _)| fields.iter().all(|field| field.key != **key))
            .map(|(_, problem)| problem.as_str())
            .collect();
        (!left.is_empty()).then(|| left.join(" "))
    }
}

/// What is said of a secret that is stored.
const KEPT: &str = "It is set. Leave this empty to keep it.";

impl Field {
    /// Whether it is a secret that can be taken away.
    pub(crate) fn is_kept_secret(&self) -> bool {
        self.kept == Some(KEPT)
    }

    pub(crate) fn of(row: &ParameterMapping, known: &Known) -> Self {
        let key = row.parameter.to_string();
        let stored = known.stored.get(&key).map(String::as_str);
        let typed = known.typed.get(&key).map(String::as_str);
        let (input, choices) = match row.format {
            _ if row.secret => ("password", Vec::new()),
            Format::OneOf(words) => ("select", words.iter().map(|(word, _)| *word).collect()),
            Format::Url => ("url", Vec::new()),
            Format::Text | Format::HostLabel => ("text", Vec::new()),
        };
        let kept = match stored {
            Some(REDACTED) => Some(KEPT),
            None if row.required && !known.missing.contains(&key) => {
                Some("The operator's configuration gives it.")
            }
            _ => None,
        };
        let shown = typed.or(stored.filter(|text| *text != REDACTED));
        Self {
            label: match row.credential {
                "" => key.clone(),
                credential => credential.to_owned(),
            },
            description: sentence(row.description),
            input,
            choices,
            value: if row.secret {
                String::new()
            } else {
                shown.unwrap_or_default().to_owned()
            },
            is_required: row.required,
            kept,
            problem: known.problems.get(&key).cloned(),
            key,
        }
    }

    /// Whether something stands in it, or is said of it.
    pub(crate) fn is_filled_in(&self) -> bool {
        !self.value.is_empty() || self.kept.is_some() || self.problem.is_some()
    }

    /// Whether a choice is the one there is.
    pub(crate) fn is_chosen(&self, choice: &&str) -> bool {
        self.value == **choice
    }
}
