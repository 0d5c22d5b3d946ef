//! Where things are on this machine: the only place of the command line that reads the environment by hand.

use std::ffi::OsString;
use std::path::PathBuf;

use tieline::Secret;
use url::Url;

use crate::error::CliError;

/// The folder of the store when none is named.
pub(crate) fn default_data_dir() -> Result<PathBuf, CliError> {
    folder("XDG_DATA_HOME", ".local/share", "--data-dir")
}

/// The file of the master key when none is named: outside the data folder, so that no backup of the one holds the other.
pub(crate) fn default_master_key_file() -> Result<PathBuf, CliError> {
    Ok(folder("XDG_CONFIG_HOME", ".config", "TIELINE_MASTER_KEY_FILE")?.join("master.key"))
}

/// The master key as the environment gives it. No command line ever holds it.
pub(crate) fn master_key() -> Result<GivenMasterKey, CliError> {
    match (
        text("TIELINE_MASTER_KEY")?,
        variable("TIELINE_MASTER_KEY_FILE"),
    ) {
        (Some(_), Some(_)) => Err(CliError::Configuration(
            "TIELINE_MASTER_KEY and TIELINE_MASTER_KEY_FILE are both set; keep one".into(),
        )),
        (Some(text), None) => Ok(GivenMasterKey::Text(Secret::new(text))),
        (None, Some(path)) => Ok(GivenMasterKey::File(path.into())),
        (None, None) => Ok(GivenMasterKey::Nowhere),
    }
}

pub(crate) enum GivenMasterKey {
    Text(Secret),
    File(PathBuf),
    Nowhere,
}

/// The database that holds the store in place of the data folder, by its address: as it is named on the command line, without
/// a password, or else in the environment.
pub(crate) fn store(named: Option<&str>) -> Result<Option<Secret>, CliError> {
    let (text, place) = match (named, text("TIELINE_STORE")?) {
        (Some(named), _) if holds_password(named) => {
            return Err(CliError::Configuration(
                "there is a password in --store, and others on this machine can read a command line: give the address as \
                 TIELINE_STORE instead, and change that password"
                    .into(),
            ));
        }
        (Some(named), _) => (named.to_owned(), "--store"),
        (None, Some(text)) => (text, "TIELINE_STORE"),
        (None, None) => return Ok(None),
    };
    if ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
    {
        return Ok(Some(Secret::new(text)));
    }
    Err(CliError::Configuration(format!(
        "{place} is no address of a PostgreSQL database: write postgres://user@host/database, or leave it out to keep the \
         store in the data folder"
    )))
}

/// Whether there is a password in the address of a database. What is no URL is not looked into: nobody uses it.
fn holds_password(address: &str) -> bool {
    Url::parse(address.trim()).is_ok_and(|url| {
        url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password")
    })
}

/// The name of this deployment. Default: `default`.
pub(crate) fn deployment() -> Result<String, CliError> {
    Ok(text("TIELINE_DEPLOYMENT")?.unwrap_or_else(|| "default".to_owned()))
}

/// Tieline's folder below an XDG base folder. A relative one is ignored, as the XDG base directory specification wants.
fn folder(xdg: &str, below_home: &str, instead: &str) -> Result<PathBuf, CliError> {
    let base = variable(xdg).map(PathBuf::from);
    let base = match (
        base.filter(|path| path.is_absolute()),
        variable("HOME").map(PathBuf::from),
    ) {
        (Some(base), _) => base,
        (None, Some(home)) if home.is_absolute() => home.join(below_home),
        (None, Some(home)) => {
            return Err(CliError::Configuration(format!(
                "HOME is {home:?}, which is not an absolute path: set it right, or say where with {instead}"
            )));
        }
        (None, None) => {
            return Err(CliError::Configuration(format!(
                "there is no home folder: set HOME, or say where with {instead}"
            )));
        }
    };
    Ok(base.join("tieline"))
}

fn text(name: &str) -> Result<Option<String>, CliError> {
    let text = variable(name).map(OsString::into_string).transpose();
    text.map_err(|_| CliError::Configuration(format!("{name} is not UTF-8: set it anew")))
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the command line's home of environment variables"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
