//! The stage of one check: a sandbox that plays the vendor, and the provider led to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Response;
use tieline_core::descriptor::{Account, Authentication, Rotates, Step};
use tieline_core::http::CallbackQuery;
use tieline_core::provider::AccountError;
use tieline_core::{ManualClock, Parameters, ProviderSetup, Secret, Timestamp, TokenSet};
use tieline_oauth::{
    Authorization, AuthorizationRequestOptions, Callback, Edge, EdgeOptions, TokenClient,
    TokenFailure, Tokens, api_base, authorization, check_callback, state_of,
};
use tieline_sandbox::{Endpoint, Outcome, Sandbox};
use url::form_urlencoded;

use crate::api::Api;
use crate::device;
use crate::findings::Stuck;
use crate::parameters::{self, REDIRECT_URI};
use crate::place::{endpoint_field, endpoint_of, request_field};
use crate::stand_in::Front;
use crate::subject::Subject;
use crate::vendor::Vendor;

/// Everything that one check plays with.
pub(crate) struct Stage {
    pub(crate) provider: &'static dyn ProviderSetup,
    pub(crate) vendor: Vendor,
    pub(crate) sandbox: Sandbox,
    /// Stands between us and the sandbox, in the vendor's names.
    pub(crate) front: Front,
    /// The time of both sides.
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) edge: Edge,
    /// Those of the vendor's first account.
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
    /// How the person consented, where somebody did.
    pub(crate) consent: Option<Consent>,
    pub(crate) tokens: Tokens,
    /// Those of this account.
    pub(crate) parameters: Parameters,
}

impl Stage {
    pub(crate) async fn set(subject: &Subject) -> Result<Self, Stuck> {
        let vendor = Vendor::of(subject)?;
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let sandbox = Sandbox::start(vendor.rules.clone(), Arc::clone(&clock) as _)
            .await
            .map_err(|error| format!("the sandbox can't be started: {error}"))?;
        let front = Front::before(sandbox.address()).await?;
        let edge = Edge::standing_in(EdgeOptions::default(), &front.stand_in())
            .map_err(|error| error.to_string())?;
        let provider = subject.provider;
        let facts = vendor.given(0)?;
        let parameters = parameters::resolve(provider, sandbox.client(), &facts)?;
        Ok(Self {
            provider,
            vendor,
            sandbox,
            front,
            clock,
            edge,
            parameters,
        })
    }

    /// The first account's app with another secret.
    pub(crate) fn with_secret(&self, secret: &str) -> Result<Parameters, Stuck> {
        let client = (self.sandbox.client().0, secret);
        parameters::resolve(self.provider, client, &self.vendor.given(0)?)
    }

    pub(crate) fn client(&self) -> TokenClient<'_> {
        self.client_with(&self.parameters)
    }

    pub(crate) fn client_with<'a>(&'a self, parameters: &'a Parameters) -> TokenClient<'a> {
        TokenClient::new(self.provider, parameters, &self.edge, &*self.clock)
    }

    /// Authorizes at whatever host the first account's endpoint is.
    pub(crate) fn start(&self, redirect_uri: &str) -> Result<Authorization, Stuck> {
        self.start_with(&self.parameters, redirect_uri)
    }

    fn start_with(
        &self,
        parameters: &Parameters,
        redirect_uri: &str,
    ) -> Result<Authorization, Stuck> {
        let options = AuthorizationRequestOptions {
            redirect_uri,
            scopes: None,
        };
        authorization(self.provider, parameters, options).map_err(|error| error.to_string())
    }

    /// Authorizes, consents as the vendor's account of this number, and checks the callback.
    pub(crate) async fn consent(
        &self,
        parameters: &Parameters,
        account: usize,
    ) -> Result<Consent, Stuck> {
        let started = self.start_with(parameters, REDIRECT_URI)?;
        let account = self.vendor.account(account)?;
        let url = self.sandbox.consent_as(started.url.as_str(), account).await.map_err(|error| {
            format!("the vendor shows an error instead of its consent page: {error}; look at `authorization_endpoint` and `authorization`")
        })?;
        let query = self.query_of(&url);
        if state_of(&query).ok() != Some(started.state.expose()) {
            return Err(
                "the callback doesn't bring our state back; look at `authorization`".to_owned(),
            );
        }
        let callback = check_callback(self.provider, parameters, &query).map_err(|refusal| {
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
        self.connect_as(0).await
    }

    /// Connects the vendor's account of this number, in the way that its kind of authentication asks for.
    pub(crate) async fn connect_as(&self, account: usize) -> Result<Connection, Stuck> {
        let facts = self.vendor.given(account)?;
        let parameters = parameters::resolve(self.provider, self.sandbox.client(), &facts)?;
        let (consent, tokens) = match self.provider.descriptor().authentication {
            Authentication::AuthorizationCode(_) => {
                let consent = self.consent(&parameters, account).await?;
                let tokens = self.exchange(&parameters, &consent).await?;
                (Some(consent), tokens)
            }
            Authentication::DeviceAuthorization(_) => {
                (None, device::connect(self, &parameters, account).await?)
            }
            Authentication::ClientCredentials(_) => {
                let answer = self.client_with(&parameters).client_credentials().await;
                let told = |failure| self.explain(Step::ClientCredentials, &failure);
                (None, answer.map_err(told)?)
            }
            Authentication::ApiKey | Authentication::Basic => {
                let set = TokenSet::of(parameters::credential(&parameters));
                let tokens = Tokens {
                    set,
                    warnings: Vec::new(),
                };
                (None, tokens)
            }
        };
        Ok(Connection {
            consent,
            tokens,
            parameters,
        })
    }

    async fn exchange(&self, parameters: &Parameters, consent: &Consent) -> Result<Tokens, Stuck> {
        let Consent {
            started, callback, ..
        } = consent;
        let client = self.client_with(parameters);
        let tokens = client
            .exchange(
                &callback.code,
                &started.redirect_uri,
                started.code_verifier.as_ref(),
            )
            .await;
        tokens.map_err(|failure| self.explain(Step::Exchange, &failure))
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

    /// Asks whose account a connection is.
    pub(crate) async fn account(
        &self,
        connection: &Connection,
    ) -> Result<Result<Account, AccountError>, Stuck> {
        let set = &connection.tokens.set;
        self.account_of(connection, &set.access_token)
            .await
            .map(|(account, _)| account)
    }

    /// Asks whose account a token of this connection speaks for; with it comes the last answer that was given.
    pub(crate) async fn account_of(
        &self,
        connection: &Connection,
        access_token: &Secret,
    ) -> Result<(Result<Account, AccountError>, Option<Response<Bytes>>), Stuck> {
        let captures = connection.captures();
        let base = api_base(self.provider, &connection.parameters, &captures)
            .map_err(|problem| problem.to_string())?;
        let api = Api {
            descriptor: self.provider.descriptor(),
            edge: &self.edge,
            base,
            access_token,
            last: Mutex::default(),
        };
        let account = self.provider.account(&api, &captures).await;
        let last = api.last.into_inner().ok().flatten();
        Ok((account, last))
    }

    /// The callback's query. Where the descriptor states its issuer, the sandbox speaks for that one.
    pub(crate) fn query_of(&self, callback_url: &str) -> CallbackQuery {
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
        let (name, endpoint) = (request_field(step), endpoint_of(step));
        let why = self.refusal(endpoint).unwrap_or_default();
        let details = &failure.details;
        let field = endpoint_field(step, self.provider.descriptor().oauth2());
        let astray = || self.astray(endpoint, &details.host, field);
        details
            .answer
            .as_ref()
            .and_then(|_| astray())
            .or_else(|| self.wrong_style(step))
            .unwrap_or_else(|| format!("{failure}{why}; look at `{name}` and `answer`"))
    }

    /// What is wrong with the client authentication of the last request of this step, if the vendor doesn't take it.
    pub(crate) fn wrong_style(&self, step: Step) -> Option<Stuck> {
        let (name, endpoint) = (request_field(step), endpoint_of(step));
        let accepted = self.vendor.texts(match step {
            Step::Exchange => "token.exchange.client_authentication",
            Step::Refresh => "token.refresh.client_authentication",
            Step::Revoke => "revocation.client_authentication",
            Step::ClientCredentials => "token.client_credentials.client_authentication",
            Step::DeviceAuthorization => "device.client_authentication",
            Step::DeviceToken => "token.device.client_authentication",
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

impl Connection {
    /// Facts of the callback and of the answer, the later going first.
    pub(crate) fn captures(&self) -> BTreeMap<String, String> {
        let mut captures = BTreeMap::new();
        if let Some(consent) = &self.consent {
            captures.clone_from(&consent.callback.captures);
        }
        captures.extend(self.tokens.set.captures.clone());
        captures
    }
}
