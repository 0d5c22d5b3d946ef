//! Whether a provider takes an app's credentials, found out before anybody consents.

use tieline_core::descriptor::Authentication;
use tieline_core::{OAuthField, Parameters, ProviderSetup, Secret, random};
use tieline_oauth::{
    Authorization, AuthorizationError, AuthorizationRequestOptions, EndpointProblem, NoWelcome,
    Outcome, TokenClient, TokenFailure, TurnedAway,
};
use tieline_store::App;

use crate::{Changes, Engine, EngineError};

/// What came of trying an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The provider takes its credentials, and lets in whoever comes to consent, as far as can be told before somebody does.
    Taken,
    /// The provider takes its credentials, and turns away whoever comes to consent.
    TurnedAway(TurnedAway),
    /// The provider refuses, and doesn't say whether it is the app: this is what it said.
    Unclear(String),
    /// There is nothing to be tried: the account's owner gives the credential when it is connected, or says where.
    NothingToTry,
}

impl Engine {
    /// Asks the provider for tokens with a code that nobody was ever given: who takes the app's credentials refuses the code, and
    /// who doesn't refuses them. Then opens the page to which people are sent for their consent, which tells whether the redirect
    /// URI and the scopes are taken. `unsaved` is tried in the place of what is stored, and nothing is stored: whoever then saves
    /// it knows what it is worth. Nothing is spent, but that an app which is taken again has no trouble any more.
    ///
    /// # Errors
    /// What the app lacks; that the provider refuses it, in the provider's own words; or that nobody answers.
    pub async fn try_app(&self, app: &App, unsaved: Changes) -> Result<Tried, EngineError> {
        let provider = self.provider(&app.provider)?;
        let descriptor = provider.descriptor();
        let parameters = self.app_parameters_with(app, unsaved).await?;
        let (edge, clock) = (&self.shared.edge, &*self.shared.clock);
        let client = TokenClient::new(provider, &parameters, edge, clock);
        let failure = match descriptor.authentication {
            Authentication::ApiKey | Authentication::Basic => return Ok(Tried::NothingToTry),
            Authentication::AuthorizationCode(_) if has_other_hosts(provider, &parameters) => {
                return Ok(Tried::NothingToTry);
            }
            Authentication::AuthorizationCode(_) => {
                let (code, verifier) = (Secret::from("nobody-was-given-this"), random::token()?);
                let redirect_uri = parameters.field(OAuthField::RedirectUri);
                let redirect_uri = redirect_uri.unwrap_or_default();
                let asked = client.exchange(&code, redirect_uri, Some(&verifier)).await;
                asked.map(drop).err()
            }
            Authentication::ClientCredentials(_) => {
                client.client_credentials().await.map(drop).err()
            }
            Authentication::DeviceAuthorization(_) => {
                client.device_authorization().await.map(drop).err()
            }
        };
        let tried = match failure {
            None => Tried::Taken,
            Some(failure) => judged(failure)?,
        };
        if tried == Tried::Taken {
            self.app_taken(app).await;
            if descriptor.authentication.has_front_channel() {
                return self.welcome(app, &parameters).await;
            }
        }
        Ok(tried)
    }

    /// How people would be met who come to consent.
    async fn welcome(&self, app: &App, parameters: &Parameters) -> Result<Tried, EngineError> {
        let provider = self.provider(&app.provider)?;
        let request = consent_request(provider, parameters)?;
        let asked = self.shared.edge.welcome(provider, parameters, &request);
        Ok(match asked.await {
            Ok(None) => Tried::Taken,
            Ok(Some(turned_away)) => Tried::TurnedAway(turned_away),
            Err(NoWelcome::Endpoint(problem)) => {
                return Err(AuthorizationError::from(problem).into());
            }
            Err(unreached @ NoWelcome::Unreached(_)) => Tried::Unclear(unreached.to_string()),
        })
    }
}

/// What people who come to consent ask for.
fn consent_request(
    provider: &dyn ProviderSetup,
    parameters: &Parameters,
) -> Result<Authorization, AuthorizationError> {
    let redirect_uri = parameters.field(OAuthField::RedirectUri);
    let options = AuthorizationRequestOptions {
        redirect_uri: redirect_uri.unwrap_or_default(),
        scopes: None,
    };
    tieline_oauth::authorization(provider, parameters, options)
}

/// Whether the endpoints are at hosts that the account's owner names, when it is connected.
fn has_other_hosts(provider: &dyn ProviderSetup, parameters: &Parameters) -> bool {
    matches!(
        consent_request(provider, parameters),
        Err(AuthorizationError::Endpoint(
            EndpointProblem::Template { .. }
        ))
    )
}

/// What a refusal says of the app.
fn judged(failure: TokenFailure) -> Result<Tried, EngineError> {
    match failure.outcome {
        // It is the code that is refused.
        Outcome::Dead => Ok(Tried::Taken),
        Outcome::Rejected => Ok(Tried::Unclear(failure.to_string())),
        _ => Err(failure.into()),
    }
}
