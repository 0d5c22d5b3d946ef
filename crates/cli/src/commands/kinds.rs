//! How accounts of a provider are connected, in words.

use tieline::ProviderDescriptor;
use tieline::core::descriptor::Authentication;

/// In a word, for a table.
pub(super) fn word(descriptor: &ProviderDescriptor) -> &'static str {
    match descriptor.authentication {
        Authentication::AuthorizationCode(oauth2) if oauth2.device.is_some() => "consent, code",
        Authentication::AuthorizationCode(_) => "consent",
        Authentication::DeviceAuthorization(_) => "code",
        Authentication::ClientCredentials(_) => "app",
        Authentication::ApiKey => "key",
        Authentication::Basic => "password",
    }
}

/// As the beginning of a sentence.
pub(super) fn sentence(descriptor: &ProviderDescriptor) -> &'static str {
    match descriptor.authentication {
        Authentication::AuthorizationCode(oauth2) if oauth2.device.is_some() => {
            "a person consents in a browser, or types a code on another device (--device)"
        }
        Authentication::AuthorizationCode(_) => "a person consents in a browser",
        Authentication::DeviceAuthorization(_) => "a person types a code on another device",
        Authentication::ClientCredentials(_) => "the app itself is the account",
        Authentication::ApiKey => "the account's owner gives a key",
        Authentication::Basic => "the account's owner gives name and password",
    }
}
