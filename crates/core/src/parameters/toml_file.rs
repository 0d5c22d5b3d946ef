//! `tieline.toml`: its `[providers.<id>]` tables, flattened to dotted keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::ConfigurationError;
use crate::suggest::closest;

const TOP_LEVEL: &[&str] = &["providers"];

/// The part of a configuration file that concerns providers.
#[derive(Debug)]
pub(super) struct TomlFile {
    pub(super) path: PathBuf,
    /// By provider as written, then by dotted key.
    pub(super) providers: BTreeMap<String, BTreeMap<String, Entry>>,
}

/// A value in the file. Values that are no strings are told apart, since a secret must not be re-spelled.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key as it would be written in the file.
    pub(super) written: String,
    pub(super) text: Option<crate::Secret>,
}

impl TomlFile {
    /// # Errors
    /// When the text is not TOML, or holds something other than what Tieline knows. Values never show in the error.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, ConfigurationError> {
        let root: Table = text.parse().map_err(|error: toml::de::Error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            ConfigurationError::Syntax {
                path: path.to_owned(),
                line,
                column,
            }
        })?;
        let mut providers = BTreeMap::new();
        for (name, value) in root {
            match (name.as_str(), value) {
                ("providers", Value::Table(tables)) => {
                    for (id, table) in tables {
                        let Value::Table(table) = table else {
                            return Err(unexpected(path, &format!("providers.{id}"), None));
                        };
                        let mut entries = BTreeMap::new();
                        flatten(
                            &table,
                            &mut Vec::new(),
                            &format!("providers.{id}"),
                            &mut entries,
                        );
                        providers.insert(id, entries);
                    }
                }
                (name, _) => {
                    return Err(unexpected(
                        path,
                        name,
                        closest(name, TOP_LEVEL.iter().copied()),
                    ));
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            providers,
        })
    }
}

/// Both `[providers.acme.oauth.api]` with `key = …` and `"oauth.api.key" = …` become `oauth.api.key`. One level, because
/// nested tables can't hold both `oauth.user.token` and `oauth.user.token.secret`.
fn flatten(
    table: &Table,
    steps: &mut Vec<String>,
    prefix: &str,
    entries: &mut BTreeMap<String, Entry>,
) {
    for (name, value) in table {
        steps.push(name.clone());
        match value {
            Value::Table(table) => flatten(table, steps, prefix, entries),
            value => {
                let written = steps.iter().fold(prefix.to_owned(), |path, step| {
                    if step.contains('.') {
                        format!("{path}.\"{step}\"")
                    } else {
                        format!("{path}.{step}")
                    }
                });
                let text = value.as_str().map(crate::Secret::from);
                entries.insert(steps.join("."), Entry { written, text });
            }
        }
        steps.pop();
    }
}

fn unexpected(path: &Path, name: &str, suggestion: Option<&str>) -> ConfigurationError {
    ConfigurationError::Unexpected {
        path: path.to_owned(),
        name: name.to_owned(),
        cure: match suggestion {
            Some(known) => format!("did you mean {known}?"),
            None => "it holds tables such as [providers.acme]".to_owned(),
        },
    }
}

/// Line and column, both from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}
