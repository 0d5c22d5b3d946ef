//! `tieline keys`: rotate what seals the store.

use std::io::IsTerminal as _;
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tieline::store::Created;

use crate::args::{Common, Keys};
use crate::desk::Vault;
use crate::error::CliError;
use crate::output::{Output, shown};
use crate::session;

pub(crate) async fn run(common: &Common, command: Keys, output: &Output) -> Result<(), CliError> {
    let Keys::Rotate { master } = command;
    session::with_vault(common, output, async |vault| {
        session::notice_adoption(vault.adoption_required().await?, output);
        match &master {
            Some(file) => rotate_master_key(vault, file, output).await,
            None => rotate_data_key(vault, output).await,
        }
    })
    .await
}

async fn rotate_master_key(vault: &Vault, file: &Path, output: &Output) -> Result<(), CliError> {
    let file = std::path::absolute(file)?;
    let (key, created) = session::load_or_create(&file, vault.data_dir())?;
    vault.rotate_master_key(&key, &file).await?;
    let made = if created == Created::Yes {
        " (new)"
    } else {
        ""
    };
    output.answer(&serde_json::json!({ "master_key": file }), || {
        let file = shown(&file.display().to_string());
        format!(
            "The data keys are wrapped with the master key in {file}{made}.\nFrom now on start with \
             TIELINE_MASTER_KEY_FILE={file}, or move it to the old one's place. Keep the old one for old backups.",
        )
    })
}

async fn rotate_data_key(vault: &Vault, output: &Output) -> Result<(), CliError> {
    let bar = progress_bar(output);
    let report = vault
        .rotate_data_key(&mut |progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        })
        .await;
    bar.finish_and_clear();
    let report = report?;
    output.answer(&report, || {
        format!(
            "{} rows are sealed with data key {}.",
            report.resealed, report.active_key
        )
    })
}

fn progress_bar(output: &Output) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() && !output.is_json() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template("sealing anew {bar:40} {pos}/{len}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(0), target).with_style(style)
}
