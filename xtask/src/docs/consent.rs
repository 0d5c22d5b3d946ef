//! How an account's owner consents, and what comes back from there.

use tieline::ProviderDescriptor;
use tieline::core::OAuthField;
use tieline::core::descriptor::{Authentication, CodeChallenge, Extra, OAuth2};
use tieline::core::words::list;

use super::markdown::{code, text};

/// Everything up to the request for tokens.
pub(crate) fn facts(descriptor: &ProviderDescriptor) -> Vec<String> {
    let oauth2 = descriptor.oauth2();
    let asked = asked(oauth2);
    let mut facts = Vec::new();
    match descriptor.authentication {
        Authentication::AuthorizationCode(_) => {
            facts.push(format!(
                "Users consent at {}, {asked}.",
                code(oauth2.authorization_endpoint)
            ));
            facts.extend(further_scopes(oauth2));
            facts.push(challenge(oauth2.code_challenge));
            facts.extend(callback(descriptor));
            if oauth2.device.is_some() {
                facts.push(
                    "They may also type a code on another device (RFC 8628): the address comes with the code."
                        .to_owned(),
                );
            }
        }
        Authentication::DeviceAuthorization(_) => facts.push(format!(
            "Users type a code on another device and consent there, {asked} (RFC 8628): the address comes with the code."
        )),
        Authentication::ClientCredentials(_) => facts.push(format!(
            "Nobody consents: the app asks for tokens with its own credentials, {asked} (RFC 6749, section 4.4)."
        )),
        Authentication::ApiKey | Authentication::Basic => {}
    }
    facts
}

fn asked(oauth2: &OAuth2) -> String {
    let scopes: Vec<_> = oauth2.scopes.iter().map(|scope| code(scope)).collect();
    match scopes.as_slice() {
        [] => "without naming a scope".to_owned(),
        [only] => format!("for the scope {only}"),
        several => format!("for the scopes {}", list(several)),
    }
}

/// The scopes that an app may ask for besides.
fn further_scopes(oauth2: &OAuth2) -> Vec<String> {
    let extra = oauth2.authorization.extra.iter();
    extra
        .filter_map(|(name, extra)| match extra {
            Extra::Scopes(key) => Some(format!(
                "Scopes that the app lists in {} are asked for too, as {}.",
                code(key.as_str()),
                code(name)
            )),
            Extra::Fixed(_) | Extra::Parameter(_) => None,
        })
        .collect()
}

fn challenge(challenge: CodeChallenge) -> String {
    match challenge {
        CodeChallenge::S256 => sent("S256"),
        CodeChallenge::Plain => sent("plain"),
        CodeChallenge::Refused(why) => format!("PKCE is not used: {why}."),
    }
}

/// What Tieline does. Whether the provider insists on it is another question.
fn sent(method: &str) -> String {
    format!(
        "With the request for consent, Tieline sends a PKCE challenge ({}); with the code, what answers it.",
        code(method)
    )
}

/// What a callback must show before its code is exchanged.
fn callback(descriptor: &ProviderDescriptor) -> Vec<String> {
    let callback = &descriptor.oauth2().callback;
    let mut facts = Vec::new();
    if let Some(signature) = callback.signature {
        let secret = descriptor.parameter_for_field(OAuthField::ClientSecret);
        let key = secret.map_or_else(
            || "client secret".to_owned(),
            |row| format!("**{}**", text(row.credential)),
        );
        facts.push(format!(
            "The callback is signed with the {key}: a callback whose {} does not sign all of it is refused.",
            code(signature.parameter)
        ));
    }
    if let Some(host) = callback.host {
        facts.push(format!(
            "The callback names a host in {}. It must be {}, where the consent was asked for.",
            code(host.parameter),
            code(host.host)
        ));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    #[test]
    fn each_kind_consents_in_its_way() {
        assert_eq!(
            facts(&invented::SHOPS),
            [
                "Users consent at `https://{acme.shop}.shops.acme.example/authorize`, for the scope `read`.",
                "Scopes that the app lists in `acme.user_scope` are asked for too, as `user_scope`.",
                "With the request for consent, Tieline sends a PKCE challenge (`S256`); with the code, what answers it.",
                "The callback is signed with the **Client secret**: a callback whose `hmac` does not sign all of it is \
                 refused.",
                "The callback names a host in `shop`. It must be `{acme.shop}.shops.acme.example`, where the consent was \
                 asked for.",
                "They may also type a code on another device (RFC 8628): the address comes with the code.",
            ]
        );
        assert_eq!(
            facts(&invented::TV),
            [
                "Users type a code on another device and consent there, without naming a scope (RFC 8628): the address \
                 comes with the code."
            ]
        );
        assert_eq!(
            facts(&invented::ROBOTS),
            [
                "Nobody consents: the app asks for tokens with its own credentials, for the scopes `move` and `stop` \
                 (RFC 6749, section 4.4)."
            ]
        );
    }
}
