//! `tieline config explain`: where each parameter comes from.

use tieline::core::parameters::{Explained, State};
use tieline::{ProviderDescriptor, Registry};

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
    output.answer(&explained, || {
        let file = match configuration.path() {
            Some(path) => format!("configuration file: {}", shown(&path.display().to_string())),
            None => "configuration file: none".to_owned(),
        };
        let descriptor = provider.descriptor();
        let rows: Vec<_> = explained.iter().map(|row| cells(descriptor, row)).collect();
        format!(
            "{file}\n{}",
            table(["PARAMETER", "CREDENTIAL", "VALUE", "WHERE FROM"], &rows)
        )
    })
}

fn cells(descriptor: &ProviderDescriptor, row: &Explained) -> [String; 4] {
    let (value, origin) = match (&row.not_unicode, &row.state) {
        (Some(variable), _) => (
            "(not UTF-8)".to_owned(),
            format!("environment variable {variable}"),
        ),
        (None, State::Set { value, origin }) => (value.clone(), origin.clone()),
        (None, State::Missing { environment }) => {
            ("(missing)".to_owned(), format!("set {environment}"))
        }
        (None, State::Unset { environment }) if is_asked_for(descriptor, row) => (
            "-".to_owned(),
            format!("given when connecting, or set {environment}"),
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
}

/// Whether the person who connects an account must give it, where nobody does in their stead.
fn is_asked_for(descriptor: &ProviderDescriptor, row: &Explained) -> bool {
    let mut given = descriptor.end_user_parameters();
    given.any(|mapping| mapping.required && mapping.parameter == row.parameter)
}

#[cfg(test)]
mod tests {
    use tieline::{ParameterKey, ParameterMapping};

    use super::*;

    const THEIRS: &[ParameterMapping] = &[ParameterMapping::account_key("API Key")];
    const APPS: &[ParameterMapping] = &[ParameterMapping::new("API Key", ParameterKey::API_KEY)];

    #[test]
    fn what_is_given_when_connecting_is_neither_missing_nor_optional() {
        let row = Explained {
            parameter: ParameterKey::API_KEY,
            credential: "API Key",
            state: State::Unset {
                environment: "ACME_API_KEY".to_owned(),
            },
            not_unicode: None,
        };
        let origin = |mappings| {
            let acme = ProviderDescriptor::new("acme", "Acme", mappings);
            let [.., origin] = cells(&acme, &row);
            origin
        };
        assert_eq!(origin(THEIRS), "given when connecting, or set ACME_API_KEY");
        assert_eq!(origin(APPS), "optional: ACME_API_KEY");
    }
}
