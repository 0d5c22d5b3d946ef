//! The operator's configuration: where it is read from, once.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
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
    /// Variables that are set to something that isn't UTF-8.
    not_unicode: BTreeSet<String>,
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
    /// `HOME` says nothing.
    #[error(
        "HOME is {home:?}, which is not an absolute path: set it right, or name the configuration file with --config"
    )]
    RelativeHome {
        /// What it is set to.
        home: PathBuf,
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
    /// Reads `explicit`, else `./tieline.toml`, else `$XDG_CONFIG_HOME/tieline/tieline.toml` (`~/.config` when unset or
    /// relative), whichever is there first; and the environment.
    ///
    /// # Errors
    /// When a file is there but can't be read or understood; also when `explicit` is not there.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one home of providers' environment variables"
    )]
    pub fn load(explicit: Option<&Path>) -> Result<Self, ConfigurationError> {
        Self::load_with(explicit, std::env::vars_os().collect())
    }

    fn load_with(
        explicit: Option<&Path>,
        variables: BTreeMap<OsString, OsString>,
    ) -> Result<Self, ConfigurationError> {
        let file = match explicit {
            Some(path) => Some(read(path)?),
            None => usual_file(&variables)?
                .map(|path| read(&path))
                .transpose()?,
        };
        let mut configuration = Self {
            file,
            ..Self::default()
        };
        for (name, value) in variables {
            // A name that isn't UTF-8 is no name of ours.
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => {
                    configuration.environment.insert(name, Secret::new(value));
                }
                Err(_) => {
                    configuration.not_unicode.insert(name);
                }
            }
        }
        Ok(configuration)
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
            environment: environment
                .into_iter()
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
            not_unicode: BTreeSet::new(),
        })
    }

    /// The file that was read.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// `name`, if it is a variable that is set to something that isn't UTF-8.
    pub(super) fn not_unicode(&self, name: &str) -> Option<&str> {
        self.not_unicode.get(name).map(String::as_str)
    }

    /// Whether `name` is a variable that is set, to whatever.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.environment.contains_key(name) || self.not_unicode.contains(name)
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

/// The first that is there of the places where nobody needs to name the file.
fn usual_file(
    variables: &BTreeMap<OsString, OsString>,
) -> Result<Option<PathBuf>, ConfigurationError> {
    let here = PathBuf::from(FILE_NAME);
    if here.exists() {
        return Ok(Some(here));
    }
    let folder = |name: &str| {
        let value = variables.get(&OsString::from(name));
        value.filter(|path| !path.is_empty()).map(PathBuf::from)
    };
    // The XDG base directory specification has relative paths ignored.
    let config_home = folder("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let config_home = match (config_home, folder("HOME")) {
        (Some(path), _) => path,
        (None, Some(home)) if home.is_absolute() => home.join(".config"),
        (None, Some(home)) => return Err(ConfigurationError::RelativeHome { home }),
        (None, None) => return Ok(None),
    };
    let file = config_home.join("tieline").join(FILE_NAME);
    Ok(file.exists().then_some(file))
}

fn read(path: &Path) -> Result<TomlFile, ConfigurationError> {
    let text = std::fs::read_to_string(path).map_err(|reason| ConfigurationError::Unreadable {
        path: path.to_owned(),
        reason,
    })?;
    TomlFile::parse(path, &text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;
    use crate::parameters::{Given, Problem, State};
    use crate::{ParameterKey, ParameterMapping, ProviderDescriptor, ProviderSetup};

    #[derive(Debug)]
    struct Acme;

    static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor::new(
        "acme",
        "Acme REST",
        &[
            ParameterMapping::api_key("Consumer Key"),
            ParameterMapping::api_secret("Consumer Secret"),
        ],
    );

    impl ProviderSetup for Acme {
        fn descriptor(&self) -> &'static ProviderDescriptor {
            &DESCRIPTOR
        }
    }

    fn variables(values: &[(&str, &[u8])]) -> BTreeMap<OsString, OsString> {
        let pairs = values
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from_vec(value.to_vec())));
        pairs.collect()
    }

    fn empty_file() -> tempfile::NamedTempFile {
        tempfile::NamedTempFile::new().unwrap()
    }

    #[test]
    fn a_value_that_is_not_utf8_is_a_problem_and_not_silence() {
        let file = empty_file();
        let values = variables(&[
            ("ACME_OAUTH_API_KEY", b"k\xff"),
            ("ACME_OAUTH_API_SECRET_FILE", b"/\xff"),
            ("UNRELATED", b"\xff"),
        ]);
        let configuration = Configuration::load_with(Some(file.path()), values).unwrap();
        let refused = configuration.resolve(&Acme, &Given::new()).unwrap_err();
        let told: Vec<_> = refused.0.iter().map(|told| told.problem).collect();
        assert_eq!(told, [Problem::NotUnicode; 2], "{refused}");
        assert_eq!(
            refused.0[0].to_string(),
            "acme: oauth.api.key (environment variable ACME_OAUTH_API_KEY) is not UTF-8. Acme REST calls it \"Consumer \
             Key\". Set ACME_OAUTH_API_KEY, or providers.acme.\"oauth.api.key\" in tieline.toml"
        );
        let explained = configuration.explain(&Acme);
        let row = |key| {
            explained
                .iter()
                .find(|row| row.parameter == key)
                .and_then(|row| row.problem.as_ref())
                .map(|problem| (problem.origin.as_str(), problem.what.as_str()))
        };
        assert_eq!(
            row(ParameterKey::OAUTH_API_KEY),
            Some(("environment variable ACME_OAUTH_API_KEY", "is not UTF-8"))
        );
        assert_eq!(
            row(ParameterKey::OAUTH_API_SECRET),
            Some((
                "environment variable ACME_OAUTH_API_SECRET_FILE",
                "is not UTF-8"
            ))
        );
        assert!(matches!(explained[0].state, State::Missing { .. }));
    }

    #[test]
    fn a_secret_in_the_place_of_its_file_is_not_repeated() {
        let variables = [
            ("ACME_OAUTH_API_KEY_FILE", "/nowhere"),
            ("ACME_OAUTH_API_SECRET_FILE", "sk_live_CANARY"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let configuration = Configuration::from_parts(None, variables).unwrap();
        let refused = configuration.resolve(&Acme, &Given::new()).unwrap_err();
        let explained = serde_json::to_string(&configuration.explain(&Acme)).unwrap();
        for told in [refused.to_string(), explained] {
            assert!(!told.contains("CANARY"), "{told}");
            for place in [
                "file /nowhere named by ACME_OAUTH_API_KEY_FILE: ",
                "file named by ACME_OAUTH_API_SECRET_FILE: ",
            ] {
                assert!(told.contains(place), "{place} is not in {told}");
            }
        }
    }

    #[test]
    fn a_relative_xdg_folder_is_ignored_and_a_relative_home_refused() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".config/tieline");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(FILE_NAME), "").unwrap();
        let home = home.path().to_str().unwrap().as_bytes();
        let found = Configuration::load_with(
            None,
            variables(&[("HOME", home), ("XDG_CONFIG_HOME", b"relative")]),
        );
        assert_eq!(
            found.unwrap().path(),
            Some(folder.join(FILE_NAME).as_path())
        );
        let refused = Configuration::load_with(None, variables(&[("HOME", b"relative")]));
        assert!(matches!(
            refused,
            Err(ConfigurationError::RelativeHome { .. })
        ));
    }
}
