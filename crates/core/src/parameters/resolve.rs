//! From layers to checked parameters: walk the mappings, collect every problem, report them together.

use std::collections::BTreeMap;
use std::path::Path;

use super::layers::Layers;
use super::problem::{GIVEN, ParameterProblem, ParameterProblems, Problem};
use super::variable::is_configurable;
use super::{Configuration, Given, Parameter, Parameters};
use crate::suggest::closest;
use crate::{ParameterMapping, ProviderDescriptor, ProviderSetup, Secret, SetBy};

impl Configuration {
    /// The parameters of an app of the tenant `default`: defaults, file, environment, then what is `given`.
    ///
    /// # Errors
    /// Everything that is missing, unknown or malformed, at once.
    pub fn resolve(
        &self,
        provider: &dyn ProviderSetup,
        given: &Given,
    ) -> Result<Parameters, ParameterProblems> {
        Resolution::new(provider.descriptor())
            .defaults()
            .operator(self)
            .given(given)
            .finish()
    }

    /// The parameters of another tenant's app: defaults, the operator's endpoint overrides, then what is `given`. No
    /// tenant falls back to the operator's credentials.
    ///
    /// # Errors
    /// Everything that is missing, unknown or malformed, at once.
    pub fn resolve_for_tenant(
        &self,
        provider: &dyn ProviderSetup,
        given: &Given,
    ) -> Result<Parameters, ParameterProblems> {
        let mut resolution = Resolution::new(provider.descriptor()).defaults();
        resolution.only_operator_parameters = true;
        let mut resolution = resolution.operator(self);
        resolution.only_operator_parameters = false;
        resolution.given(given).finish()
    }
}

/// Parameters in the making.
pub(super) struct Resolution {
    pub(super) descriptor: &'static ProviderDescriptor,
    pub(super) layers: Layers,
    pub(super) problems: Vec<ParameterProblem>,
    /// What is set, and neither used nor in the way.
    pub(super) passed_over: Vec<ParameterProblem>,
    /// Names that are set and look like parameters of this provider, but are none.
    stray_variables: Vec<String>,
    only_operator_parameters: bool,
}

impl Resolution {
    pub(super) fn new(descriptor: &'static ProviderDescriptor) -> Self {
        Self {
            descriptor,
            layers: Layers::new(),
            problems: Vec::new(),
            passed_over: Vec::new(),
            stray_variables: Vec::new(),
            only_operator_parameters: false,
        }
    }

    pub(super) fn defaults(mut self) -> Self {
        for mapping in self.descriptor.parameters() {
            if let Some(default) = mapping.default {
                self.layers.add(
                    mapping.parameter,
                    default,
                    format!("default of {}", self.descriptor.name),
                );
            }
        }
        self
    }

    /// The file, then the environment.
    pub(super) fn operator(mut self, configuration: &Configuration) -> Self {
        self.file(configuration);
        self.environment(configuration);
        self
    }

    fn file(&mut self, configuration: &Configuration) {
        let Some(file) = &configuration.file else {
            return;
        };
        let names =
            std::iter::once(self.descriptor.id).chain(self.descriptor.aliases.iter().copied());
        for entries in names.filter_map(|name| file.providers.get(name)) {
            for (key, entry) in entries {
                let origin = format!("{}: {}", file.path.display(), entry.written);
                let Some(mapping) = self.mapping(key, &origin) else {
                    continue;
                };
                match &entry.text {
                    _ if !is_configurable(mapping) => self.not_configurable(mapping, &origin),
                    Some(text) => self.add(mapping, text.expose(), origin),
                    None => self.problem(mapping, Problem::NotText, &origin),
                }
            }
        }
    }

    fn environment(&mut self, configuration: &Configuration) {
        let mut known = Vec::new();
        for mapping in self.descriptor.parameters() {
            let name = mapping.parameter.environment_name(self.descriptor.id);
            let file_name = format!("{name}_FILE");
            self.variables(configuration, mapping, &name, &file_name);
            known.extend([name, file_name]);
        }
        let prefix = format!(
            "{}_",
            self.descriptor.id.replace('-', "_").to_ascii_uppercase()
        );
        let variables = configuration.environment.keys();
        let stray = variables.filter(|name| name.starts_with(&prefix) && !known.contains(name));
        self.stray_variables = stray.cloned().collect();
    }

    /// One parameter's variable, or the file that the other one names.
    fn variables(
        &mut self,
        configuration: &Configuration,
        mapping: &ParameterMapping,
        name: &str,
        file_name: &str,
    ) {
        // What is wrong with the operator's own credentials is no tenant's business.
        if self.only_operator_parameters && mapping.set_by != SetBy::Operator {
            return;
        }
        if !is_configurable(mapping) {
            for name in [name, file_name]
                .into_iter()
                .filter(|name| configuration.is_set(name))
            {
                // Other programs may have a variable of this name: it stops nothing, and `explain` tells of it.
                let origin = format!("environment variable {name}");
                self.passed_over.push(ParameterProblem::value(
                    self.descriptor,
                    mapping,
                    Problem::NotConfigurable,
                    &origin,
                ));
            }
            return;
        }
        let unreadable = [name, file_name].map(|name| configuration.not_unicode(name));
        for variable in unreadable.into_iter().flatten() {
            let origin = format!("environment variable {variable}");
            self.problem(mapping, Problem::NotUnicode, &origin);
        }
        let variables = &configuration.environment;
        match (variables.get(name), variables.get(file_name)) {
            (Some(_), Some(_)) => {
                self.problem(
                    mapping,
                    Problem::Ambiguous,
                    &format!("{name} and {file_name}"),
                );
            }
            (Some(text), None) => self.add(
                mapping,
                text.expose(),
                format!("environment variable {name}"),
            ),
            (None, Some(path)) => {
                let path = Path::new(path.expose());
                let origin = format!("file {} named by {file_name}", path.display());
                match std::fs::read_to_string(path).map(Secret::new) {
                    Ok(text) => self.add(mapping, without_one_newline(text.expose()), origin),
                    Err(error) => {
                        // What stands in the place of a secret's file may be the secret itself.
                        let place = if mapping.secret {
                            format!("file named by {file_name}")
                        } else {
                            origin
                        };
                        let place = format!("{place}: {error}");
                        self.problem(mapping, Problem::UnreadableFile, &place);
                    }
                }
            }
            (None, None) => {}
        }
    }

    pub(super) fn given(mut self, given: &Given) -> Self {
        for (key, value) in given {
            let Some(mapping) = self.mapping(key, GIVEN) else {
                continue;
            };
            match mapping.set_by {
                SetBy::Operator => self.problem(mapping, Problem::OperatorOnly, GIVEN),
                SetBy::EndUser if mapping.secret => {
                    self.problem(mapping, Problem::NotConfigurable, GIVEN);
                }
                _ => self.add(mapping, value.expose(), GIVEN.to_owned()),
            }
        }
        self
    }

    /// Reads the top of every parameter's layers, checks it, and reports all problems together.
    pub(super) fn finish(mut self) -> Result<Parameters, ParameterProblems> {
        let mut values = BTreeMap::new();
        for mapping in self.descriptor.parameters() {
            match self.layers.top(mapping.parameter) {
                Some((value, origin)) => {
                    self.check(mapping, &value, &origin);
                    values.insert(mapping.parameter, Parameter { value, origin });
                }
                None => self.report_missing(mapping),
            }
        }
        if self.problems.is_empty() {
            Ok(Parameters {
                descriptor: self.descriptor,
                values,
            })
        } else {
            Err(ParameterProblems(self.problems))
        }
    }

    /// Reports what is wrong with the value on top of a parameter's layers.
    pub(super) fn check(&mut self, mapping: &ParameterMapping, value: &Secret, origin: &str) {
        if let Some(problem) = Problem::with(value.expose(), mapping.format) {
            self.problem(mapping, problem, origin);
        }
    }

    fn report_missing(&mut self, mapping: &ParameterMapping) {
        let told_already = self
            .problems
            .iter()
            .any(|told| told.parameter == mapping.parameter.as_str());
        // What the end user gives is missed when an account is connected.
        if mapping.required && mapping.set_by != SetBy::EndUser && !told_already {
            let name = mapping.parameter.environment_name(self.descriptor.id);
            let stray = closest(&name, self.stray_variables.iter().map(String::as_str));
            self.problems
                .push(ParameterProblem::missing(self.descriptor, mapping, stray));
        }
    }

    fn mapping(&mut self, key: &str, origin: &str) -> Option<&'static ParameterMapping> {
        let found = self
            .descriptor
            .parameters()
            .find(|mapping| mapping.parameter.as_str() == key);
        if found.is_none() {
            let keys = self
                .descriptor
                .parameters()
                .map(|mapping| mapping.parameter.as_str());
            // Whoever writes the provider's own word knows what they mean; say what it is called here.
            let suggestion = self
                .descriptor
                .mappings
                .iter()
                .find(|mapping| mapping.credential == key)
                .map(|mapping| mapping.parameter.as_str())
                .or_else(|| closest(key, keys));
            self.problems.push(ParameterProblem::unknown(
                self.descriptor,
                key,
                origin,
                suggestion,
            ));
        }
        found
    }

    fn add(&mut self, mapping: &ParameterMapping, value: &str, origin: String) {
        if !self.only_operator_parameters || mapping.set_by == SetBy::Operator {
            self.layers.add(mapping.parameter, value, origin);
        }
    }

    /// Neither used nor passed over in silence. What is wrong with the operator's own secrets is no tenant's business.
    fn not_configurable(&mut self, mapping: &ParameterMapping, origin: &str) {
        if !self.only_operator_parameters {
            self.problem(mapping, Problem::NotConfigurable, origin);
        }
    }

    fn problem(&mut self, mapping: &ParameterMapping, problem: Problem, origin: &str) {
        self.problems.push(ParameterProblem::value(
            self.descriptor,
            mapping,
            problem,
            origin,
        ));
    }
}

/// Files of secrets nearly always end with a line break that is not part of the secret.
fn without_one_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
