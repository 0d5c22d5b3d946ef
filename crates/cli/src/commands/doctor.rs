//! `tieline doctor`: what is wrong here, and what to do about each thing.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tieline::engine::{Area, EngineError, Examination, Finding, Kind, State};
use tieline::store::StoreError;

use crate::args::{Common, Doctor};
use crate::error::CliError;
use crate::output::{BAD, BOLD, FAINT, GOOD, Output, shown};
use crate::session;

pub(crate) async fn run(common: &Common, doctor: &Doctor, output: &Output) -> Result<(), CliError> {
    let examination = match examine(common, doctor, output).await {
        Ok(examination) => examination,
        Err(error) => Examination::of(vec![in_the_way(error)?]),
    };
    output.answer(&examination, || for_people(&examination))?;
    examination
        .trouble
        .map_or(Ok(()), |kind| Err(CliError::Told(kind)))
}

/// Whoever only looks makes no store where there is none.
async fn examine(
    common: &Common,
    doctor: &Doctor,
    output: &Output,
) -> Result<Examination, CliError> {
    if let Some(data_dir) = session::without_store(common).await? {
        session::configuration(common)?;
        let what = format!("there is no store in {} yet", data_dir.display());
        let cure = "`tieline connect PROVIDER` makes one; if there should be one, name its folder with --data-dir";
        return Ok(Examination::of(vec![Finding::notice(
            Area::Store,
            what,
            cure,
        )]));
    }
    session::with_desk_as_it_is(common, output, async |desk| {
        let bar = spinner(doctor, output);
        let examination = desk.examine(!doctor.offline).await;
        bar.finish_and_clear();
        examination
    })
    .await
}

/// What keeps anybody from looking further, as a finding; an error where it is none.
fn in_the_way(error: CliError) -> Result<Finding, CliError> {
    let (area, what) = match &error {
        CliError::Usage(_) | CliError::Output(_) | CliError::Interrupted(_) | CliError::Told(_) => {
            return Err(error);
        }
        CliError::Engine(EngineError::Store(
            StoreError::MasterKeyMissing { .. }
            | StoreError::MasterKeyInvalid { .. }
            | StoreError::WrongMasterKey { .. }
            | StoreError::DamagedKey { .. }
            | StoreError::NoDataKey { .. },
        )) => (Area::Keys, "the store can't be opened without its keys"),
        CliError::Engine(EngineError::Store(_)) => (Area::Store, "the store can't be opened"),
        CliError::Configuration(_) | CliError::Engine(EngineError::Configuration(_)) => {
            (Area::Configuration, "the configuration can't be used")
        }
        _ => (Area::Store, "the store can't be looked at"),
    };
    Ok(Finding::wrong(area, what, error.to_string()))
}

/// A line a finding, its cure below it, and the verdict.
fn for_people(examination: &Examination) -> String {
    let mut lines = Vec::new();
    for finding in &examination.findings {
        let style = match finding.state {
            State::Wrong => BAD,
            State::Notice => BOLD,
            State::Fine => GOOD,
        };
        lines.push(format!(
            "{style}{:6}{style:#}  {FAINT}{}:{FAINT:#} {}",
            finding.state.as_str(),
            finding.area.as_str(),
            shown(&finding.what)
        ));
        for line in finding.cure.iter().flat_map(|cure| cure.lines()) {
            lines.push(format!("        → {}", shown(line)));
        }
    }
    lines.push(format!("\n{}", verdict(examination)));
    lines.join("\n")
}

fn verdict(examination: &Examination) -> String {
    let findings = examination.findings.iter();
    let wrong = findings.filter(|it| it.state == State::Wrong).count();
    let first = match examination.trouble {
        None => return "Nothing is wrong.".to_owned(),
        Some(Kind::Failure) => "begin with the store, its keys and the clock",
        Some(Kind::Configuration) => "begin with the configuration and the apps",
        Some(Kind::Reconnect) => "people must connect their accounts again",
        Some(Kind::Unavailable) => "providers can't be reached from here",
    };
    let things = if wrong == 1 { "thing is" } else { "things are" };
    format!("{wrong} {things} wrong: {first}.")
}

/// Turns while somebody waits at a terminal for providers.
fn spinner(doctor: &Doctor, output: &Output) -> ProgressBar {
    let is_seen = std::io::stderr().is_terminal() && !output.is_json() && !doctor.offline;
    let target = if is_seen {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target)
        .with_style(ProgressStyle::default_spinner())
        .with_message("asking the providers");
    if is_seen {
        bar.enable_steady_tick(Duration::from_millis(100));
    }
    bar
}
