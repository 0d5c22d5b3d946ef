//! The contract between Tieline and a provider's crate.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::Parameters;
use crate::descriptor::{Account, ProviderDescriptor, Step};
use crate::http::{CallbackQuery, ProviderHttp, ProviderHttpError};
use crate::template::{self, TemplateProblem};

/// A provider: its facts, and what its facts cannot say.
///
/// Most providers implement [`descriptor`](Self::descriptor) alone. The hooks amend what the RFC's behaviour, as the
/// descriptor shapes it, would do; by default they do nothing.
///
/// ```
/// use tieline_core::prelude::*;
///
/// #[derive(Debug)]
/// pub struct Acme;
///
/// static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor {
///     authentication: Authentication::AuthorizationCode(OAuth2 {
///         authorization_endpoint: "https://acme.example/oauth/authorize",
///         token_endpoint: "https://acme.example/oauth/token",
///         ..OAuth2::DEFAULT
///     }),
///     api: Api { base: "https://api.acme.example", ..Api::DEFAULT },
///     ..ProviderDescriptor::new("acme", "Acme", &[
///         ParameterMapping::api_key("Consumer Key"),
///         ParameterMapping::api_secret("Consumer Secret"),
///         ParameterMapping::callback_url("Redirect URL"),
///     ])
/// };
///
/// impl ProviderSetup for Acme {
///     fn descriptor(&self) -> &'static ProviderDescriptor {
///         &DESCRIPTOR
///     }
/// }
///
/// register_provider!(Acme);
///
/// let registry = Registry::discover()?;
/// assert_eq!(registry.credential_for("acme", "oauth.api.key")?, Some("Consumer Key"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[async_trait]
pub trait ProviderSetup: fmt::Debug + Send + Sync + 'static {
    /// The provider's facts.
    fn descriptor(&self) -> &'static ProviderDescriptor;

    /// Checks what came back through the browser beyond state, issuer and signature, which are checked before.
    ///
    /// # Errors
    /// When the callback must not be followed. Nothing is exchanged then.
    fn verify_callback(
        &self,
        _query: &CallbackQuery,
        _parameters: &Parameters,
    ) -> Result<(), HookRefusal> {
        Ok(())
    }

    /// Changes the parameters of the authorization request, in the order in which they will stand in the URL.
    fn amend_authorization(&self, _query: &mut Vec<(String, String)>, _parameters: &Parameters) {}

    /// Changes a finished request of the back channel, just before it is sent.
    ///
    /// # Errors
    /// When the request can't be made. Nothing is sent then.
    fn amend_token_request(
        &self,
        _step: Step,
        _request: &mut http::Request<Bytes>,
        _parameters: &Parameters,
    ) -> Result<(), HookRefusal> {
        Ok(())
    }

    /// Changes a token answer before it is judged: the token object, after the descriptor's path was followed.
    fn amend_token_answer(&self, _step: Step, _answer: &mut Map<String, Value>) {}

    /// Asks the provider whose account the instance speaks for. By default: the descriptor's health check.
    ///
    /// # Errors
    /// When the provider can't be asked, or refuses the token.
    async fn account(
        &self,
        http: &dyn ProviderHttp,
        captures: &BTreeMap<String, String>,
    ) -> Result<Account, AccountError> {
        health_check(self.descriptor(), http, captures).await
    }
}

/// Why a hook would not go on. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HookRefusal(pub String);

/// Why the account could not be told.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The call didn't come through.
    #[error(transparent)]
    Http(#[from] ProviderHttpError),
    /// The provider answered, but not with success.
    #[error("the health check was answered with status {status}")]
    Status {
        /// The status of the answer.
        status: http::StatusCode,
    },
    /// The provider told a failure under a status of success.
    #[error("the health check was answered with the error {code}")]
    Refused {
        /// The provider's code; "unknown" where it tells none that can be shown.
        code: String,
    },
    /// The health check's path asks for a fact that did not come with the tokens.
    #[error("the health check can't be asked for: {0}; connect the account again")]
    Path(#[from] TemplateProblem),
    /// The answer is not the JSON that was expected.
    #[error("the health check was answered with something other than a JSON object")]
    NotJson,
}

impl AccountError {
    /// Whether the same question may be answered later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Http(error) => error.is_transient(),
            Self::Status { status } => {
                status.is_server_error() || matches!(status.as_u16(), 408 | 429)
            }
            Self::Refused { .. } | Self::Path(_) | Self::NotJson => false,
        }
    }

    /// Whether the provider says that it does not take this access token: 401, or what it says instead.
    pub fn tells_dead_token(&self, descriptor: &ProviderDescriptor) -> bool {
        match self {
            Self::Status { status } => *status == http::StatusCode::UNAUTHORIZED,
            Self::Refused { code } => descriptor
                .api
                .masked_errors
                .is_some_and(|masked| masked.dead_access_token.contains(&code.as_str())),
            Self::Http(_) | Self::Path(_) | Self::NotJson => false,
        }
    }
}

/// Runs the descriptor's health check and reads from its answer whose account it is.
///
/// # Errors
/// When the call fails or its answer is not a JSON object. A provider without a health check has an unknown account.
pub async fn health_check(
    descriptor: &ProviderDescriptor,
    http: &dyn ProviderHttp,
    captures: &BTreeMap<String, String>,
) -> Result<Account, AccountError> {
    let Some(check) = descriptor.api.health_check.known() else {
        return Ok(Account::default());
    };
    let path = template::path(check.path, |name| captures.get(name).map(String::as_str))?;
    let response = http.get(&path).await?;
    if !response.status().is_success() {
        return Err(AccountError::Status {
            status: response.status(),
        });
    }
    let body: Value = serde_json::from_slice(response.body()).map_err(|_| AccountError::NotJson)?;
    if let Some(code) = descriptor
        .api
        .masked_errors
        .and_then(|masked| masked.code_in(&body))
    {
        return Err(AccountError::Refused { code });
    }
    Ok(Account {
        id: check.account_id.find(&body, captures),
        label: check.account_label.find(&body, captures),
    })
}
