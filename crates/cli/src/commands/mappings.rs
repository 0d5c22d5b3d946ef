//! `tieline mappings`: which credential of which provider is which parameter.

use serde::Serialize;
use tieline::core::parameters::variable;
use tieline::{ParameterMapping, Registry};

use crate::error::CliError;
use crate::output::{Output, table};

#[derive(Serialize)]
struct Row {
    provider: &'static str,
    #[serde(flatten)]
    mapping: &'static ParameterMapping,
    /// The variable that sets it; none for a secret that is given when connecting.
    environment: Option<String>,
}

pub(crate) fn run(provider: Option<&str>, output: &Output) -> Result<(), CliError> {
    let registry = Registry::discover()?;
    let only = provider
        .map(|name| registry.provider(name).map(|found| found.descriptor().id))
        .transpose()?;
    let rows: Vec<_> = registry
        .mappings()
        .filter(|(descriptor, _)| only.is_none_or(|id| id == descriptor.id))
        .map(|(descriptor, mapping)| Row {
            provider: descriptor.id,
            mapping,
            environment: variable(descriptor.id, mapping),
        })
        .collect();
    output.answer(&rows, || {
        let cells: Vec<_> = rows
            .iter()
            .map(|row| {
                let mapping = row.mapping;
                let field = mapping
                    .oauth_field
                    .map(|field| field.to_string())
                    .unwrap_or_default();
                [
                    row.provider.into(),
                    mapping.credential.into(),
                    mapping.parameter.to_string(),
                    field,
                    mapping.set_by.to_string(),
                    row.environment.clone().unwrap_or_default(),
                ]
            })
            .collect();
        table(
            [
                "PROVIDER",
                "CREDENTIAL",
                "PARAMETER",
                "OAUTH FIELD",
                "SET BY",
                "ENVIRONMENT",
            ],
            &cells,
        )
    })
}
