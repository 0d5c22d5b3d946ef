//! What a provider does with tokens, in words: how each request is made, how long tokens live, what a refresh does.

use tieline::ProviderDescriptor;
use tieline::core::descriptor::Stated;

use super::markdown::Document;
use super::{captures, consent, lives, places, steps};

/// Adds the section.
pub(crate) fn section(document: &mut Document, descriptor: &ProviderDescriptor) {
    let oauth2 = descriptor.oauth2();
    document.heading(2, "Tokens and refresh");
    document.block(
        "Tieline takes care of all this. It is written down for whoever looks into a problem.",
    );
    let mut facts = consent::facts(descriptor);
    let device = oauth2.device.map(|device| device.endpoint);
    let revocation = match oauth2.revocation_endpoint {
        Stated::Known(endpoint) => Some(endpoint),
        Stated::None(_) | Stated::Unknown => None,
    };
    let templates: Vec<_> = [oauth2.authorization_endpoint, oauth2.token_endpoint]
        .into_iter()
        .chain(
            [device, oauth2.refresh_endpoint, revocation]
                .into_iter()
                .flatten(),
        )
        .collect();
    facts.extend(places::told(descriptor, &templates));
    document.bullets(facts);
    document.table(
        ["Step", "Request", "How the app proves itself"],
        steps::rows(descriptor),
    );
    let mut facts = lives::facts(descriptor);
    facts.extend(captures::facts(oauth2));
    document.bullets(facts);
}
