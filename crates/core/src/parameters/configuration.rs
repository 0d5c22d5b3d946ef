//! The operator's configuration: where it is read from, once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::toml_file::TomlFile;
use crate::{Registry, Secret};

/// The name of the configuration file.
pub const FILE_NAME: &str = "tieline.toml";

/// What the operator has configured: a file and the environment, read once and kept.
///
/// Its `Debug` shows no values.
#[derive(Default)]
pub struct Configuration {
    pub(super) file: Option<TomlFile>,
    pub(super) environment: BTreeMap<String, Secret>,
}

/// Why the configuration can't be used. Never holds a value of the file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The file that was named can't be read.
    #[error("can't read {path}: {reason}; name another with --config, or leave it out", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        reason: std::io::Error,
    },
    /// Not TOML.
    #[error("{path}, line {line}, column {column}: this is not TOML; strings need quotes, as in \"oauth.api.key\" = \"…\"", path = .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A table or key that means nothing to Tieline.
    #[error("{path}: {name} means nothing to Tieline: {cure}", path = .path.display())]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// What stands there.
        name: String,
        /// What could stand there.
        cure: String,
    },
}

impl Configuration {
    /// Reads `explicit`, else `./tieline.toml`, else `$XDG_CONFIG_HOME/tieline/tieline.toml` (`~/.config` when unset),
    /// whichever is there first; and the environment.
    ///
    /// # Errors
    /// When a file is there but can't be read or understood; also when `explicit` is not there.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one home of providers' environment variables"
    )]
    pub fn load(explicit: Option<&Path>) -> Result<Self, ConfigurationError> {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let home = |name: &str| {
            environment
                .get(name)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        };
        let config_home =
            home("XDG_CONFIG_HOME").or_else(|| home("HOME").map(|home| home.join(".config")));
        let usual = [
            Some(PathBuf::from(FILE_NAME)),
            config_home.map(|dir| dir.join("tieline").join(FILE_NAME)),
        ];
        let file = match explicit {
            Some(path) => Some(read(path)?),
            None => match usual.into_iter().flatten().find(|path| path.exists()) {
                Some(path) => Some(read(&path)?),
                None => None,
            },
        };
        Ok(Self {
            file,
            environment: sealed(environment),
        })
    }

    /// From a file's path and text, and environment variables: for hosts with a configuration of their own, and tests.
    ///
    /// # Errors
    /// When the text can't be understood.
    pub fn from_parts(
        file: Option<(&Path, &str)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigurationError> {
        let file = file
            .map(|(path, text)| TomlFile::parse(path, text))
            .transpose()?;
        Ok(Self {
            file,
            environment: sealed(environment),
        })
    }

    /// The file that was read.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// Refuses tables of providers that don't exist.
    ///
    /// # Errors
    /// Names the first such table and the provider that may have been meant.
    pub fn check_providers(&self, registry: &Registry) -> Result<(), ConfigurationError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        for id in file.providers.keys() {
            if let Err(unknown) = registry.provider(id) {
                return Err(ConfigurationError::Unexpected {
                    path: file.path.clone(),
                    name: format!("[providers.{id}]"),
                    cure: unknown.to_string(),
                });
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Configuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configuration")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

fn sealed(environment: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, Secret> {
    environment
        .into_iter()
        .map(|(name, value)| (name, Secret::new(value)))
        .collect()
}

fn read(path: &Path) -> Result<TomlFile, ConfigurationError> {
    let text = std::fs::read_to_string(path).map_err(|reason| ConfigurationError::Unreadable {
        path: path.to_owned(),
        reason,
    })?;
    TomlFile::parse(path, &text)
}
