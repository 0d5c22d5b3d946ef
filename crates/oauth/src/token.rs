//! The back channel: a code becomes tokens, a refresh token becomes new ones, a token ends.

use oauth2::{
    AuthorizationCode, PkceCodeVerifier, RedirectUrl, RefreshToken, RevocationUrl, Scope,
    StandardRevocableToken,
};
use tieline_core::descriptor::{Step, TokenRequest};
use tieline_core::{Clock, OAuthField, Parameters, ProviderSetup, Secret, TokenSet};

use crate::adapter::Adapter;
use crate::authorization::scopes;
use crate::decode::Warning;
use crate::edge::{Answer, Edge};
use crate::endpoints::{Endpoint, Source};
use crate::judge::Judge;
use crate::outcome::{RevokeFailure, TokenFailure};
use crate::request::shape;

/// Speaks to the token endpoint of one provider for one app. Sends every request once.
#[derive(Clone, Copy)]
pub struct TokenClient<'a> {
    pub(crate) provider: &'a dyn ProviderSetup,
    pub(crate) parameters: &'a Parameters,
    edge: &'a Edge,
    pub(crate) clock: &'a dyn Clock,
}

/// The tokens of a successful answer.
#[derive(Debug)]
pub struct Tokens {
    /// The tokens.
    pub set: TokenSet,
    /// What was odd about the answer.
    pub warnings: Vec<Warning>,
}

/// Which token is to be revoked (RFC 7009 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenTypeHint {
    /// An access token.
    AccessToken,
    /// A refresh token; ends the grant.
    RefreshToken,
}

impl<'a> TokenClient<'a> {
    /// For one app: `parameters` are its own.
    pub fn new(
        provider: &'a dyn ProviderSetup,
        parameters: &'a Parameters,
        edge: &'a Edge,
        clock: &'a dyn Clock,
    ) -> Self {
        Self {
            provider,
            parameters,
            edge,
            clock,
        }
    }

    /// Exchanges an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5). `redirect_uri` goes out byte for
    /// byte as it stood in the authorization request.
    ///
    /// # Errors
    /// When no tokens came of it. The code is spent unless the outcome is `NotSent`.
    pub async fn exchange(
        &self,
        code: &Secret,
        redirect_uri: &str,
        code_verifier: Option<&Secret>,
    ) -> Result<Tokens, TokenFailure> {
        let adapter = self.adapter(Step::Exchange, code, code_verifier)?;
        let redirect_uri = RedirectUrl::new(redirect_uri.to_owned())
            .map_err(|_| adapter.not_allowed("the redirect URI is not a URL"))?;
        let client = adapter.client().set_redirect_uri(redirect_uri);
        let mut request = client.exchange_code(AuthorizationCode::new(code.expose().to_owned()));
        if let Some(verifier) = code_verifier {
            request =
                request.set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()));
        }
        let answer = request.request_async(&adapter).await;
        adapter.tokens(answer)
    }

    /// Spends a refresh token (RFC 6749 section 6). Where the answer brings no new one, it is in the result again.
    ///
    /// # Errors
    /// When no tokens came of it; the outcome says whether the refresh token is spent.
    pub async fn refresh(&self, refresh_token: &Secret) -> Result<Tokens, TokenFailure> {
        let adapter = self.adapter(Step::Refresh, refresh_token, None)?;
        let client = adapter.client();
        let token = RefreshToken::new(refresh_token.expose().to_owned());
        let answer = client
            .exchange_refresh_token(&token)
            .request_async(&adapter)
            .await;
        adapter.tokens(answer)
    }

    /// Asks for a token with the app's own credentials (RFC 6749 section 4.4).
    ///
    /// # Errors
    /// When no token came of it. Nothing is spent, whatever the outcome.
    pub async fn client_credentials(&self) -> Result<Tokens, TokenFailure> {
        let nothing = Secret::new("");
        let adapter = self.adapter(Step::ClientCredentials, &nothing, None)?;
        let scopes = scopes(self.provider, self.parameters, None);
        let separator = self.provider.descriptor().oauth2().scope_separator;
        let client = adapter.client();
        let mut request = client.exchange_client_credentials();
        if !scopes.is_empty() {
            request = request.add_scope(Scope::new(scopes.join(separator)));
        }
        let answer = request.request_async(&adapter).await;
        adapter.tokens(answer)
    }

    /// Ends a token at the provider (RFC 7009 section 2.1).
    ///
    /// # Errors
    /// When the provider offers no revocation, can't revoke this kind of token, or did not confirm.
    pub async fn revoke(&self, token: &Secret, hint: TokenTypeHint) -> Result<(), RevokeFailure> {
        if !self.can_revoke() {
            return Err(RevokeFailure::NotOffered {
                provider: self.provider.descriptor().id,
            });
        }
        let adapter = self
            .adapter(Step::Revoke, token, None)
            .map_err(RevokeFailure::Failed)?;
        let failed = |failure: TokenFailure| match failure.details.error_code.as_deref() {
            Some("unsupported_token_type") => RevokeFailure::UnsupportedTokenType(failure),
            _ => RevokeFailure::Failed(failure),
        };
        let url = RevocationUrl::from_url(adapter.url_for_oauth2());
        let client = adapter.client().set_revocation_url(url);
        let text = token.expose().to_owned();
        let token = match hint {
            TokenTypeHint::AccessToken => {
                StandardRevocableToken::AccessToken(oauth2::AccessToken::new(text))
            }
            TokenTypeHint::RefreshToken => {
                StandardRevocableToken::RefreshToken(RefreshToken::new(text))
            }
        };
        let request = client
            .revoke_token(token)
            .map_err(|_| failed(adapter.not_allowed("revocation needs https")))?;
        let revoked = request
            .request_async(&adapter)
            .await
            .map_err(|error| adapter.failure(error));
        adapter.log(revoked.as_ref().err());
        revoked.map_err(failed)
    }

    /// Whether there is an endpoint to revoke at.
    pub fn can_revoke(&self) -> bool {
        self.source().offers_revocation()
    }

    fn source(&self) -> Source<'a> {
        Source {
            provider: self.provider,
            parameters: self.parameters,
        }
    }

    pub(crate) fn judge<'b>(
        &'b self,
        step: Step,
        host: String,
        spent: &'b Secret,
        verifier: Option<&'b Secret>,
    ) -> Judge<'b> {
        let client_secret = self.parameters.field(OAuthField::ClientSecret);
        let sent = [Some(spent), verifier]
            .into_iter()
            .flatten()
            .map(Secret::expose)
            .chain(client_secret)
            .collect();
        Judge {
            provider: self.provider,
            step,
            host,
            now: self.clock.now(),
            spent,
            sent,
        }
    }

    /// Where a step is sent.
    pub(crate) fn endpoint(&self, step: Step, spent: &Secret) -> Result<Endpoint, TokenFailure> {
        let refused = |why| {
            Err(self
                .judge(step, String::new(), spent, None)
                .not_allowed(why))
        };
        match self.source().step(step) {
            Ok(Some(endpoint)) => Ok(endpoint),
            Ok(None) => refused("there is no endpoint for it".to_owned()),
            Err(problem) => refused(problem.to_string()),
        }
    }

    fn adapter<'b>(
        &'b self,
        step: Step,
        spent: &'b Secret,
        verifier: Option<&'b Secret>,
    ) -> Result<Adapter<'b>, TokenFailure> {
        let endpoint = self.endpoint(step, spent)?;
        let host = endpoint.url.host_str().unwrap_or_default().to_owned();
        let judge = self.judge(step, host, spent, verifier);
        Ok(Adapter::new(*self, judge, endpoint))
    }

    /// How a step's request is written.
    pub(crate) fn style(&self, step: Step) -> TokenRequest {
        let oauth2 = self.provider.descriptor().oauth2();
        let device = oauth2.device;
        match step {
            Step::Exchange | Step::ClientCredentials => oauth2.exchange,
            Step::Refresh => oauth2.refresh,
            Step::Revoke => oauth2.revoke,
            Step::DeviceAuthorization => device.map_or(oauth2.exchange, |device| device.request),
            Step::DeviceToken => device.map_or(oauth2.exchange, |device| device.token),
        }
    }

    /// Shapes a request that follows the RFC as the provider wants it, and sends it once.
    pub(crate) async fn send(
        &self,
        judge: &Judge<'_>,
        endpoint: &Endpoint,
        standard: &http::Request<Vec<u8>>,
    ) -> Result<Answer, TokenFailure> {
        let style = self.style(judge.step);
        let mut request = shape(standard, &endpoint.url, &style, self.parameters)
            .map_err(|error| judge.not_allowed(error.to_string()))?;
        let (scheme, authority) = (
            request.uri().scheme().cloned(),
            request.uri().authority().cloned(),
        );
        self.provider
            .amend_token_request(judge.step, &mut request, self.parameters)
            .map_err(|refusal| judge.not_allowed(refusal.to_string()))?;
        if (request.uri().scheme(), request.uri().authority())
            != (scheme.as_ref(), authority.as_ref())
        {
            let why = "the provider's hook moved the request to another host";
            return Err(judge.not_allowed(why.to_owned()));
        }
        self.edge
            .send(endpoint, request)
            .await
            .map_err(|error| judge.unsent(error))
    }
}

impl std::fmt::Debug for TokenClient<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenClient")
            .field("provider", &self.provider.descriptor().id)
            .finish_non_exhaustive()
    }
}
