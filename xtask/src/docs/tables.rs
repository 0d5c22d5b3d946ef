//! Tables that more than one page shows.

use tieline::core::parameters::variable;
use tieline::{ParameterMapping, ProviderDescriptor};

use super::formats::format;
use super::markdown::{Document, code, text};
use super::words::yes_no;

/// The credential-mapping table of one provider. Where none of it is OAuth, nothing is said of that.
pub(crate) fn credentials(document: &mut Document, descriptor: &ProviderDescriptor) {
    let credential = format!("{} credential", text(descriptor.vendor));
    let head = [
        &credential,
        "Tieline parameter",
        "Required",
        "Secret",
        "Format",
        "Set by",
    ];
    let mappings = descriptor.mappings.iter();
    if mappings.clone().all(|row| row.oauth_field.is_none()) {
        document.table(head, mappings.map(cells));
    } else {
        document.table(
            with_field(head, "OAuth field"),
            mappings.map(|row| with_field(cells(row), oauth_field(row))),
        );
    }
}

fn cells(mapping: &ParameterMapping) -> [String; 6] {
    [
        text(mapping.credential),
        code(mapping.parameter.as_str()),
        yes_no(mapping.required),
        yes_no(mapping.secret),
        format(mapping.format),
        mapping.set_by.to_string(),
    ]
}

/// The cells, with one more behind the parameter.
fn with_field<T>(cells: [T; 6], field: T) -> [T; 7] {
    let [credential, parameter, required, secret, format, set_by] = cells;
    [
        credential, parameter, field, required, secret, format, set_by,
    ]
}

/// The protocol's name of what the parameter becomes.
pub(crate) fn oauth_field(mapping: &ParameterMapping) -> String {
    mapping
        .oauth_field
        .map_or("none".to_owned(), |field| code(field.as_str()))
}

/// The environment variable of a parameter, and the variable that names a file in its stead; none for a secret that is
/// given when an account is connected.
pub(crate) fn variables(
    mapping: &ParameterMapping,
    descriptor: &ProviderDescriptor,
) -> [String; 2] {
    match variable(descriptor.id, mapping) {
        Some(name) => [code(&name), code(&format!("{name}_FILE"))],
        None => ["none", "none"].map(str::to_owned),
    }
}
