//! Parameters as they are typed; secrets only from files.

use tieline::core::parameters::Given;
use tieline::{ProviderDescriptor, Secret};

use crate::args::ParameterValues;
use crate::error::CliError;
use crate::input;

/// Reads the parameters of a command line.
pub(super) async fn given(
    descriptor: &ProviderDescriptor,
    set: &ParameterValues,
) -> Result<Given, CliError> {
    let mut given = Given::new();
    for pair in &set.values {
        let (key, value) = split(pair, "--set")?;
        if descriptor
            .mappings
            .iter()
            .any(|row| row.secret && row.parameter.as_str() == key)
        {
            return Err(CliError::Usage(format!(
                "{key} is a secret, and others can read a command line: use --set-file {key}=FILE, or --set-file \
                 {key}=- for standard input"
            )));
        }
        given.insert(key.to_owned(), Secret::from(value));
    }
    for pair in &set.files {
        let (key, file) = split(pair, "--set-file")?;
        given.insert(key.to_owned(), input::secret(file).await?);
    }
    Ok(given)
}

fn split<'a>(pair: &'a str, option: &str) -> Result<(&'a str, &'a str), CliError> {
    pair.split_once('=').ok_or_else(|| {
        CliError::Usage(format!(
            "{option} takes PARAMETER=…, such as oauth.api.key=…"
        ))
    })
}
