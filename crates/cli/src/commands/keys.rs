//! `tieline keys`: rotate what seals the store.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tieline::store::Created;

use crate::args::{Common, Keys};
use crate::error::CliError;
use crate::output::Output;
use crate::session;

pub(crate) async fn run(common: &Common, command: Keys, output: &Output) -> Result<(), CliError> {
    let Keys::Rotate { master } = command;
    let store = session::store(common, output).await?;
    let done = match master {
        Some(file) => {
            let (key, created) = session::load_or_create(&file)?;
            store.rotate_master_key(&key).await?;
            let made = if created == Created::Yes {
                " (new)"
            } else {
                ""
            };
            output.answer(&serde_json::json!({ "master_key": file }), || {
                format!(
                    "The data keys are wrapped with the master key in {}{made}.\nFrom now on start with \
                     TIELINE_MASTER_KEY_FILE={}, or move it to the old one's place. Keep the old one for old backups.",
                    file.display(),
                    file.display()
                )
            })
        }
        None => {
            let bar = progress_bar(output);
            let report = store
                .rotate_data_key(&mut |progress| {
                    bar.set_length(progress.total);
                    bar.set_position(progress.done);
                })
                .await?;
            bar.finish_and_clear();
            output.answer(&report, || {
                format!(
                    "{} rows are sealed with data key {}.",
                    report.resealed, report.active_key
                )
            })
        }
    };
    store.close().await;
    done
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
