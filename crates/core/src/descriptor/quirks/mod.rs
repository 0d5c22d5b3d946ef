//! What a provider does unusually, in words: every fact of its descriptor that departs from what the RFCs ask for.
//!
//! The page of unusual things is made of these, and the conformance kit takes each away in turn to see whether anything
//! notices.

mod answer;
mod api;
mod requests;
mod tokens;

use serde::Serialize;

use super::{Authentication, ProviderDescriptor};

/// One thing that a provider does unusually.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quirk {
    /// The field of the descriptor that says so: `answer.scope_separator`.
    pub field: &'static str,
    /// What it is: one sentence of Markdown.
    pub says: String,
}

/// What has been found so far.
#[derive(Default)]
struct Quirks(Vec<Quirk>);

impl Quirks {
    fn add(&mut self, field: &'static str, says: impl Into<String>) {
        self.0.push(Quirk {
            field,
            says: says.into(),
        });
    }

    fn add_if(&mut self, departs: bool, field: &'static str, says: &str) {
        if departs {
            self.add(field, says);
        }
    }
}

impl ProviderDescriptor {
    /// What the provider does unusually, in the order in which a connection meets it.
    pub fn quirks(&self) -> Vec<Quirk> {
        let mut quirks = Quirks::default();
        let says = match self.authentication {
            Authentication::AuthorizationCode(_) => None,
            Authentication::DeviceAuthorization(_) => Some(
                "Accounts are connected with a code that is typed on another device (RFC 8628).",
            ),
            Authentication::ClientCredentials(_) => Some(
                "The app's own credentials are the account: nobody consents (RFC 6749, section 4.4).",
            ),
            Authentication::ApiKey => {
                Some("There is no OAuth: the account's owner gives an API key.")
            }
            Authentication::Basic => {
                Some("There is no OAuth: the account's owner gives a name and a password.")
            }
        };
        if let Some(says) = says {
            quirks.add("authentication", says);
        }
        if !self.authentication.is_given() {
            requests::add(self, &mut quirks);
            answer::add(&self.oauth2().answer, &mut quirks);
            tokens::add(self, &mut quirks);
        }
        api::add(&self.api, &mut quirks);
        quirks.0
    }
}

/// Names as code: `` `a`, `b` and `c` ``.
fn names(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<_> = names
        .into_iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    crate::words::list(&names)
}

/// A separator by its name.
fn separator(separator: &str) -> String {
    match separator {
        "," => "commas".to_owned(),
        "+" => "plus signs".to_owned(),
        ";" => "semicolons".to_owned(),
        "|" => "vertical bars".to_owned(),
        other => format!("`{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use crate::ParameterMapping;
    use crate::descriptor::*;

    const ODD: ProviderDescriptor = ProviderDescriptor {
        authentication: Authentication::AuthorizationCode(OAuth2 {
            scope_separator: ",",
            refresh: TokenRequest {
                body: BodyFormat::Json,
                ..TokenRequest::BODY
            },
            exchange: TokenRequest::BODY,
            ..OAuth2::DEFAULT
        }),
        api: Api {
            token_placement: TokenPlacement::Header("X-Acme-Token"),
            ..Api::DEFAULT
        },
        ..ProviderDescriptor::new("acme", "Acme", MAPPINGS)
    };
    const MAPPINGS: &[ParameterMapping] = &[];

    #[test]
    fn what_follows_the_rfcs_is_not_unusual_and_what_departs_is_told() {
        assert_eq!(
            ProviderDescriptor::new("acme", "Acme", MAPPINGS).quirks(),
            []
        );
        let told = ODD.quirks();
        let told: Vec<_> = told
            .iter()
            .map(|quirk| (quirk.field, &*quirk.says))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "scope_separator",
                    "Scopes are separated by commas in the request."
                ),
                (
                    "exchange.client_authentication",
                    "The exchange carries the client's id and secret in the body."
                ),
                (
                    "refresh.client_authentication",
                    "The refresh carries the client's id and secret in the body."
                ),
                ("refresh.body", "The refresh is written as a JSON object."),
                (
                    "api.token_placement",
                    "Calls carry the access token in the header `X-Acme-Token`."
                ),
            ]
        );
    }
}
