//! `tieline connect`: the real thing, from a terminal.

mod app;
mod ask;
mod beside;
mod browser;
pub(super) mod callback_url;
mod device;
mod listen;
mod page;
mod paste;
#[cfg(test)]
mod stage;
mod way;

use serde::Serialize;
use tieline::core::SetBy;
use tieline::core::parameters::{ParameterProblems, Problem, misgiven};
use tieline::engine::{AuthorizeOptions, EngineError, GiveOptions};
use tieline::store::{App, Instance};
use tieline::{InstanceId, ParameterMapping, ProviderDescriptor};

use self::way::Way;
use super::instances::{account_of, described};
use super::parameters;
use crate::args::{Common, Connect};
use crate::desk::Desk;
use crate::error::CliError;
use crate::output::{GOOD, Output, shown};
use crate::session;

pub(crate) async fn run(
    common: &Common,
    connect: Connect,
    output: &Output,
) -> Result<(), CliError> {
    session::with_desk(common, output, async |desk| {
        let newest = beside::newest_event(desk).await?;
        let instance = dispatch(desk, &connect, output).await?;
        let beside = beside::made_since(desk, newest, &instance).await?;
        let connected = Connected {
            beside: beside.iter().map(|second| second.id).collect(),
            instance: &instance,
        };
        output.line(&connected, || told(desk, &instance, &beside))
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
fn told(desk: &Desk, instance: &Instance, beside: &[Instance]) -> String {
    let mut text = format!(
        "{GOOD}Connected.{GOOD:#}\n{}\n\n",
        described(desk, instance)
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

async fn dispatch(desk: &Desk, connect: &Connect, output: &Output) -> Result<Instance, CliError> {
    let descriptor = desk.registry().provider(&connect.provider)?.descriptor();
    let way = way::choose(descriptor, connect)?;
    let mut parameters = parameters::given(descriptor, &connect.parameters, output).await?;
    let misgiven = misgiven(descriptor, &parameters);
    let app = app::app(desk, descriptor, connect).await?;
    let connected = async {
        // Nobody is asked in vain.
        if misgiven.is_empty() {
            ask::complete(desk, &app, connect.instance, &mut parameters, output).await?;
        }
        let options = |parameters| AuthorizeOptions {
            instance_name: connect.name.clone(),
            instance: connect.instance,
            parameters,
            ..AuthorizeOptions::LOCAL
        };
        match way {
            Way::Browser => {
                browser::connect(desk, &app, options(parameters), connect, output).await
            }
            Way::Device => device::connect(desk, &app, options(parameters), connect, output).await,
            Way::Given => {
                let options = GiveOptions {
                    instance_name: connect.name.clone(),
                    instance: connect.instance,
                    parameters,
                    ..GiveOptions::default()
                };
                desk.give(&app, options).await
            }
        }
    };
    connected.await.map_err(|error| match error {
        CliError::Engine(EngineError::Parameters(mut problems)) => {
            // Where the app's own come first, the account's are told with them, and not a run later.
            let untold = misgiven
                .into_iter()
                .filter(|told| !problems.0.contains(told));
            let untold: Vec<_> = untold.collect();
            problems.0.extend(untold);
            with_cure(&problems, descriptor, &app)
        }
        error => error,
    })
}

/// Says how to give what is missing, and where it is to be found.
fn with_cure(problems: &ParameterProblems, descriptor: &ProviderDescriptor, app: &App) -> CliError {
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
        text.push_str(&format!("\nadd to the command: {}", options.join(" ")));
    }
    for row in told(Problem::NotEndUsers).filter(|row| row.set_by == SetBy::Tenant) {
        text.push_str(&format!(
            "\n`tieline apps set {} {}` sets it",
            app.id,
            option(row)
        ));
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

#[cfg(test)]
mod tests {
    use tieline::core::http::CallbackQuery;
    use tieline::engine::Arrival;

    use super::stage::{Backstage, DESK, TUBE, TWICE, typed};
    use super::*;

    /// Connects as a script does, which nobody asks anything.
    async fn connected(stage: &Backstage, words: &[&str]) -> Result<Instance, CliError> {
        let words = [&["desk"], words].concat();
        dispatch(&stage.desk(), &typed(&words), &Output::new(true)).await
    }

    #[tokio::test]
    async fn a_key_is_given_in_a_file_and_replaced_in_place() {
        let stage = Backstage::set(&DESK, "").await;
        let file = stage.folder.path().join("key");
        std::fs::write(&file, "key-of-u-1001\n").unwrap();
        let key = format!("api.key={}", file.display());
        let words = ["--set", "subdomain=ours", "--set-file", &key];
        let first = connected(&stage, &words).await.unwrap();
        assert_eq!(first.account_label.as_deref(), Some("ada@example.com"));
        let page = described(&stage.desk(), &first);
        assert!(
            page.contains("subdomain") && page.contains("ours"),
            "{page}"
        );
        for absent in ["key-of-u-1001", "token expires", "refreshed"] {
            assert!(!page.contains(absent), "{absent}: {page}");
        }

        let id = first.id.to_string();
        let again = ["--instance", &id, "--set-file", &key];
        let again = connected(&stage, &again).await.unwrap();
        assert_eq!((again.id, again.generation), (first.id, 2));
        assert_eq!(again.parameters, first.parameters);

        std::fs::write(&file, "made-up").unwrap();
        assert!(connected(&stage, &words).await.is_err());
        assert_eq!(stage.instances().await.len(), 1);
        let app = stage.engine.app(first.app).await.unwrap();
        assert_eq!(app.redirect_uri, None, "no callback URL is invented");
        stage.engine.shutdown().await;
    }

    #[tokio::test]
    async fn what_is_missing_is_told_in_both_vocabularies_with_the_option_that_gives_it() {
        let stage = Backstage::set(&DESK, "").await;
        let missing = connected(&stage, &[]).await.unwrap_err();
        assert_eq!(missing.code(), 3);
        insta::assert_snapshot!(missing.to_string(), @r#"
        desk: subdomain is missing. Desk calls it "Helpdesk". Give it when you connect
        desk: api.key is missing. Desk calls it "API Key". Give it when you connect, from a file or standard input
        add to the command: --set subdomain=… --set-file api.key=FILE (- is standard input)
        `tieline providers show desk` says where the provider shows them
        "#);
        let typed = connected(&stage, &["--set", "api.key=CANARY"]).await;
        let typed = typed.unwrap_err();
        assert_eq!(typed.code(), 2);
        assert!(!typed.to_string().contains("CANARY"), "{typed}");
        let odd = [
            "--set",
            "subdomain=a.b",
            "--set",
            "Helpdesk=x",
            "--set",
            "base.url=x",
        ];
        let odd = connected(&stage, &odd).await.unwrap_err();
        insta::assert_snapshot!(odd.to_string(), @r#"
        desk: Helpdesk (given when connecting) is not a parameter of Desk: did you mean subdomain?
        desk: base.url (given when connecting) may only be set by the operator, in the configuration
        desk: subdomain (given when connecting) is not one label of a host: give only the part before the provider's domain, in lower-case letters, digits and dashes. Desk calls it "Helpdesk". Give it again
        desk: api.key is missing. Desk calls it "API Key". Give it when you connect, from a file or standard input
        add to the command: --set-file api.key=FILE (- is standard input)
        `tieline providers show desk` says where the provider shows them
        "#);
        stage.engine.shutdown().await;
    }

    #[tokio::test]
    async fn what_belongs_to_the_app_is_set_there() {
        let stage = Backstage::set(&TUBE, "").await;
        let words = ["tube", "--set", "oauth.api.key=x"];
        let refused = dispatch(&stage.desk(), &typed(&words), &Output::new(true)).await;
        let app = stage.engine.apps().await.unwrap().remove(0);
        assert_eq!(
            refused.unwrap_err().to_string(),
            format!(
                "tube: oauth.api.key (given when connecting) belongs to an app, not to one account. Tube calls it \
                 \"Consumer Key\"\n`tieline apps set {} --set oauth.api.key=…` sets it",
                app.id
            )
        );
        assert_eq!(app.redirect_uri, None, "no callback URL is invented");
        assert_eq!(stage.sandbox.ledger().requests().len(), 0);
        stage.engine.shutdown().await;
    }

    #[tokio::test]
    async fn a_second_instance_of_the_same_consent_is_mentioned() {
        let stage = Backstage::set(&TWICE, "https://localhost:8917/callback").await;
        let app = stage.app(&TWICE).await;
        let mut seen = Vec::new();
        for _ in 0..2 {
            let desk = stage.desk();
            let newest = beside::newest_event(&desk).await.unwrap();
            let options = AuthorizeOptions::LOCAL;
            let started = stage.engine.authorize(&app, options).await.unwrap();
            let callback = stage.sandbox.consent(&started.authorization_url);
            let callback = callback.await.unwrap();
            let query = CallbackQuery::parse(callback.split_once('?').unwrap().1);
            let arrival = Arrival::Local(started.id);
            let instance = stage.engine.call_back(&arrival, &query).await.unwrap();
            let made = beside::made_since(&desk, newest, &instance);
            let made = made.await.unwrap();
            let ids: Vec<_> = stage.instances().await.iter().map(|one| one.id).collect();
            let others = ids.into_iter().filter(|id| *id != instance.id);
            let others: Vec<_> = others.filter(|id| !seen.contains(id)).collect();
            let told_of: Vec<_> = made.iter().map(|second| second.id).collect();
            assert_eq!((told_of.len(), &told_of), (1, &others));
            let page = told(&stage.desk(), &instance, &made);
            assert!(page.contains(&format!("instance {}", told_of[0])), "{page}");
            let none = beside::newest_event(&desk).await.unwrap();
            let none = beside::made_since(&desk, none, &instance).await;
            assert!(none.unwrap().is_empty(), "only those of this run");
            seen.extend([instance.id, told_of[0]]);
        }
        stage.engine.shutdown().await;
    }
}
