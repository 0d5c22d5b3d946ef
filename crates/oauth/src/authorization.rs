//! The front channel's first half: the URL to which the user is sent (RFC 6749 section 4.1.1, RFC 7636).

use std::fmt;

use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use tieline_core::descriptor::CodeChallenge;
use tieline_core::random::{self, NoRandomness};
use tieline_core::{OAuthField, Parameters, ProviderSetup, Secret, endpoint};
use url::Url;

use crate::endpoints::{EndpointProblem, Source};
use crate::failure::in_both_words;
use crate::request::{Amendments, amend};

/// What one authorization asks for.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequestOptions<'a> {
    /// Where the provider sends the user back, exactly as registered.
    pub redirect_uri: &'a str,
    /// The scopes to ask for. `None`: those of the app's parameters, else the provider's usual ones.
    pub scopes: Option<&'a [String]>,
}

/// An authorization that is ready to start. All but the URL must be kept until the callback.
pub struct Authorization {
    /// Where to send the user.
    pub url: Url,
    /// What must come back: 256 random bits.
    pub state: Secret,
    /// What proves at the exchange that we started it, unless the provider refuses PKCE.
    pub code_verifier: Option<Secret>,
    /// To be sent again at the exchange, byte for byte.
    pub redirect_uri: String,
    /// The scopes that are asked for.
    pub scopes: Vec<String>,
}

/// Why no authorization can start.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizationError {
    /// The authorization endpoint must not be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointProblem),
    /// The redirect URI must not be used.
    #[error(
        "{provider}: the redirect URI must be an absolute {wanted} URL without fragment, user and password; correct {parameter}"
    )]
    RedirectUri {
        /// The provider.
        provider: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// The parameter, in the provider's words and in ours.
        parameter: String,
    },
    /// No random bytes for the state.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Starts an authorization: makes its state and code verifier, and writes the URL.
///
/// # Errors
/// When the authorization endpoint or the redirect URI must not be used, or there are no random bytes.
pub fn authorization(
    provider: &dyn ProviderSetup,
    parameters: &Parameters,
    options: AuthorizationRequestOptions<'_>,
) -> Result<Authorization, AuthorizationError> {
    let oauth2 = provider.descriptor().oauth2();
    let endpoint = Source {
        provider,
        parameters,
    }
    .authorization()?;
    let redirect_url = redirect_url(provider, options.redirect_uri)?;
    let scopes = scopes(provider, parameters, options.scopes);
    let state = random::token()?;
    let (challenge, code_verifier) = match oauth2.code_challenge {
        CodeChallenge::Refused(_) => (None, None),
        CodeChallenge::S256 | CodeChallenge::Plain => {
            let verifier = random::token()?;
            (
                Some(code_challenge(oauth2.code_challenge, &verifier)),
                Some(verifier),
            )
        }
    };

    // The endpoint's own query is not ours to rename: it is put aside while the standard parameters are written.
    let mut url = endpoint.url;
    let own_query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    url.set_query(None);
    let id = parameters.field(OAuthField::ClientId).unwrap_or_default();
    let client = BasicClient::new(ClientId::new(id.to_owned()))
        .set_auth_uri(AuthUrl::from_url(url.clone()))
        .set_redirect_uri(redirect_url);
    let mut request = client.authorize_url(|| CsrfToken::new(state.expose().to_owned()));
    if !scopes.is_empty() {
        request = request.add_scope(Scope::new(scopes.join(oauth2.scope_separator)));
    }
    let (standard, _) = request.url();

    let mut pairs: Vec<(String, String)> = standard.query_pairs().into_owned().collect();
    pairs.extend(
        challenge
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    let declared = &oauth2.authorization;
    amend(
        &mut pairs,
        &Amendments {
            names: declared.names,
            extra: declared.extra,
            omit: declared.omit,
        },
        parameters,
    );
    provider.amend_authorization(&mut pairs, parameters);
    url.query_pairs_mut()
        .extend_pairs(own_query)
        .extend_pairs(pairs);
    Ok(Authorization {
        url,
        state,
        code_verifier,
        redirect_uri: options.redirect_uri.to_owned(),
        scopes,
    })
}

/// The parameters that bind the code to `verifier` (RFC 7636 section 4.3).
fn code_challenge(method: CodeChallenge, verifier: &Secret) -> [(&'static str, String); 2] {
    let (challenge, method) = match method {
        CodeChallenge::Plain => (verifier.expose().to_owned(), "plain"),
        CodeChallenge::S256 | CodeChallenge::Refused(_) => {
            let verifier = PkceCodeVerifier::new(verifier.expose().to_owned());
            (
                PkceCodeChallenge::from_code_verifier_sha256(&verifier)
                    .as_str()
                    .to_owned(),
                "S256",
            )
        }
    };
    [
        ("code_challenge", challenge),
        ("code_challenge_method", method.to_owned()),
    ]
}

/// Whether this provider sends anybody back to such a redirect URI.
///
/// # Errors
/// [`AuthorizationError::RedirectUri`] when it doesn't.
pub fn check_redirect_uri(
    provider: &dyn ProviderSetup,
    redirect_uri: &str,
) -> Result<(), AuthorizationError> {
    redirect_url(provider, redirect_uri).map(drop)
}

fn redirect_url(
    provider: &dyn ProviderSetup,
    text: &str,
) -> Result<RedirectUrl, AuthorizationError> {
    let descriptor = provider.descriptor();
    let https_only = descriptor.oauth2().https_redirect_uri_only;
    let parsed = RedirectUrl::new(text.to_owned())
        .ok()
        .filter(|_| endpoint::is_endpoint(text));
    match parsed {
        Some(url) if !https_only || url.url().scheme() == "https" => Ok(url),
        _ => Err(AuthorizationError::RedirectUri {
            provider: descriptor.id,
            wanted: if https_only {
                "https"
            } else {
                "https or loopback"
            },
            parameter: in_both_words(descriptor, OAuthField::RedirectUri),
        }),
    }
}

pub(crate) fn scopes(
    provider: &dyn ProviderSetup,
    parameters: &Parameters,
    asked: Option<&[String]>,
) -> Vec<String> {
    match (asked, parameters.field(OAuthField::Scope)) {
        (Some(asked), _) => asked.to_vec(),
        (None, Some(set)) => set.split_whitespace().map(str::to_owned).collect(),
        (None, None) => provider
            .descriptor()
            .oauth2()
            .scopes
            .iter()
            .map(|scope| (*scope).to_owned())
            .collect(),
    }
}

/// Without the URL's query, which holds the state.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("host", &self.url.host_str())
            .field("redirect_uri", &self.redirect_uri)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::testing::{Acme, acme, parameters};
    use tieline_core::ParameterKey;
    use tieline_core::descriptor::{AuthorizationRequest, Extra, OAuth2};

    fn start(provider: &Acme, more: &[(&str, &str)]) -> Authorization {
        let options = AuthorizationRequestOptions {
            redirect_uri: "https://host.example/callback",
            scopes: None,
        };
        authorization(provider, &parameters(provider, more), options).unwrap()
    }

    fn query(authorization: &Authorization) -> BTreeMap<String, String> {
        authorization.url.query_pairs().into_owned().collect()
    }

    #[test]
    fn the_url_holds_the_standard_parameters_once() {
        let provider = Acme::with(OAuth2 {
            scopes: &["read", "write"],
            ..*acme().oauth2()
        });
        let started = start(&provider, &[]);
        let query = query(&started);
        let verifier = started.code_verifier.as_ref().unwrap();
        let [(_, challenge), _] = code_challenge(CodeChallenge::S256, verifier);
        let expected = [
            ("client_id", "key"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("redirect_uri", "https://host.example/callback"),
            ("response_type", "code"),
            ("scope", "read write"),
            ("state", started.state.expose()),
        ];
        assert_eq!(
            query,
            expected
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into()
        );
        assert_eq!(started.url.query_pairs().count(), expected.len());
        let shown = format!("{started:?}");
        for hidden in [started.state.expose(), verifier.expose(), &challenge] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }

    #[test]
    fn a_verifier_is_sent_plain_only_where_declared_and_not_at_all_where_refused() {
        let of = |code_challenge| {
            start(
                &Acme::with(OAuth2 {
                    code_challenge,
                    ..*acme().oauth2()
                }),
                &[],
            )
        };
        let plain = of(CodeChallenge::Plain);
        assert_eq!(
            query(&plain)["code_challenge"],
            plain.code_verifier.as_ref().unwrap().expose()
        );
        assert_eq!(query(&plain)["code_challenge_method"], "plain");
        let refused = of(CodeChallenge::Refused("a source"));
        assert!(refused.code_verifier.is_none());
        assert!(
            !query(&refused)
                .keys()
                .any(|name| name.starts_with("code_challenge"))
        );
    }

    #[test]
    fn names_extras_and_omissions_are_the_descriptors() {
        let provider = Acme::with(OAuth2 {
            authorization_endpoint: "https://acme.example/authorize?client_id=theirs",
            scope_separator: ",",
            authorization: AuthorizationRequest {
                names: &[("client_id", "client_key"), ("scope", "scopes")],
                extra: &[
                    ("access_type", Extra::Fixed("offline")),
                    ("response_type", Extra::Fixed("auth_code")),
                    ("tenant", Extra::Parameter(ParameterKey::OAUTH_TOKEN_URL)),
                ],
                omit: &["redirect_uri"],
            },
            ..*acme().oauth2()
        });
        let started = start(&provider, &[("oauth.scope", "a  b")]);
        let query = query(&started);
        assert_eq!(
            (&*query["client_id"], &*query["client_key"]),
            ("theirs", "key")
        );
        assert_eq!(
            (
                &*query["scopes"],
                &*query["access_type"],
                &*query["response_type"]
            ),
            ("a,b", "offline", "auth_code")
        );
        assert!(
            !query.contains_key("redirect_uri")
                && !query.contains_key("tenant")
                && !query.contains_key("scope")
        );
        assert_eq!(started.scopes, ["a", "b"]);
    }

    #[test]
    fn a_redirect_uri_must_be_fit_to_be_sent_back_to() {
        let provider = Acme::with(OAuth2 {
            https_redirect_uri_only: true,
            ..*acme().oauth2()
        });
        let error = |provider: &Acme, redirect_uri| {
            let options = AuthorizationRequestOptions {
                redirect_uri,
                scopes: None,
            };
            authorization(provider, &parameters(provider, &[]), options)
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(error(&acme(), "http://127.0.0.1:8917/callback"), None);
        assert_eq!(
            error(&provider, "http://127.0.0.1:8917/callback").as_deref(),
            Some(
                "acme: the redirect URI must be an absolute https URL without fragment, user and password; \
                 correct \"Redirect URL\" (oauth.callback.url)"
            )
        );
        assert!(error(&acme(), "http://host.example/callback").is_some());
    }
}
