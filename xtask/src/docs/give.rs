//! How a person gives a provider's parameters to Tieline: the callback URL, the three ways to write them down, and what
//! is given when an account is connected.

use tieline::ProviderDescriptor;
use tieline::core::SetBy;

use super::markdown::Document;
use super::{callback_url, connect, examples, optional, tables};

/// Adds the section.
pub(crate) fn section(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(2, "Give the parameters to Tieline");
    if examples::of_app(descriptor).is_empty() {
        document.block(
            "There is no app whose parameters must be written down: what Tieline needs is given when an account is \
             connected. The [parameter dictionary](../reference/parameters.md) explains each key.",
        );
    } else {
        document.block(
            "Write the parameters into a file, set environment variables, or have your program give them for one app. If a \
             parameter is given more than once, the program's value wins over the environment's, and that over the file's. \
             The [parameter dictionary](../reference/parameters.md) explains each key.",
        );
        callback_url::section(document, descriptor);
        three_ways(document, descriptor);
    }
    optional::section(document, descriptor);
    connect::section(document, descriptor);
}

fn three_ways(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(3, "Configuration file");
    document.block(
        "The file is the one that `--config` names; without that, `tieline.toml` in the folder where Tieline starts; \
         without that, `tieline.toml` in `$XDG_CONFIG_HOME/tieline` (usually `~/.config/tieline`).",
    );
    document.code_block("toml", &examples::toml(descriptor));
    document.heading(3, "Environment variables");
    document.code_block("sh", &examples::environment(descriptor));
    document.block(&secrets_in_files(descriptor));
    document.heading(3, "JSON");
    document.block("A program gives the parameters of one app as an object of strings:");
    document.code_block("json", &examples::json(descriptor));
}

fn secrets_in_files(descriptor: &ProviderDescriptor) -> String {
    let mut mappings = descriptor.mappings.iter();
    let secret = mappings.find(|mapping| mapping.secret && mapping.set_by != SetBy::EndUser);
    let example = secret.map_or_else(String::new, |mapping| {
        let [_, file] = tables::variables(mapping, descriptor);
        format!(" Here that is {file}.")
    });
    format!(
        "A secret is better kept in a file: with `_FILE` appended to its name, a variable takes the path of a file that \
         holds the value.{example} Setting both forms of a variable is an error. See \
         [environment variables](../reference/environment.md)."
    )
}
