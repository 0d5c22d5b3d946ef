//! The reference page of environment variables: Tieline's own, and those of the providers.

use tieline::{ProviderDescriptor, Registry};

use super::files::Page;
use super::formats::format;
use super::markdown::{Document, code, text};
use super::{reference, tables};

/// Tieline's own variables: name, what it does, what holds without it. In Markdown but for the name.
pub(crate) const OWN_VARIABLES: &[(&str, &str, &str)] = &[
    (
        "TIELINE_CONFIG",
        "The configuration file, as `--config`",
        "`./tieline.toml`, or else `$XDG_CONFIG_HOME/tieline/tieline.toml`",
    ),
    (
        "TIELINE_DATA_DIR",
        "The folder in which instances are kept, as `--data-dir`",
        "`$XDG_DATA_HOME/tieline`",
    ),
    (
        "TIELINE_DEPLOYMENT",
        "The name of this deployment; a store made under another name refreshes nothing until `tieline adopt`",
        "`default`",
    ),
    (
        "TIELINE_LOG",
        "What to log, as `--log`: a level such as `info`, or a filter such as `tieline_engine=debug`",
        "`warn`",
    ),
    (
        "TIELINE_LOG_FORMAT",
        "How to log, as `--log-format`: `text` or `json`",
        "`text`",
    ),
    (
        "TIELINE_MASTER_KEY",
        "The master key that seals what is stored; better given in a file",
        "the file of the master key",
    ),
    (
        "TIELINE_MASTER_KEY_FILE",
        "The file of the master key, never inside the data folder; not together with `TIELINE_MASTER_KEY`",
        "`$XDG_CONFIG_HOME/tieline/master.key`, made at the first start",
    ),
    (
        "TIELINE_PUBLIC_URL",
        "Where browsers and providers reach `tieline serve --listen` from outside, as `--public-url`",
        "the address itself, if it is this machine's own",
    ),
    (
        "TIELINE_STORE",
        "The address of a PostgreSQL database that holds the store, password included",
        "the data folder",
    ),
    (
        "TIELINE_WEBHOOK_RANGES",
        "Ranges of addresses that webhooks may be at besides public ones, with commas between them, as `--webhook-range`",
        "none",
    ),
];

/// Renders the page.
pub(crate) fn render(registry: &Registry) -> Page {
    let mut document = reference::begin("Environment variables");
    document.heading(2, "Tieline's own");
    document.table(
        ["Variable", "What it does", "Without it"],
        OWN_VARIABLES
            .iter()
            .map(|(name, what, default)| [code(name), (*what).to_owned(), (*default).to_owned()]),
    );
    document.block(
        "Where `XDG_CONFIG_HOME` and `XDG_DATA_HOME` are not set, or not to an absolute path, they are `~/.config` and \
         `~/.local/share`.",
    );
    document.heading(2, "Parameters of the providers");
    document.block(
        "A variable's name is the provider's id, an underscore and the [parameter](parameters.md), in upper case, with \
         underscores for dots and dashes. The value is taken as it stands: `007` stays `007`.",
    );
    document.block(
        "With `_FILE` appended, the variable names a file that holds the value; one line break at the end of that file is \
         not part of the value. Set one of the two: both at once are an error.",
    );
    document.block(
        "The dictionary says [who sets a parameter](parameters.md#who-sets-a-parameter) and what the \
         [formats](parameters.md#formats) are. What the end user sets is given when an account is connected. Where \
         Tieline is run for a single tenant, a variable may hold it in case nothing is given then; for a secret of the end \
         user there is none, and one that is set is refused.",
    );
    for provider in registry.iter() {
        variables(&mut document, provider.descriptor());
    }
    reference::page("environment", document)
}

/// Adds the variables of one provider.
fn variables(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(3, &text(descriptor.name));
    let mut mappings: Vec<_> = descriptor.parameters().collect();
    mappings.sort_by_key(|mapping| mapping.parameter);
    document.table(
        [
            "Variable",
            "Or a file",
            "Parameter",
            "The provider's word",
            "Format",
            "Set by",
        ],
        mappings.into_iter().map(|mapping| {
            let [variable, file] = tables::variables(mapping, descriptor);
            let word = match mapping.credential {
                "" => "none".to_owned(),
                credential => text(credential),
            };
            [
                variable,
                file,
                code(mapping.parameter.as_str()),
                word,
                format(mapping.format),
                mapping.set_by.to_string(),
            ]
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    #[test]
    fn a_secret_of_the_end_user_has_no_variable() {
        let page = render(&invented::registry()).text;
        for row in [
            "| none | none | `api.key` | API Key | text | end user |\n",
            "| `ACME_DESK_SUBDOMAIN` | `ACME_DESK_SUBDOMAIN_FILE` | `subdomain` | Domain | host label | end user |\n",
        ] {
            assert!(page.contains(row), "{row} is not in {page}");
        }
    }
}
