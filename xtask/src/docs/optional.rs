//! The parameters of a provider that need not be set.

use tieline::core::SetBy;
use tieline::core::descriptor::Rotates;
use tieline::{ParameterKey as Key, ParameterMapping, ProviderDescriptor};

use super::examples::is_needed;
use super::markdown::{Document, code};
use super::tables;

/// Adds the section.
pub(crate) fn section(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(3, "Optional parameters");
    let mut optional: Vec<_> = descriptor
        .parameters()
        .filter(|mapping| !is_needed(mapping) && is_of_use(mapping, descriptor))
        .collect();
    optional.sort_by_key(|mapping| mapping.parameter);
    let by_end_user = optional.iter().any(|row| row.set_by == SetBy::EndUser);
    let when_connecting = if by_end_user {
        " Those that the end user sets are given when an account is connected, as `--set PARAMETER=VALUE`."
    } else {
        ""
    };
    document.block(&format!(
        "None of these needs to be set. Those that the operator sets are taken from the file and the environment only, \
         never from a single app: whoever chooses an endpoint receives the secrets that are sent to it.{when_connecting}"
    ));
    document.table(
        [
            "Parameter",
            "What it does",
            "Without it",
            "Set by",
            "Environment variable",
        ],
        optional.into_iter().map(|mapping| {
            let [variable, _] = tables::variables(mapping, descriptor);
            [
                code(mapping.parameter.as_str()),
                mapping.description.to_owned(),
                default_value(mapping, descriptor),
                mapping.set_by.to_string(),
                variable,
            ]
        }),
    );
}

/// Whether there is anything that the parameter could change: without refresh tokens, no endpoint refreshes. One that
/// revokes can be named even where none is known.
fn is_of_use(mapping: &ParameterMapping, descriptor: &ProviderDescriptor) -> bool {
    let rotates = descriptor.oauth2().rotation.rotates;
    mapping.parameter != Key::OAUTH_TOKEN_REFRESH_URL || rotates != Rotates::NoRefreshToken
}

/// What holds when nobody sets the parameter.
fn default_value(mapping: &ParameterMapping, descriptor: &ProviderDescriptor) -> String {
    let oauth2 = descriptor.oauth2();
    let scopes = oauth2.scopes.join(" ");
    let value = mapping.default.or(match mapping.parameter {
        Key::OAUTH_SCOPE => Some(scopes.as_str()).filter(|scopes| !scopes.is_empty()),
        Key::OAUTH_AUTHORIZATION_URL => Some(oauth2.authorization_endpoint),
        Key::OAUTH_DEVICE_AUTHORIZATION_URL => oauth2.device.map(|device| device.endpoint),
        Key::OAUTH_TOKEN_URL => Some(oauth2.token_endpoint),
        Key::OAUTH_TOKEN_REFRESH_URL => {
            Some(oauth2.refresh_endpoint.unwrap_or(oauth2.token_endpoint))
        }
        Key::OAUTH_TOKEN_REVOKE_URL => oauth2.revocation_endpoint.known(),
        Key::BASE_URL => Some(descriptor.api.base),
        _ => None,
    });
    value.map_or_else(|| "nothing".to_owned(), code)
}

#[cfg(test)]
mod tests {
    use tieline::core::descriptor::Authentication;

    use super::*;
    use crate::docs::invented;

    fn rows(descriptor: &ProviderDescriptor) -> String {
        let mut document = Document::default();
        section(&mut document, descriptor);
        document.finish()
    }

    #[test]
    fn each_kind_has_its_own() {
        let desk = rows(&invented::DESK);
        assert!(desk.contains("| `base.url` |"), "{desk}");
        assert!(
            !desk.contains("oauth") && !desk.contains("`subdomain`"),
            "{desk}"
        );
        let shops = rows(&invented::SHOPS);
        for line in [
            "| `acme.region` | Which of the provider's worlds the shop is in | `live` | end user | \
             `ACME_SHOPS_ACME_REGION` |",
            "| `oauth.device.authorization.url` | Takes the place of the provider's device authorization endpoint | \
             `https://acme.example/device` | operator | `ACME_SHOPS_OAUTH_DEVICE_AUTHORIZATION_URL` |",
            "are given when an account is connected, as `--set PARAMETER=VALUE`.",
        ] {
            assert!(shops.contains(line), "{line} is not in {shops}");
        }
        assert!(!shops.contains("`acme.shop`"), "{shops}");
    }

    #[test]
    fn without_refresh_tokens_no_endpoint_that_refreshes_is_offered() {
        let refreshes = "| `oauth.token.refresh_url` |";
        assert!(rows(&invented::SHOPS).contains(refreshes));
        let mut oauth2 = *invented::SHOPS.oauth2();
        oauth2.rotation.rotates = Rotates::NoRefreshToken;
        let once = rows(&ProviderDescriptor {
            authentication: Authentication::AuthorizationCode(oauth2),
            ..invented::SHOPS
        });
        assert!(!once.contains(refreshes), "{once}");
        assert!(once.contains("| `oauth.token.revoke_url` |"), "{once}");
    }
}
