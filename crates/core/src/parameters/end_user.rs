//! What the person who connects an account gives, beside what holds for the app.

use std::collections::BTreeMap;

use super::problem::{CONNECTING, ParameterProblem, ParameterProblems, Problem};
use super::{Given, Parameter, Parameters};
use crate::suggest::closest;
use crate::{ParameterMapping, ProviderDescriptor, Secret, SetBy};

/// What is wrong with what is given for one account, whatever else there is: all that is unknown, malformed or not the
/// end user's to give. What is missing is told by [`Parameters::with_end_user`].
pub fn misgiven(descriptor: &'static ProviderDescriptor, given: &Given) -> Vec<ParameterProblem> {
    let judged = given
        .iter()
        .map(|(key, value)| mapping(descriptor, key, value));
    judged.filter_map(Result::err).collect()
}

impl Parameters {
    /// These, with what is given for one account above them; everything that the account needs is there then.
    ///
    /// # Errors
    /// Everything that is missing, unknown, malformed or not the end user's to give, at once.
    pub fn with_end_user(mut self, given: &Given) -> Result<Self, ParameterProblems> {
        let descriptor = self.descriptor;
        let mut problems = Vec::new();
        for (key, value) in given {
            match mapping(descriptor, key, value) {
                Ok(mapping) => {
                    let parameter = Parameter {
                        value: value.duplicate(),
                        origin: CONNECTING.to_owned(),
                    };
                    self.values.insert(mapping.parameter, parameter);
                }
                Err(problem) => problems.push(problem),
            }
        }
        for mapping in descriptor.end_user_parameters() {
            let is_there = self.values.contains_key(&mapping.parameter)
                || given.contains_key(mapping.parameter.as_str());
            if mapping.required && !is_there {
                problems.push(ParameterProblem::not_given(descriptor, mapping));
            }
        }
        if problems.is_empty() {
            Ok(self)
        } else {
            Err(ParameterProblems(problems))
        }
    }

    /// These, with what was kept of one account above them.
    #[must_use]
    pub fn with_kept(mut self, kept: &BTreeMap<String, String>) -> Self {
        for mapping in self.descriptor.end_user_parameters() {
            if let Some(text) = kept.get(mapping.parameter.as_str()) {
                let parameter = Parameter {
                    value: Secret::from(text.as_str()),
                    origin: CONNECTING.to_owned(),
                };
                self.values.insert(mapping.parameter, parameter);
            }
        }
        self
    }

    /// What the end user gave, or what the operator or the app gave in their stead, that is no secret: to be kept with the
    /// account.
    pub fn to_keep(&self) -> BTreeMap<String, String> {
        let rows = self.descriptor.end_user_parameters();
        rows.filter(|mapping| !mapping.secret)
            .filter_map(|mapping| {
                let text = self.get(mapping.parameter)?;
                Some((mapping.parameter.to_string(), text.to_owned()))
            })
            .collect()
    }
}

/// The mapping of a parameter that the end user may give, and gave well.
fn mapping(
    descriptor: &'static ProviderDescriptor,
    key: &str,
    value: &Secret,
) -> Result<&'static ParameterMapping, ParameterProblem> {
    let mapping = descriptor
        .parameters()
        .find(|mapping| mapping.parameter.as_str() == key);
    let Some(mapping) = mapping else {
        let rows = || descriptor.end_user_parameters();
        let suggestion = rows()
            .find(|mapping| mapping.credential == key)
            .map(|mapping| mapping.parameter.as_str())
            .or_else(|| closest(key, rows().map(|mapping| mapping.parameter.as_str())));
        return Err(ParameterProblem::unknown(
            descriptor, key, CONNECTING, suggestion,
        ));
    };
    let problem = match mapping.set_by {
        SetBy::EndUser => Problem::with(value.expose(), mapping.format),
        SetBy::Operator => Some(Problem::OperatorOnly),
        SetBy::Tenant | SetBy::System => Some(Problem::NotEndUsers),
    };
    match problem {
        Some(problem) => Err(ParameterProblem::value(
            descriptor, mapping, problem, CONNECTING,
        )),
        None => Ok(mapping),
    }
}
