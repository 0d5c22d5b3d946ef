//! The store itself: what only its holder can do.

use std::path::{Path, PathBuf};

use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tieline::server::wire::RotationLine;
use tieline::store::{
    AdoptionReason, BackupReport, MasterKey, MasterRotationReport, Progress, RotationReport, Store,
};

use super::control::{Control, refusal};
use crate::error::CliError;

/// Whoever holds the store.
#[derive(Debug)]
pub(crate) enum Vault {
    /// This process.
    Here(Store),
    /// A server.
    There(Control),
}

impl Vault {
    /// The data folder, unless the store is in a database elsewhere.
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        match self {
            Self::Here(store) => store.data_dir(),
            Self::There(control) => Some(control.data_dir()),
        }
    }

    /// Why nothing is refreshed, where that is so.
    pub(crate) async fn adoption_required(&self) -> Result<Option<AdoptionReason>, CliError> {
        match self {
            Self::Here(store) => Ok(store.adoption_required()),
            Self::There(control) => control.adoption_required().await,
        }
    }

    pub(crate) async fn adopt(&self) -> Result<(), CliError> {
        match self {
            Self::Here(store) => Ok(store.adopt().await?),
            Self::There(control) => {
                let _: Value = control.post("/v1/store/adopt", None).await?;
                Ok(())
            }
        }
    }

    /// The report names the file as it was named to us.
    pub(crate) async fn backup(&self, file: &Path) -> Result<BackupReport, CliError> {
        let report = match self {
            Self::Here(store) => store.backup(&std::path::absolute(file)?).await?,
            Self::There(control) => {
                let body = json!({ "file": absolute(file)? });
                control.post("/v1/store/backup", Some(&body)).await?
            }
        };
        Ok(BackupReport {
            file: file.to_owned(),
            ..report
        })
    }

    /// Wraps the data keys with the key that was read from this file.
    pub(crate) async fn rotate_master_key(
        &self,
        key: &MasterKey,
        file: &Path,
    ) -> Result<MasterRotationReport, CliError> {
        match self {
            Self::Here(store) => Ok(store.rotate_master_key(key).await?),
            Self::There(control) => {
                let body = json!({ "file": absolute(file)? });
                control.post("/v1/store/keys/master", Some(&body)).await
            }
        }
    }

    pub(crate) async fn rotate_data_key(
        &self,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<RotationReport, CliError> {
        match self {
            Self::Here(store) => Ok(store.rotate_data_key(progress).await?),
            Self::There(control) => rotated_there(control, progress).await,
        }
    }
}

/// Reads the lines in which the server tells how far it is.
async fn rotated_there(
    control: &Control,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<RotationReport, CliError> {
    let answer = control.open(Method::POST, "/v1/store/keys/rotate").await?;
    let mut body = answer.into_body();
    let mut unread: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| control.broke_off(&error))?;
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        unread.extend_from_slice(&bytes);
        while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = unread.drain(..=end).collect();
            let line = serde_json::from_slice(&line).map_err(|_| control.is_another_release())?;
            match line {
                RotationLine::Progress(so_far) => progress(so_far),
                RotationLine::Report(report) => return Ok(report),
                RotationLine::Problem(problem) => return Err(refusal(*problem)),
            }
        }
    }
    let ended = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    Err(control.broke_off(&ended))
}

/// The server's working folder is another one.
fn absolute(file: &Path) -> Result<String, CliError> {
    let path: PathBuf = std::path::absolute(file)?;
    path.into_os_string().into_string().map_err(|path| {
        CliError::Usage(format!(
            "{path:?} is not UTF-8, and a path has to be where a server holds the data folder: name another"
        ))
    })
}
