//! How accounts of a provider are connected, and what its calls carry, in a few words.

use tieline::ProviderDescriptor;
use tieline::core::descriptor::{Authentication, Revocable, Stated};

/// What calls of an instance carry.
pub(crate) struct Carried {
    /// As the subject of a sentence.
    pub(crate) subject: &'static str,
    /// Subject and verb of the sentence after that.
    pub(crate) it_is: &'static str,
    /// In a header, as a placeholder.
    pub(crate) placeholder: &'static str,
}

/// How accounts are connected.
pub(crate) fn connected_by(descriptor: &ProviderDescriptor) -> &'static str {
    let also_by_device = descriptor.oauth2().device.is_some();
    match descriptor.authentication {
        Authentication::AuthorizationCode(_) if also_by_device => {
            "consent in a browser, or a code typed on another device"
        }
        Authentication::AuthorizationCode(_) => "consent in a browser",
        Authentication::DeviceAuthorization(_) => "a code typed on another device",
        Authentication::ClientCredentials(_) => "the app's own credentials",
        Authentication::ApiKey => "an API key",
        Authentication::Basic => "a name and a password",
    }
}

/// Whether disconnecting ends tokens at the provider too.
pub(crate) fn revocable(descriptor: &ProviderDescriptor) -> &'static str {
    let oauth2 = descriptor.oauth2();
    match (oauth2.revocation_endpoint, oauth2.revocable) {
        (Stated::Known(_), Revocable::Both) => "yes",
        (Stated::Known(_), Revocable::AccessToken) => "access tokens only",
        (Stated::None(_), _) => "no",
        (Stated::Unknown, _) => "not known yet",
    }
}

/// What calls carry.
pub(crate) fn carried(authentication: &Authentication) -> Carried {
    let (subject, it_is, placeholder) = match authentication {
        Authentication::ApiKey => ("The key is", "It is", "<key>"),
        Authentication::Basic => ("Name and password are", "They are", "<name>:<password>"),
        Authentication::AuthorizationCode(_)
        | Authentication::DeviceAuthorization(_)
        | Authentication::ClientCredentials(_) => ("An access token is", "It is", "<access token>"),
    };
    Carried {
        subject,
        it_is,
        placeholder,
    }
}
