//! What the person who connects an account must give and has not: asked for, where there is somebody to ask.

use tieline::core::parameters::{Given, ParameterProblems, misgiven};
use tieline::core::{Format, words};
use tieline::engine::EngineError;
use tieline::store::App;
use tieline::{InstanceId, ParameterMapping, ProviderDescriptor, Secret};

use crate::desk::Desk;
use crate::error::CliError;
use crate::input;
use crate::output::Output;

/// Whoever mistypes so often is no person.
const TRIES: usize = 5;

/// Adds the answers to what is given. Whatever stays open is the engine's to tell.
pub(super) async fn complete(
    desk: &Desk,
    app: &App,
    again: Option<InstanceId>,
    given: &mut Given,
    output: &Output,
) -> Result<(), CliError> {
    if output.is_json() || !input::is_person() {
        return Ok(());
    }
    let descriptor = desk.registry().provider(&app.provider)?.descriptor();
    for mapping in missing(desk, app, again, given).await? {
        let answer = good(descriptor, mapping, output, async || {
            ask(mapping, output).await
        });
        if let Some(answer) = answer.await? {
            given.insert(mapping.parameter.to_string(), answer);
        }
    }
    Ok(())
}

/// The first answer with which nothing is wrong; `None` where no more are typed.
async fn good(
    descriptor: &'static ProviderDescriptor,
    mapping: &ParameterMapping,
    output: &Output,
    ask: impl AsyncFn() -> Result<Option<Secret>, CliError>,
) -> Result<Option<Secret>, CliError> {
    let mut refused = Vec::new();
    for _ in 0..TRIES {
        let Some(answer) = ask().await? else {
            return Ok(None);
        };
        let key = mapping.parameter.to_string();
        refused = misgiven(descriptor, &Given::from([(key, answer.duplicate())]));
        match refused.first() {
            None => return Ok(Some(answer)),
            Some(problem) => output.notice(&format!("{problem}.")),
        }
    }
    Err(EngineError::Parameters(ParameterProblems(refused)).into())
}

/// What the account can't do without and nobody has given: neither now, nor for the app, nor when it was connected first.
async fn missing(
    desk: &Desk,
    app: &App,
    again: Option<InstanceId>,
    given: &Given,
) -> Result<Vec<&'static ParameterMapping>, CliError> {
    // Whatever the app itself lacks comes first: nobody is asked in vain.
    let wanted = desk.wanted(app, again, given).await?;
    let descriptor = desk.registry().provider(&app.provider)?.descriptor();
    let rows = descriptor.end_user_parameters();
    Ok(rows
        .filter(|row| wanted.iter().any(|key| key == row.parameter.as_str()))
        .collect())
}

async fn ask(mapping: &ParameterMapping, output: &Output) -> Result<Option<Secret>, CliError> {
    if !mapping.description.is_empty() {
        output.notice(&format!("{}.", mapping.description));
    }
    output.question(&question(mapping));
    if mapping.secret {
        return Ok(input::hidden_line().await?);
    }
    // Nothing that is asked for here starts or ends with a space.
    let line = input::line().await?;
    Ok(line.map(|line| Secret::from(line.trim())))
}

/// The provider's word and ours.
fn question(mapping: &ParameterMapping) -> String {
    let looks = match mapping.format {
        Format::OneOf(choices) => {
            let choices: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            format!("; one of {}", words::list(&choices))
        }
        Format::HostLabel => ", such as acme".to_owned(),
        Format::Text | Format::Url => String::new(),
    };
    let hidden = if mapping.secret {
        "; what you type is not shown"
    } else {
        ""
    };
    format!(
        "{} ({}{looks}{hidden}):",
        mapping.credential, mapping.parameter
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tieline::ParameterKey;
    use tieline::core::SetBy;
    use tieline::engine::GiveOptions;

    use super::super::stage::{Backstage, DESK};
    use super::*;

    async fn asked_for(
        stage: &Backstage,
        app: &App,
        again: Option<InstanceId>,
        given: &[&str],
    ) -> Vec<&'static str> {
        let given = given
            .iter()
            .map(|key| ((*key).to_owned(), Secret::from("x")))
            .collect();
        let rows = missing(&stage.desk(), app, again, &given).await.unwrap();
        rows.iter().map(|row| row.parameter.as_str()).collect()
    }

    #[tokio::test]
    async fn only_what_nobody_gave_and_must_be_there_is_asked_for() {
        let stage = Backstage::set(&DESK, "").await;
        let app = stage.app(&DESK).await;
        let all = asked_for(&stage, &app, None, &[]).await;
        assert_eq!(all, ["subdomain", "api.key"]);
        let rest = asked_for(&stage, &app, None, &["subdomain"]).await;
        assert_eq!(rest, ["api.key"]);

        let parameters = [("subdomain", "ours"), ("api.key", "key-of-u-1001")];
        let options = GiveOptions {
            parameters: parameters
                .map(|(key, text)| (key.to_owned(), Secret::from(text)))
                .into(),
            ..GiveOptions::default()
        };
        let known = stage.engine.give(&app, options).await.unwrap();
        let again = asked_for(&stage, &app, Some(known.id), &[]).await;
        assert_eq!(again, ["api.key"], "the rest is known of the account");
        stage.engine.shutdown().await;
    }

    #[test]
    fn a_question_has_the_providers_word_and_ours() {
        let region = ParameterMapping {
            set_by: SetBy::EndUser,
            format: Format::OneOf(&[("eu", "eu1"), ("us", "us2")]),
            ..ParameterMapping::new("Data region", ParameterKey::new("acme.region"))
        };
        assert_eq!(
            question(&region),
            "Data region (acme.region; one of eu and us):"
        );
        assert_eq!(
            question(&ParameterMapping::host_label(
                "Shop",
                ParameterKey::SUBDOMAIN
            )),
            "Shop (subdomain, such as acme):"
        );
        assert_eq!(
            question(&ParameterMapping::account_key("API Key")),
            "API Key (api.key; what you type is not shown):"
        );
    }
    /// What becomes of these answers, and how often somebody was asked.
    async fn answered(answers: &[&str]) -> (Result<Option<String>, CliError>, usize) {
        static DESK: ProviderDescriptor = ProviderDescriptor::new(
            "desk",
            "Desk",
            &[ParameterMapping::host_label(
                "Helpdesk",
                ParameterKey::SUBDOMAIN,
            )],
        );
        let asked = Cell::new(0);
        let ask = async || {
            let answer = answers.get(asked.get()).map(|text| Secret::from(*text));
            asked.set(asked.get() + 1);
            Ok(answer)
        };
        let found = good(&DESK, &DESK.mappings[0], &Output::new(false), ask).await;
        let found = found.map(|answer| answer.map(|text| text.expose().to_owned()));
        (found, asked.get())
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_used_is_asked_for_again_five_times_at_most() {
        let (found, asked) = answered(&["ours.desk.example", "", "ours"]).await;
        assert_eq!((found.unwrap().as_deref(), asked), (Some("ours"), 3));
        let (found, asked) = answered(&["a.b"]).await;
        assert_eq!((found.unwrap(), asked), (None, 2), "nothing more is typed");
        let (refused, asked) = answered(&["a.b"; 9]).await;
        let refused = refused.unwrap_err();
        assert_eq!((refused.code(), asked), (3, 5));
        assert!(
            refused.to_string().contains("not one label of a host"),
            "{refused}"
        );
    }
}
