//! `tieline config explain`: where each parameter comes from.

use tieline::Registry;
use tieline::core::parameters::{Explained, State};

use crate::args::{Common, Config};
use crate::error::CliError;
use crate::output::{Output, shown, table};
use crate::session;

pub(crate) fn run(common: &Common, command: &Config, output: &Output) -> Result<(), CliError> {
    let Config::Explain { provider } = command;
    let registry = Registry::discover()?;
    let configuration = session::configuration(common)?;
    configuration.check_providers(&registry)?;
    let provider = registry.provider(provider)?;
    let explained = configuration.explain(provider);
    let is_asked_for = |row: &Explained| {
        let mut given = provider.descriptor().end_user_parameters();
        given.any(|mapping| mapping.required && mapping.parameter == row.parameter)
    };
    output.answer(&explained, || {
        let rows: Vec<_> = explained
            .iter()
            .map(|row| {
                let (value, origin) = match (&row.not_unicode, &row.state) {
                    (Some(variable), _) => (
                        "(not UTF-8)".to_owned(),
                        format!("environment variable {variable}"),
                    ),
                    (None, State::Set { value, origin }) => (value.clone(), origin.clone()),
                    (None, State::Missing { environment }) => {
                        ("(missing)".to_owned(), format!("set {environment}"))
                    }
                    (None, State::Unset { environment }) if is_asked_for(row) => (
                        "-".to_owned(),
                        format!("given when connecting, else {environment}"),
                    ),
                    (None, State::Unset { environment }) => {
                        ("-".to_owned(), format!("optional: {environment}"))
                    }
                };
                [
                    row.parameter.to_string(),
                    row.credential.to_owned(),
                    value,
                    origin,
                ]
            })
            .collect();
        let file = match configuration.path() {
            Some(path) => format!("configuration file: {}", shown(&path.display().to_string())),
            None => "configuration file: none".to_owned(),
        };
        format!(
            "{file}\n{}",
            table(["PARAMETER", "CREDENTIAL", "VALUE", "WHERE FROM"], &rows)
        )
    })
}
