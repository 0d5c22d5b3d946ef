//! What becomes of a credential that the account's owner gives.

use tieline::ProviderDescriptor;
use tieline::core::words::list;

use super::markdown::{Document, code, text};

/// Adds the section.
pub(crate) fn section(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(2, "What the account's owner gives");
    let vendor = text(descriptor.vendor);
    let secrets: Vec<_> = descriptor
        .end_user_parameters()
        .filter(|mapping| mapping.secret)
        .collect();
    let named: Vec<_> = secrets
        .iter()
        .map(|mapping| format!("**{}**", text(mapping.credential)))
        .collect();
    let (secret, them) = (list(&named), if named.len() == 1 { "it" } else { "them" });
    let proved = if descriptor.api.health_check.known().is_some() {
        "The health check proves it before it is stored"
    } else {
        "Nothing proves it before it is stored"
    };
    document.bullets([
        format!("{proved}. Tieline keeps it sealed."),
        format!(
            "There is nothing to refresh: calls carry it until {vendor} no longer takes it. Then give the new {secret} to \
             the instance: {} asks for {them}.",
            code(&format!("tieline connect {} --instance ID", descriptor.id))
        ),
        format!(
            "Disconnecting deletes it from Tieline. At {vendor} it stays valid until its owner withdraws it there."
        ),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    #[test]
    fn a_credential_is_proved_replaced_and_forgotten() {
        let rendered = |descriptor| {
            let mut document = Document::default();
            section(&mut document, descriptor);
            document.finish()
        };
        assert_eq!(
            rendered(&invented::DESK),
            "## What the account's owner gives\n\n\
             - The health check proves it before it is stored. Tieline keeps it sealed.\n\
             - There is nothing to refresh: calls carry it until Acme Desk no longer takes it. Then give the new **API \
             Key** to the instance: `tieline connect acme-desk --instance ID` asks for it.\n\
             - Disconnecting deletes it from Tieline. At Acme Desk it stays valid until its owner withdraws it there.\n"
        );
        assert!(rendered(&invented::VAULT).contains("- Nothing proves it before"));
    }
}
