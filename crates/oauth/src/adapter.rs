//! Between `oauth2` and the network, for one request: its types serialise secrets, so they stay here and in `token`.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ErrorResponse,
    HttpRequest, HttpResponse, RequestTokenError, TokenResponse, TokenUrl,
};
use serde_json::json;
use tieline_core::descriptor::{ClientAuthentication, Step};
use tieline_core::{OAuthField, failpoint};
use url::Url;

use crate::edge::Answer;
use crate::endpoints::Endpoint;
use crate::judge::Judge;
use crate::outcome::TokenFailure;
use crate::request::is_known_to_oauth2;
use crate::token::{TokenClient, Tokens};

/// Shapes what `oauth2` sends and judges what comes in.
///
/// `oauth2` sees RFC-shaped JSON or our failure, never the provider's own bytes: its errors would show them. Since its
/// answer type can't hold what we decoded, that waits here until `oauth2` has agreed.
pub(crate) struct Adapter<'a> {
    client: TokenClient<'a>,
    judge: Judge<'a>,
    endpoint: Endpoint,
    tokens: Mutex<Option<Tokens>>,
}

type ConfiguredClient =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

impl<'a> Adapter<'a> {
    pub(crate) fn new(client: TokenClient<'a>, judge: Judge<'a>, endpoint: Endpoint) -> Self {
        Self {
            client,
            judge,
            endpoint,
            tokens: Mutex::new(None),
        }
    }

    /// `oauth2`'s view of the app: it writes the standard form, and client authentication where it knows the way.
    pub(crate) fn client(&self) -> ConfiguredClient {
        let parameters = self.client.parameters;
        let id = parameters.field(OAuthField::ClientId).unwrap_or_default();
        let authentication = self.client.style(self.judge.step).client_authentication;
        let client = BasicClient::new(ClientId::new(id.to_owned()))
            .set_token_uri(TokenUrl::from_url(self.url_for_oauth2()))
            .set_auth_type(match authentication {
                ClientAuthentication::Basic => AuthType::BasicAuth,
                _ => AuthType::RequestBody,
            });
        match parameters.field(OAuthField::ClientSecret) {
            Some(secret) if is_known_to_oauth2(authentication) => {
                client.set_client_secret(ClientSecret::new(secret.to_owned()))
            }
            _ => client,
        }
    }

    /// `oauth2` insists on https for revocation; loopback endpoints that the operator names are ours to allow. The
    /// request goes to the endpoint, whatever `oauth2` writes.
    pub(crate) fn url_for_oauth2(&self) -> Url {
        let mut url = self.endpoint.url.clone();
        // Only fails for schemes that no endpoint has.
        let _ = url.set_scheme("https");
        url
    }

    async fn send(&self, standard: HttpRequest) -> Result<HttpResponse, TokenFailure> {
        let answer = self
            .client
            .send(&self.judge, &self.endpoint, &standard)
            .await?;
        let body = match self.judge.step {
            Step::Revoke => {
                self.judge.revoked(&answer)?;
                Vec::new()
            }
            _ => {
                failpoint::hit("after-body");
                let tokens = self.judged(&answer)?;
                let standard = json!({ "access_token": tokens.set.access_token.expose(), "token_type": "bearer" });
                *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokens);
                standard.to_string().into_bytes()
            }
        };
        Ok(HttpResponse::new(body))
    }

    /// A provider's own code that panics must not cost the tokens that the answer holds.
    fn judged(&self, answer: &Answer) -> Result<Tokens, TokenFailure> {
        let judged = catch_unwind(AssertUnwindSafe(|| self.judge.tokens(answer)));
        judged.unwrap_or_else(|_| Err(self.judge.panicked(answer)))
    }

    /// The decoded tokens, once `oauth2` has read the same access token from the normalised answer.
    pub(crate) fn tokens(
        self,
        agreed: Result<BasicTokenResponse, RequestTokenError<TokenFailure, BasicErrorResponse>>,
    ) -> Result<Tokens, TokenFailure> {
        let decoded = self
            .tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let tokens = match (agreed, decoded) {
            (Ok(agreed), Some(tokens))
                if agreed.access_token().secret() == tokens.set.access_token.expose() =>
            {
                Ok(tokens)
            }
            (Err(error), _) => Err(self.failure(error)),
            (Ok(_), _) => Err(self.judge.inconsistent()),
        };
        self.log(tokens.as_ref().err());
        tokens
    }

    pub(crate) fn failure<E: ErrorResponse + 'static>(
        &self,
        error: RequestTokenError<TokenFailure, E>,
    ) -> TokenFailure {
        match error {
            RequestTokenError::Request(failure) => failure,
            // Not looked into: it may hold the body.
            _ => self.judge.inconsistent(),
        }
    }

    pub(crate) fn not_allowed(&self, why: &str) -> TokenFailure {
        self.judge.not_allowed(why.to_owned())
    }

    pub(crate) fn log(&self, failure: Option<&TokenFailure>) {
        let Judge {
            provider,
            step,
            host,
            ..
        } = &self.judge;
        let provider = provider.descriptor().id;
        match failure {
            None => tracing::debug!(provider, ?step, host, outcome = "ok", "token request"),
            Some(failure) => {
                tracing::debug!(provider, ?step, host, outcome = %failure.outcome, "token request: {failure}");
            }
        }
    }
}

impl<'c> AsyncHttpClient<'c> for Adapter<'_> {
    type Error = TokenFailure;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TokenFailure>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
