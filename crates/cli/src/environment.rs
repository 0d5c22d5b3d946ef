//! Where things are on this machine: the only place of the command line that reads the environment by hand.

use std::path::PathBuf;

use tieline::Secret;

use crate::error::CliError;

/// The folder of the store when none is named.
pub(crate) fn default_data_dir() -> Result<PathBuf, CliError> {
    folder("XDG_DATA_HOME", ".local/share").ok_or_else(|| {
        CliError::Configuration(
            "there is no home folder: name the data folder with --data-dir".into(),
        )
    })
}

/// The file of the master key when none is named: outside the data folder, so that no backup of the one holds the other.
pub(crate) fn default_master_key_file() -> Result<PathBuf, CliError> {
    let folder = folder("XDG_CONFIG_HOME", ".config").ok_or_else(|| {
        CliError::Configuration(
            "there is no home folder: give the master key with TIELINE_MASTER_KEY_FILE".into(),
        )
    })?;
    Ok(folder.join("master.key"))
}

/// The master key as the environment gives it. No command line ever holds it.
pub(crate) fn master_key() -> Result<GivenMasterKey, CliError> {
    match (
        variable("TIELINE_MASTER_KEY"),
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

/// The name of this deployment. Default: `default`.
pub(crate) fn deployment() -> String {
    variable("TIELINE_DEPLOYMENT").unwrap_or_else(|| "default".to_owned())
}

fn folder(xdg: &str, below_home: &str) -> Option<PathBuf> {
    let base = variable(xdg)
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(below_home)))?;
    Some(base.join("tieline"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the command line's home of environment variables"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
