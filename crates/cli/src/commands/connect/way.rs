//! Which way an account is connected, and which options mean nothing on it.

use tieline::ProviderDescriptor;
use tieline::core::descriptor::Authentication;

use super::super::kinds;
use crate::args::Connect;
use crate::error::CliError;

/// The way to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Consent in a browser, which comes back to a callback URL.
    Browser,
    /// Consent on another device, with a code.
    Device,
    /// No consent: the credential is there already.
    Given,
}

/// The way that the provider offers and the options ask for.
pub(super) fn choose(descriptor: &ProviderDescriptor, connect: &Connect) -> Result<Way, CliError> {
    let way = match descriptor.authentication {
        Authentication::AuthorizationCode(oauth2) if connect.device && oauth2.device.is_some() => {
            Way::Device
        }
        Authentication::AuthorizationCode(_) => Way::Browser,
        Authentication::DeviceAuthorization(_) => Way::Device,
        Authentication::ClientCredentials(_) | Authentication::ApiKey | Authentication::Basic => {
            Way::Given
        }
    };
    let has_callback = way == Way::Browser;
    let useless = [
        ("--device", connect.device && way != Way::Device),
        (
            "--callback-url",
            connect.callback_url.is_some() && !has_callback,
        ),
        (
            "--callback-port",
            connect.callback_port.is_some() && !has_callback,
        ),
    ];
    match useless.into_iter().find(|(_, is_typed)| *is_typed) {
        Some((option, _)) => Err(useless_option(descriptor, option, way)),
        None => Ok(way),
    }
}

/// Says why the option is no use.
fn useless_option(descriptor: &ProviderDescriptor, option: &str, way: Way) -> CliError {
    let (id, vendor) = (descriptor.id, descriptor.vendor);
    let why = match (option, way) {
        ("--device", _) => format!(
            "{}, and {vendor} offers no other way",
            kinds::sentence(descriptor)
        ),
        (_, Way::Device) => {
            "a person types a code on another device, and nobody is sent back".to_owned()
        }
        _ => format!("{}, and nobody is sent back", kinds::sentence(descriptor)),
    };
    CliError::Usage(format!(
        "{id}: {option} does nothing here, since {why}; leave it out"
    ))
}

#[cfg(test)]
mod tests {
    use tieline::core::descriptor::{DeviceAuthorization, OAuth2};

    use super::super::stage::typed;
    use super::*;

    const WITH_DEVICE: OAuth2 = OAuth2 {
        device: Some(DeviceAuthorization::new("https://acme.example/device")),
        ..OAuth2::DEFAULT
    };

    /// The way, or the refusal's text.
    fn chosen(authentication: Authentication, options: &[&str]) -> Result<Way, String> {
        let connect = typed(&[&["acme"], options].concat());
        let acme = ProviderDescriptor {
            authentication,
            ..ProviderDescriptor::new("acme", "Acme", &[])
        };
        choose(&acme, &connect).map_err(|error| {
            assert_eq!(error.code(), 2, "{error}");
            error.to_string()
        })
    }

    #[test]
    fn the_kind_decides_and_a_device_is_asked_for_where_there_is_a_choice() {
        let code = Authentication::AuthorizationCode;
        for (kind, options, way) in [
            (code(OAuth2::DEFAULT), &[][..], Way::Browser),
            (code(WITH_DEVICE), &[], Way::Browser),
            (code(WITH_DEVICE), &["--callback-port", "1"], Way::Browser),
            (code(WITH_DEVICE), &["--device"], Way::Device),
            (
                Authentication::DeviceAuthorization(WITH_DEVICE),
                &[],
                Way::Device,
            ),
            (
                Authentication::DeviceAuthorization(WITH_DEVICE),
                &["--device"],
                Way::Device,
            ),
            (
                Authentication::ClientCredentials(OAuth2::DEFAULT),
                &[],
                Way::Given,
            ),
            (Authentication::ApiKey, &["--no-browser"], Way::Given),
            (Authentication::Basic, &[], Way::Given),
        ] {
            assert_eq!(chosen(kind, options), Ok(way), "{kind:?} {options:?}");
        }
    }

    #[test]
    fn an_option_that_means_nothing_is_refused_with_the_reason() {
        let code = Authentication::AuthorizationCode;
        let mut told = Vec::new();
        for (kind, options) in [
            (code(OAuth2::DEFAULT), &["--device"][..]),
            (code(WITH_DEVICE), &["--device", "--callback-port", "1"]),
            (
                Authentication::DeviceAuthorization(WITH_DEVICE),
                &["--callback-url", "https://acme.example/"],
            ),
            (
                Authentication::ClientCredentials(OAuth2::DEFAULT),
                &["--callback-port", "1"],
            ),
            (Authentication::ApiKey, &["--device"]),
            (Authentication::Basic, &["--callback-url", "x"]),
        ] {
            told.push(chosen(kind, options).unwrap_err());
        }
        insta::assert_snapshot!(told.join("\n"), @r"
        acme: --device does nothing here, since a person consents in a browser, and Acme offers no other way; leave it out
        acme: --callback-port does nothing here, since a person types a code on another device, and nobody is sent back; leave it out
        acme: --callback-url does nothing here, since a person types a code on another device, and nobody is sent back; leave it out
        acme: --callback-port does nothing here, since the app itself is the account, and nobody is sent back; leave it out
        acme: --device does nothing here, since the account's owner gives a key, and Acme offers no other way; leave it out
        acme: --callback-url does nothing here, since the account's owner gives name and password, and nobody is sent back; leave it out
        ");
    }
}
