//! What is wrong with parameters: all of it at once, in both vocabularies, with the cure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::template::is_host_label;
use crate::{Format, ParameterMapping, ProviderDescriptor, SetBy, words};

/// Everything that is wrong with one app's parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParameterProblems(pub Vec<ParameterProblem>);

/// One thing that is wrong. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParameterProblem {
    /// The provider's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub provider: Box<str>,
    /// The parameter's key, as it was written where it is unknown.
    pub parameter: String,
    /// What is wrong with it.
    pub problem: Problem,
    /// Where the value came from; empty where there is none.
    pub(super) origin: String,
    /// What is wrong, as what follows the parameter's name.
    pub(super) what: String,
    /// The whole sentence.
    message: String,
}

/// The origin of what the host gives for an app: the highest layer, so that nothing below it is a cure.
pub(super) const GIVEN: &str = "given for this app";
/// The origin of what the person who connects an account gives.
pub(super) const CONNECTING: &str = "given when connecting";

/// What is wrong with a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = WhatIsWrong))]
pub enum Problem {
    /// Required, and given nowhere.
    Missing,
    /// Given, but with no text.
    Empty,
    /// Not a string.
    NotText,
    /// A variable whose value isn't UTF-8.
    NotUnicode,
    /// Holds a line break or another control character.
    ControlCharacter,
    /// Starts or ends with white space.
    Padded,
    /// Not a URL of the kind that is needed.
    NotUrl,
    /// Not one label of a host's name.
    NotHostLabel,
    /// Not one of the words that there are.
    NotAWord,
    /// Belongs to an app, and was given for one account.
    NotEndUsers,
    /// A secret of one account, and was set for all.
    NotConfigurable,
    /// The provider takes no such parameter.
    Unknown,
    /// Set both directly and by a file.
    Ambiguous,
    /// The file that should hold it can't be read.
    UnreadableFile,
    /// Only the operator may set it.
    OperatorOnly,
}

impl ParameterProblem {
    pub(super) fn missing(
        descriptor: &ProviderDescriptor,
        mapping: &ParameterMapping,
        looked_alike: Option<&str>,
    ) -> Self {
        let hint = looked_alike
            .map(|name| format!(" ({name} is set: is that a misspelling?)"))
            .unwrap_or_default();
        Self::of(
            descriptor,
            mapping,
            Problem::Missing,
            "",
            &format!("is missing{hint}"),
            set(descriptor, mapping),
        )
    }

    pub(super) fn value(
        descriptor: &ProviderDescriptor,
        mapping: &ParameterMapping,
        problem: Problem,
        origin: &str,
    ) -> Self {
        let none_of;
        let what = match problem {
            Problem::Empty => "is empty",
            Problem::NotText => "is not text; write it in quotes",
            Problem::NotUnicode => "is not UTF-8",
            Problem::ControlCharacter => {
                "holds a line break or another control character, perhaps from copying; a file named by the variable with _FILE may end with one line break"
            }
            Problem::Padded => "starts or ends with white space, perhaps from copying",
            Problem::NotUrl => {
                "is not a URL that can be used: it must be absolute, https (http only for a loopback address), without fragment, user or password"
            }
            Problem::NotHostLabel => {
                "is not one label of a host: give only the part before the provider's domain, in lower-case letters, digits and dashes"
            }
            Problem::NotAWord => {
                none_of = format!("is none of {}", choices(mapping.format));
                none_of.as_str()
            }
            Problem::NotEndUsers => "belongs to an app, not to one account",
            Problem::NotConfigurable => "is given when connecting, and never before",
            Problem::OperatorOnly => "may only be set by the operator, in the configuration",
            Problem::Ambiguous => "is set both directly and by a file; keep one",
            Problem::UnreadableFile => "can't be read",
            Problem::Missing | Problem::Unknown => "can't be used",
        };
        let cure = match problem {
            Problem::OperatorOnly | Problem::Ambiguous | Problem::NotEndUsers => String::new(),
            Problem::NotConfigurable => ". Take it out there".to_owned(),
            _ if origin == CONNECTING => ". Give it again".to_owned(),
            _ if origin == GIVEN => ". Change it where it was given for this app".to_owned(),
            _ => set(descriptor, mapping),
        };
        Self::of(descriptor, mapping, problem, origin, what, cure)
    }

    pub(super) fn unknown(
        descriptor: &ProviderDescriptor,
        written: &str,
        origin: &str,
        suggestion: Option<&str>,
    ) -> Self {
        let provider = descriptor.id;
        let cure = match suggestion {
            Some(key) => format!("did you mean {key}?"),
            None => {
                let rows = descriptor.parameters();
                let rows = rows.filter(|row| origin != CONNECTING || row.set_by == SetBy::EndUser);
                let keys: Vec<_> = rows.map(|row| row.parameter.as_str()).collect();
                if keys.is_empty() {
                    "leave it out: nothing is given here".to_owned()
                } else {
                    format!("it takes {}", keys.join(", "))
                }
            }
        };
        let message = format!(
            "{provider}: {written} ({origin}) is not a parameter of {}: {cure}",
            descriptor.vendor
        );
        Self {
            provider: provider.into(),
            parameter: written.to_owned(),
            problem: Problem::Unknown,
            origin: origin.to_owned(),
            what: format!("is not a parameter of {}", descriptor.vendor),
            message,
        }
    }

    /// What the person who connects an account has not given.
    pub(super) fn not_given(descriptor: &ProviderDescriptor, mapping: &ParameterMapping) -> Self {
        let cure = if mapping.secret {
            ". Give it when you connect, from a file or standard input"
        } else {
            ". Give it when you connect"
        };
        Self::of(
            descriptor,
            mapping,
            Problem::Missing,
            "",
            "is missing",
            cure.to_owned(),
        )
    }

    fn of(
        descriptor: &ProviderDescriptor,
        mapping: &ParameterMapping,
        problem: Problem,
        origin: &str,
        what: &str,
        cure: String,
    ) -> Self {
        let ParameterMapping {
            parameter,
            credential,
            ..
        } = mapping;
        let provider = descriptor.id;
        let word = match credential {
            &"" => String::new(),
            word => format!(". {} calls it {word:?}", descriptor.vendor),
        };
        let place = match origin {
            "" => String::new(),
            origin => format!("({origin}) "),
        };
        let message = format!("{provider}: {parameter} {place}{what}{word}{cure}");
        Self {
            provider: provider.into(),
            parameter: parameter.to_string(),
            problem,
            origin: origin.to_owned(),
            what: what.to_owned(),
            message,
        }
    }
}

/// The words of which one may be given.
fn choices(format: Format) -> String {
    let Format::OneOf(choices) = format else {
        return String::new();
    };
    let choices: Vec<_> = choices
        .iter()
        .map(|(word, _)| format!("{word:?}"))
        .collect();
    words::list(&choices)
}

/// Where the operator sets a parameter.
fn set(descriptor: &ProviderDescriptor, mapping: &ParameterMapping) -> String {
    if mapping.set_by == SetBy::System {
        return String::new();
    }
    let (provider, parameter) = (descriptor.id, mapping.parameter);
    format!(
        ". Set {}, or providers.{provider}.\"{parameter}\" in tieline.toml",
        parameter.environment_name(provider)
    )
}

impl Problem {
    /// What is wrong with `text`, if anything.
    pub(super) fn with(text: &str, format: Format) -> Option<Self> {
        if text.is_empty() {
            Some(Self::Empty)
        } else if text.chars().any(char::is_control) {
            Some(Self::ControlCharacter)
        } else if text.trim() != text {
            Some(Self::Padded)
        } else if format == Format::Url && !crate::endpoint::is_endpoint(text) {
            Some(Self::NotUrl)
        } else if format == Format::HostLabel && !is_host_label(text) {
            Some(Self::NotHostLabel)
        } else if let Format::OneOf(words) = format
            && words.iter().all(|(word, _)| *word != text)
        {
            Some(Self::NotAWord)
        } else {
            None
        }
    }
}

impl fmt::Display for ParameterProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for ParameterProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}
