//! The stage of one check: a sandbox that plays the vendor, and the provider led to it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use tieline_core::descriptor::{Account, Rotates, Step};
use tieline_core::http::CallbackQuery;
use tieline_core::provider::AccountError;
use tieline_core::{ManualClock, ParameterKey, Parameters, ProviderSetup, Secret, Timestamp};
use tieline_oauth::{
    Authorization, AuthorizationRequestOptions, Callback, Edge, EdgeOptions, Endpoints,
    TokenClient, TokenFailure, Tokens, authorization, check_callback, state_of,
};
use tieline_sandbox::{Endpoint, Outcome, Sandbox};
use url::form_urlencoded;

use crate::api::Api;
use crate::findings::Stuck;
use crate::parameters::{self, REDIRECT_URI};
use crate::subject::Subject;
use crate::vendor::Vendor;

/// One for all: it holds no state, and reading the system's CA certificates takes longer than a check.
static EDGE: LazyLock<Result<Edge, Stuck>> =
    LazyLock::new(|| Edge::new(EdgeOptions::default()).map_err(|error| error.to_string()));

/// Everything that one check plays with.
pub(crate) struct Stage {
    pub(crate) provider: &'static dyn ProviderSetup,
    pub(crate) vendor: Vendor,
    pub(crate) sandbox: Sandbox,
    /// The time of both sides.
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) edge: Edge,
    pub(crate) parameters: Parameters,
}

/// A consent that was given, before its code is exchanged.
pub(crate) struct Consent {
    pub(crate) started: Authorization,
    pub(crate) query: CallbackQuery,
    pub(crate) callback: Callback,
}

/// A connected account.
pub(crate) struct Connection {
    pub(crate) consent: Consent,
    pub(crate) tokens: Tokens,
}

impl Stage {
    pub(crate) async fn set(subject: &Subject) -> Result<Self, Stuck> {
        let vendor = Vendor::of(subject)?;
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let sandbox = Sandbox::start(vendor.rules.clone(), Arc::clone(&clock) as _)
            .await
            .map_err(|error| format!("the sandbox can't be started: {error}"))?;
        let edge = EDGE.clone()?;
        let provider = subject.provider;
        let parameters = led_to(&sandbox, provider, sandbox.client().1)?;
        Ok(Self {
            provider,
            vendor,
            sandbox,
            clock,
            edge,
            parameters,
        })
    }

    /// The same app with another secret.
    pub(crate) fn with_secret(&self, secret: &str) -> Result<Parameters, Stuck> {
        led_to(&self.sandbox, self.provider, secret)
    }

    pub(crate) fn client(&self) -> TokenClient<'_> {
        self.client_with(&self.parameters)
    }

    pub(crate) fn client_with<'a>(&'a self, parameters: &'a Parameters) -> TokenClient<'a> {
        TokenClient::new(self.provider, parameters, &self.edge, &*self.clock)
    }

    /// Authorizes, consents as `account`, and checks the callback.
    pub(crate) async fn consent(&self, account: &str) -> Result<Consent, Stuck> {
        let options = AuthorizationRequestOptions {
            redirect_uri: REDIRECT_URI,
            scopes: None,
        };
        let started = authorization(self.provider, &self.parameters, options)
            .map_err(|error| error.to_string())?;
        let url = self.sandbox.consent_as(started.url.as_str(), account).await.map_err(|error| {
            format!("the vendor shows an error instead of its consent page: {error}; look at `authorization`")
        })?;
        let query = self.query_of(&url);
        if state_of(&query).ok() != Some(started.state.expose()) {
            return Err(
                "the callback doesn't bring our state back; look at `authorization`".to_owned(),
            );
        }
        let callback = check_callback(self.provider, &self.parameters, &query, None).map_err(|refusal| {
            let why = self.refusal(Endpoint::Authorization).unwrap_or_default();
            format!("the callback is refused: {refusal}{why}; look at `scopes`, `code_challenge`, `authorization` and `callback`")
        })?;
        Ok(Consent {
            started,
            query,
            callback,
        })
    }

    /// Connects the vendor's first account.
    pub(crate) async fn connect(&self) -> Result<Connection, Stuck> {
        let accounts = self.vendor.accounts();
        self.connect_as(accounts.first().copied().unwrap_or_default())
            .await
    }

    pub(crate) async fn connect_as(&self, account: &str) -> Result<Connection, Stuck> {
        let consent = self.consent(account).await?;
        let Consent {
            started, callback, ..
        } = &consent;
        let client = self.client();
        let tokens = client
            .exchange(
                &callback.code,
                &started.redirect_uri,
                started.code_verifier.as_ref(),
            )
            .await;
        let tokens = tokens.map_err(|failure| self.explain(Step::Exchange, &failure))?;
        Ok(Connection { consent, tokens })
    }

    /// The refresh token of a connection; `None` where descriptor, vendor and answer agree that there is none.
    pub(crate) fn refresh_token<'c>(
        &self,
        connection: &'c Connection,
    ) -> Result<Option<&'c Secret>, Stuck> {
        let token = connection.tokens.set.refresh_token.as_ref();
        let stated =
            self.provider.descriptor().oauth2().rotation.rotates != Rotates::NoRefreshToken;
        let wrong = match (self.vendor.has_refresh_tokens(), stated, token) {
            (true, true, Some(_)) | (false, false, None) => return Ok(token),
            (true, true, None) => {
                "the vendor issues a refresh token, and it is not found; look at `answer.path` and `answer.fields`"
            }
            (true, false, _) => {
                "the vendor issues refresh tokens, and the descriptor states that there are none; look at \
                 `rotation.rotates`"
            }
            (false, true, _) => {
                "the vendor issues no refresh tokens; state it in `rotation.rotates`"
            }
            (false, false, Some(_)) => {
                "the vendor issues no refresh tokens, and something is taken for one; look at `answer.fields`"
            }
        };
        Err(wrong.to_owned())
    }

    pub(crate) async fn refresh(&self, refresh_token: &Secret) -> Result<Tokens, Stuck> {
        let answer = self.client().refresh(refresh_token).await;
        answer.map_err(|failure| self.explain(Step::Refresh, &failure))
    }

    /// Asks whose account a connection is, at the sandbox.
    pub(crate) async fn account(
        &self,
        connection: &Connection,
    ) -> Result<Result<Account, AccountError>, Stuck> {
        let endpoints = Endpoints::of(self.provider, &self.parameters)
            .map_err(|problem| problem.to_string())?;
        let api = Api {
            descriptor: self.provider.descriptor(),
            edge: &self.edge,
            base: endpoints.api_base,
            access_token: &connection.tokens.set.access_token,
        };
        Ok(self.provider.account(&api, &connection.captures()).await)
    }

    /// The callback's query. Where the descriptor states its issuer, the sandbox speaks for that one.
    fn query_of(&self, callback_url: &str) -> CallbackQuery {
        let query = callback_url.split_once('?').map_or("", |(_, query)| query);
        let issuer = self
            .provider
            .descriptor()
            .oauth2()
            .issuer
            .unwrap_or(self.sandbox.base_url());
        let pairs = form_urlencoded::parse(query.as_bytes()).map(|(name, value)| {
            if name == "iss" && value == self.sandbox.base_url() {
                (name, issuer.into())
            } else {
                (name, value)
            }
        });
        CallbackQuery::parse(
            &form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish(),
        )
    }

    /// Why a step failed, as both sides tell it, and where to look.
    pub(crate) fn explain(&self, step: Step, failure: &TokenFailure) -> Stuck {
        let (name, endpoint) = place_of(step);
        let why = self.refusal(endpoint).unwrap_or_default();
        self.wrong_style(step)
            .unwrap_or_else(|| format!("{failure}{why}; look at `{name}` and `answer`"))
    }

    /// What is wrong with the client authentication of the last request of this step, if the vendor doesn't take it.
    pub(crate) fn wrong_style(&self, step: Step) -> Option<Stuck> {
        let (name, endpoint) = place_of(step);
        let accepted = self.vendor.texts(match step {
            Step::Exchange => "token.exchange.client_authentication",
            Step::Refresh => "token.refresh.client_authentication",
            Step::Revoke => "revocation.client_authentication",
        });
        let ledger = self.sandbox.ledger();
        let style = serde_json::to_value(ledger.requests_to(endpoint).last()?.client_auth).ok()?;
        let style = style.as_str()?;
        let why = self.refusal(endpoint).unwrap_or_default();
        (!accepted.contains(&style)).then(|| {
            format!(
                "the vendor takes the client's credentials as {} at this step, and got {style}{why}; look at \
                 `{name}.client_authentication`",
                accepted.join(" or ")
            )
        })
    }

    /// What the sandbox says against the last request to this endpoint.
    pub(crate) fn refusal(&self, endpoint: Endpoint) -> Option<String> {
        let ledger = self.sandbox.ledger();
        match ledger.requests_to(endpoint).last()?.outcome {
            Outcome::Refused { reason } => Some(format!(" (the vendor's side: {reason})")),
            _ => None,
        }
    }
}

/// The descriptor's field of a step, and where its requests go.
fn place_of(step: Step) -> (&'static str, Endpoint) {
    match step {
        Step::Exchange => ("exchange", Endpoint::Token),
        Step::Refresh => ("refresh", Endpoint::Token),
        Step::Revoke => ("revoke", Endpoint::Revocation),
    }
}

impl Connection {
    /// Facts of the callback and of the answer, the later going first.
    pub(crate) fn captures(&self) -> BTreeMap<String, String> {
        let mut captures = self.consent.callback.captures.clone();
        captures.extend(self.tokens.set.captures.clone());
        captures
    }
}

/// An app's parameters with the sandbox in the provider's place. A revocation endpoint is replaced, never invented.
fn led_to(
    sandbox: &Sandbox,
    provider: &dyn ProviderSetup,
    secret: &str,
) -> Result<Parameters, Stuck> {
    let mut overrides = vec![
        (
            ParameterKey::OAUTH_AUTHORIZATION_URL,
            sandbox.authorization_endpoint(),
        ),
        (ParameterKey::OAUTH_TOKEN_URL, sandbox.token_endpoint()),
        (ParameterKey::BASE_URL, sandbox.api_base()),
    ];
    if provider
        .descriptor()
        .oauth2()
        .revocation_endpoint
        .known()
        .is_some()
    {
        let url = sandbox.revocation_endpoint();
        overrides.extend(url.map(|url| (ParameterKey::OAUTH_TOKEN_REVOKE_URL, url)));
    }
    parameters::resolve(provider, (sandbox.client().0, secret), &overrides)
}
