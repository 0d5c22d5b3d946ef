//! `tieline connect`: the real thing, from a terminal.

mod app;
mod ask;
mod beside;
mod browser;
mod callback_url;
mod device;
mod listen;
mod page;
mod paste;
#[cfg(test)]
mod stage;
mod way;

use serde::Serialize;
use tieline::core::parameters::{ParameterProblems, Problem};
use tieline::engine::{AuthorizeOptions, Engine, EngineError, GiveOptions};
use tieline::store::{App, Instance};
use tieline::{InstanceId, ParameterMapping, ProviderDescriptor};
use tieline::core::SetBy;

use self::way::Way;
use super::instances::{account_of, described};
use super::parameters;
use crate::args::{Common, Connect};
use crate::error::CliError;
use crate::output::{GOOD, Output, shown};
use crate::session;

pub(crate) async fn run(
    common: &Common,
    connect: Connect,
    output: &Output,
) -> Result<(), CliError> {
    session::with_engine(common, output, async |engine| {
        let newest = beside::newest_event(engine).await?;
        let instance = dispatch(engine, &connect, output).await?;
        let beside = beside::made_since(engine, newest, &instance).await?;
        let connected = Connected {
            beside: beside.iter().map(|second| second.id).collect(),
            instance: &instance,
        };
        output.line(&connected, || told(engine, &instance, &beside))
    })
    .await
}

/// What a program reads in the end.
#[derive(Serialize)]
struct Connected<'a> {
    #[serde(flatten)]
    instance: &'a Instance,
    /// What the same consent brought besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beside: Vec<InstanceId>,
}

/// What a person reads in the end.
fn told(engine: &Engine, instance: &Instance, beside: &[Instance]) -> String {
    let mut text = format!(
        "{GOOD}Connected.{GOOD:#}\n{}\n\n",
        described(engine, instance)
    );
    for second in beside {
        let account = account_of(second).map(|account| format!(", {}", shown(account)));
        text.push_str(&format!(
            "The same consent brought tokens of their own for another account: instance {}{}.\n",
            second.id,
            account.unwrap_or_default()
        ));
    }
    text + &format!("Try: tieline instances check {}", instance.id)
}

async fn dispatch(
    engine: &Engine,
    connect: &Connect,
    output: &Output,
) -> Result<Instance, CliError> {
    let descriptor = engine.registry().provider(&connect.provider)?.descriptor();
    let way = way::choose(descriptor, connect)?;
    let mut parameters = parameters::given(descriptor, &connect.parameters).await?;
    let app = app::app(engine, descriptor, connect).await?;
    let connected = async {
        ask::complete(engine, &app, connect.instance, &mut parameters, output).await?;
        if way == Way::Given {
            let options = GiveOptions {
                instance_name: connect.name.clone(),
                instance: connect.instance,
                parameters,
            };
            return Ok(engine.give(&app, options).await?);
        }
        let options = AuthorizeOptions {
            instance_name: connect.name.clone(),
            instance: connect.instance,
            parameters,
            ..AuthorizeOptions::LOCAL
        };
        match way {
            Way::Device => device::connect(engine, &app, options, connect, output).await,
            _ => browser::connect(engine, &app, options, connect, output).await,
        }
    };
    connected.await.map_err(|error| match error {
        CliError::Engine(EngineError::Parameters(problems)) => {
            with_cure(&problems, descriptor, &app)
        }
        error => error,
    })
}

/// Says how to give what is missing, and where it is to be found.
fn with_cure(
    problems: &ParameterProblems,
    descriptor: &ProviderDescriptor,
    app: &App,
) -> CliError {
    let told = |wanted: Problem| {
        problems
            .0
            .iter()
            .filter(move |told| told.problem == wanted)
            .filter_map(|told| {
                descriptor
                    .parameters()
                    .find(|row| row.parameter.as_str() == told.parameter)
            })
    };
    let mut text = problems.to_string();
    let options: Vec<_> = told(Problem::Missing)
        .filter(|row| row.set_by == SetBy::EndUser)
        .map(option)
        .collect();
    if !options.is_empty() {
        text.push_str(&format!("\nadd {}", options.join(" ")));
    }
    for row in told(Problem::NotEndUsers).filter(|row| row.set_by == SetBy::Tenant) {
        text.push_str(&format!("\n`tieline apps set {} {}` sets it", app.id, option(row)));
    }
    if told(Problem::Missing).next().is_some() {
        text.push_str(&format!(
            "\n`tieline providers show {}` says where the provider shows them",
            descriptor.id
        ));
    }
    CliError::Configuration(text)
}

/// The option that gives a parameter.
fn option(row: &ParameterMapping) -> String {
    if row.secret {
        format!("--set-file {}=FILE (- is standard input)", row.parameter)
    } else {
        format!("--set {}=…", row.parameter)
    }
}

/// A line for the program that reads our JSON. Whoever is not told where to consent never will.
fn tell_program(output: &Output, line: &serde_json::Value) -> Result<(), CliError> {
    if !output.is_json() {
        return Ok(());
    }
    output.line(line, String::new).map_err(|error| {
        if error.is_closed_pipe() {
            CliError::Failure("nobody reads where to consent; nothing was connected".to_owned())
        } else {
            error
        }
    })
}

/// Opens a page in the browser, unless that is not wanted.
fn open_page(connect: &Connect, url: &str, output: &Output) {
    if !connect.no_browser && open::that_detached(url).is_err() {
        output.notice("No browser could be opened: open the page yourself.");
    }
}
