//! `tieline config explain`: where each parameter comes from.

use tieline::core::parameters::{Explained, State, Unusable};
use tieline::{ParameterKey, ProviderDescriptor, Registry};

use super::connect::callback_url;
use crate::args::{Common, Config};
use crate::error::CliError;
use crate::output::{Output, shown, table};
use crate::session;

pub(crate) async fn run(
    common: &Common,
    command: &Config,
    output: &Output,
) -> Result<(), CliError> {
    let Config::Explain { provider } = command;
    let registry = Registry::discover()?;
    let configuration = session::configuration(common)?;
    configuration.check_providers(&registry)?;
    let provider = registry.provider(provider)?;
    session::notice_if_served(common, output).await?;
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
    let (value, origin) = match &row.problem {
        Some(problem) => unusable(row, problem),
        None => usable(descriptor, row),
    };
    [
        row.parameter.to_string(),
        row.credential.to_owned(),
        value,
        origin,
    ]
}

/// The value that can't be used, where it may be shown, and why.
fn unusable(row: &Explained, problem: &Unusable) -> (String, String) {
    let value = match &row.state {
        State::Set { value, origin } if *origin == problem.origin => value.clone(),
        _ => "(unusable)".to_owned(),
    };
    (value, format!("{} ({})", problem.what, problem.origin))
}

fn usable(descriptor: &ProviderDescriptor, row: &Explained) -> (String, String) {
    let nothing = || "-".to_owned();
    match &row.state {
        State::Set { value, origin } => (value.clone(), origin.clone()),
        // The command line makes one up, for itself and the app that it makes.
        State::Missing { environment } if row.parameter == ParameterKey::OAUTH_CALLBACK_URL => {
            let url = callback_url::usual(descriptor);
            (
                nothing(),
                format!("optional: {environment}; without it `tieline connect` uses {url}"),
            )
        }
        State::Missing { environment } => ("(missing)".to_owned(), format!("set {environment}")),
        State::Unset { environment } => (
            nothing(),
            left_open(descriptor, row, environment.as_deref()),
        ),
    }
}

/// How a parameter that nobody set can be set.
fn left_open(descriptor: &ProviderDescriptor, row: &Explained, variable: Option<&str>) -> String {
    match (is_asked_for(descriptor, row), variable) {
        (true, Some(variable)) => format!("given when connecting, or set {variable}"),
        (_, None) => "given when connecting".to_owned(),
        (false, Some(variable)) => format!("optional: {variable}"),
    }
}

/// Whether the person who connects an account must give it, where nobody does in their stead.
fn is_asked_for(descriptor: &ProviderDescriptor, row: &Explained) -> bool {
    let mut given = descriptor.end_user_parameters();
    given.any(|mapping| mapping.required && mapping.parameter == row.parameter)
}

#[cfg(test)]
mod tests {
    use tieline::core::SetBy;
    use tieline::{ParameterMapping, ProviderSetup};

    use super::*;

    #[derive(Debug)]
    struct Desk;

    static DESK: ProviderDescriptor = ProviderDescriptor::new(
        "desk",
        "Desk",
        &[
            ParameterMapping::host_label("Helpdesk", ParameterKey::SUBDOMAIN),
            ParameterMapping::account_key("API Key"),
            ParameterMapping {
                set_by: SetBy::EndUser,
                required: false,
                ..ParameterMapping::new("Team", ParameterKey::new("desk.team"))
            },
            ParameterMapping::new("Region", ParameterKey::new("desk.region")),
            ParameterMapping::callback_url("Redirect URL"),
        ],
    );

    impl ProviderSetup for Desk {
        fn descriptor(&self) -> &'static ProviderDescriptor {
            &DESK
        }
    }

    /// The rows of its own parameters.
    fn told(variables: &[(&str, &str)]) -> String {
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let configuration = tieline::Configuration::from_parts(None, variables).unwrap();
        let explained = configuration.explain(&Desk);
        let rows = explained.iter().take(DESK.mappings.len());
        let rows: Vec<_> = rows.map(|row| cells(&DESK, row)[2..].join("  ")).collect();
        rows.join("\n")
    }

    #[test]
    fn what_nobody_set_says_who_may() {
        insta::assert_snapshot!(told(&[]), @r"
        -  given when connecting, or set DESK_SUBDOMAIN
        -  given when connecting
        -  optional: DESK_DESK_TEAM
        (missing)  set DESK_DESK_REGION
        -  optional: DESK_OAUTH_CALLBACK_URL; without it `tieline connect` uses http://127.0.0.1:8917/callback
        ");
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let variables = [
            ("DESK_SUBDOMAIN", "a.b"),
            ("DESK_API_KEY", "CANARY"),
            ("DESK_DESK_REGION", "eu"),
            ("DESK_DESK_REGION_FILE", "/nowhere"),
        ];
        let told = told(&variables);
        assert!(!told.contains("CANARY"), "{told}");
        insta::assert_snapshot!(told, @r"
        a.b  is not one label of a host: give only the part before the provider's domain, in lower-case letters, digits and dashes (environment variable DESK_SUBDOMAIN)
        (unusable)  is given when connecting, and never before (environment variable DESK_API_KEY)
        -  optional: DESK_DESK_TEAM
        (unusable)  is set both directly and by a file; keep one (DESK_DESK_REGION and DESK_DESK_REGION_FILE)
        -  optional: DESK_OAUTH_CALLBACK_URL; without it `tieline connect` uses http://127.0.0.1:8917/callback
        ");
    }
}
