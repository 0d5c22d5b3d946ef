//! The reference page of environment variables: Tieline's own, and those of the providers.

use tieline::Registry;

use super::files::Page;
use super::markdown::{code, text};
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
    for provider in registry.iter() {
        let descriptor = provider.descriptor();
        document.heading(3, &text(descriptor.name));
        let mut mappings: Vec<_> = descriptor.parameters().collect();
        mappings.sort_by_key(|mapping| mapping.parameter);
        document.table(
            ["Variable", "Or a file", "Parameter", "The provider's word"],
            mappings.into_iter().map(|mapping| {
                let [variable, file] = tables::variables(mapping, descriptor);
                let word = match mapping.credential {
                    "" => "none".to_owned(),
                    credential => text(credential),
                };
                [variable, file, code(mapping.parameter.as_str()), word]
            }),
        );
    }
    reference::page("environment", document)
}
