//! Tables that more than one page shows.

use tieline::core::SetBy;
use tieline::{ParameterMapping, ProviderDescriptor};

use super::formats::format;
use super::markdown::{Document, code, text};
use super::words::yes_no;

/// The credential-mapping table of one provider.
pub(crate) fn credentials(document: &mut Document, descriptor: &ProviderDescriptor) {
    let credential = format!("{} credential", text(descriptor.vendor));
    document.table(
        [
            &credential,
            "Tieline parameter",
            "OAuth field",
            "Required",
            "Secret",
            "Format",
            "Set by",
        ],
        descriptor.mappings.iter().map(|mapping| {
            [
                text(mapping.credential),
                code(mapping.parameter.as_str()),
                oauth_field(mapping),
                yes_no(mapping.required),
                yes_no(mapping.secret),
                format(mapping.format),
                mapping.set_by.to_string(),
            ]
        }),
    );
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
    if mapping.secret && mapping.set_by == SetBy::EndUser {
        return ["none", "none"].map(str::to_owned);
    }
    let name = mapping.parameter.environment_name(descriptor.id);
    [code(&name), code(&format!("{name}_FILE"))]
}
