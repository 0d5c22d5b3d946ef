//! `tieline backup`, `restore` and `adopt`: keeping the store.

use std::path::Path;

use tieline::store::Store;

use crate::args::Common;
use crate::error::CliError;
use crate::output::{Output, shown};
use crate::session;

pub(crate) async fn backup(common: &Common, file: &Path, output: &Output) -> Result<(), CliError> {
    session::with_vault(common, output, async |vault| {
        session::notice_adoption(vault.adoption_required().await?, output);
        let report = vault.backup(file).await?;
        output.answer(&report, || {
            format!(
                "{} holds the store, sealed. The master key is not in it: keep it somewhere else.\nA refresh that \
                 happens after this moment replaces a rotating refresh token, and this copy can't bring that instance \
                 back.",
                shown(&file.display().to_string())
            )
        })
    })
    .await
}

pub(crate) async fn restore(
    common: &Common,
    file: &Path,
    force: bool,
    output: &Output,
) -> Result<(), CliError> {
    session::refuse_store(common)?;
    let data_dir = session::data_dir(common)?;
    let report = Store::restore(file, &data_dir, force).await?;
    output.answer(&report, || {
        format!(
            "{} is restored to {}.\nNothing is refreshed before `tieline adopt`: be sure first that no other copy of \
             this store is in use, since two that refresh would kill each other's instances.",
            shown(&file.display().to_string()),
            shown(&data_dir.display().to_string())
        )
    })
}

pub(crate) async fn adopt(common: &Common, output: &Output) -> Result<(), CliError> {
    session::with_vault(common, output, async |vault| {
        vault.adopt().await?;
        output.answer(&serde_json::json!({ "adopted": true }), || {
            "This store refreshes from now on.".to_owned()
        })
    })
    .await
}
