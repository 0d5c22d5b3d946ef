//! Parameters as they are typed; secrets only from files.

use tieline::core::parameters::Given;
use tieline::{ProviderDescriptor, Secret};

use crate::args::ParameterValues;
use crate::error::CliError;
use crate::input;
use crate::output::Output;

/// Reads the parameters of a command line.
pub(super) async fn given(
    descriptor: &ProviderDescriptor,
    set: &ParameterValues,
    output: &Output,
) -> Result<Given, CliError> {
    let values = pairs(&set.values, "--set")?;
    let files = pairs(&set.files, "--set-file")?;
    // Before anything is read.
    check_once(values.iter().chain(&files))?;
    let of_input = files.iter().filter(|(_, file)| *file == "-");
    if of_input.count() > 1 && !input::is_terminal() {
        return Err(CliError::Usage(
            "standard input is read once: give all secrets but one in files".to_owned(),
        ));
    }
    let mut given = Given::new();
    for (key, value) in values {
        if is_secret(descriptor, key) {
            return Err(CliError::Usage(format!(
                "{key} is a secret, and others can read a command line: use --set-file {key}=FILE, or --set-file \
                 {key}=- for standard input"
            )));
        }
        given.insert(key.to_owned(), Secret::from(value));
    }
    for (key, file) in files {
        given.insert(key.to_owned(), read(descriptor, key, file, output).await?);
    }
    Ok(given)
}

/// What a file or standard input holds. At a terminal it is asked for, and typed unseen.
async fn read(
    descriptor: &ProviderDescriptor,
    key: &str,
    file: &str,
    output: &Output,
) -> Result<Secret, CliError> {
    if file == "-" && input::is_terminal() {
        output.question(&question(descriptor, key));
        return Ok(input::hidden_line()
            .await?
            .unwrap_or_else(|| Secret::from("")));
    }
    // What stands in the place of a file may be the secret itself.
    input::secret(file).await.map_err(|error| {
        CliError::Usage(format!(
            "can't read the file that --set-file {key}= names: {error}; give a path, or - for standard input"
        ))
    })
}

/// The provider's word, where there is one, and ours.
fn question(descriptor: &ProviderDescriptor, key: &str) -> String {
    let mut rows = descriptor.mappings.iter();
    match rows.find(|row| row.parameter.as_str() == key) {
        Some(row) => format!("{} ({key}; what you type is not shown):", row.credential),
        None => format!("{key} (what you type is not shown):"),
    }
}

fn is_secret(descriptor: &ProviderDescriptor, key: &str) -> bool {
    let mut rows = descriptor.mappings.iter();
    rows.any(|row| row.secret && row.parameter.as_str() == key)
}

/// Keys, and what is typed behind them.
fn pairs<'a>(typed: &'a [String], option: &str) -> Result<Vec<(&'a str, &'a str)>, CliError> {
    let split = typed.iter().map(|pair| pair.split_once('='));
    let split = split.map(|pair| pair.filter(|(key, _)| !key.is_empty()));
    split.collect::<Option<_>>().ok_or_else(|| {
        CliError::Usage(format!(
            "{option} takes PARAMETER=…, such as oauth.api.key=…"
        ))
    })
}

/// Refuses a parameter that is given twice: whoever typed both meant one of them.
fn check_once<'a>(pairs: impl Iterator<Item = &'a (&'a str, &'a str)>) -> Result<(), CliError> {
    let mut seen = std::collections::BTreeSet::new();
    for (key, _) in pairs {
        if !seen.insert(*key) {
            return Err(CliError::Usage(format!(
                "{key} is given more than once: leave all but one of them out"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tieline::ParameterMapping;

    use super::*;

    static DESK: ProviderDescriptor =
        ProviderDescriptor::new("desk", "Desk", &[ParameterMapping::account_key("API Key")]);

    /// The refusal of a command line with these values and files.
    async fn refusal(values: &[&str], files: &[&str]) -> String {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let set = ParameterValues {
            values: owned(values),
            files: owned(files),
        };
        let refused = given(&DESK, &set, &Output::new(false)).await.unwrap_err();
        assert_eq!(refused.code(), 2, "{refused}");
        refused.to_string()
    }

    #[tokio::test]
    async fn a_parameter_has_a_name_and_is_given_once() {
        let once = "subdomain is given more than once: leave all but one of them out";
        let twice = ["subdomain=a", "subdomain=b"];
        assert_eq!(refusal(&twice, &[]).await, once);
        assert_eq!(refusal(&[], &twice).await, once);
        assert_eq!(refusal(&twice[..1], &["subdomain=/nowhere"]).await, once);
        for nameless in ["=x", "x", ""] {
            let values = refusal(&[nameless], &[]).await;
            assert_eq!(values, "--set takes PARAMETER=…, such as oauth.api.key=…");
            let files = refusal(&[], &[nameless]).await;
            assert!(files.starts_with("--set-file takes"), "{files}");
        }
    }

    #[tokio::test]
    async fn a_secret_in_the_place_of_its_file_is_not_repeated() {
        assert_eq!(
            refusal(&[], &["api.key=sk_live_CANARY"]).await,
            "can't read the file that --set-file api.key= names: No such file or directory (os error 2); give a path, \
             or - for standard input"
        );
    }

    #[test]
    fn a_question_has_the_providers_word_where_there_is_one() {
        assert_eq!(
            question(&DESK, "api.key"),
            "API Key (api.key; what you type is not shown):"
        );
        assert_eq!(question(&DESK, "x"), "x (what you type is not shown):");
    }
}
