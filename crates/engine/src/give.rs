//! Accounts that are connected without a browser: the owner gives the credential itself, or the app is the account.

use tieline_core::descriptor::Authentication;
use tieline_core::parameters::Given;
use tieline_core::{InstanceId, ParameterKey, Parameters, Secret, TokenSet};
use tieline_oauth::TokenClient;
use tieline_store::{App, Instance};

use crate::connect::Connecting;
use crate::{Engine, EngineError};

/// What to connect.
#[derive(Debug, Default)]
pub struct GiveOptions {
    /// What to call the instance.
    pub instance_name: Option<String>,
    /// Give this instance a new credential instead of making a new one.
    pub instance: Option<InstanceId>,
    /// What the account's owner gives, by parameter key: an API key, or name and password, and what else the provider asks.
    pub parameters: Given,
}

impl Engine {
    /// Connects an account of a provider where nobody consents in a browser. A credential that the owner gives is proved by
    /// the health check before it is stored.
    ///
    /// # Errors
    /// When the provider wants a consent instead, parameters are missing or wrong, or the provider refuses. Nothing is
    /// stored then.
    pub async fn give(&self, app: &App, options: GiveOptions) -> Result<Instance, EngineError> {
        let (engine, app) = (self.clone(), app.clone());
        self.uninterrupted(async move { engine.take_in(&app, options).await })
            .await
    }

    async fn take_in(&self, app: &App, options: GiveOptions) -> Result<Instance, EngineError> {
        let provider = self.provider(&app.provider)?;
        let descriptor = provider.descriptor();
        let parameters = self
            .parameters_to_connect(app, options.instance, &options.parameters)
            .await?;
        let connecting = Connecting {
            provider,
            parameters: &parameters,
            app,
            instance_name: options.instance_name,
        };
        let tokens = match descriptor.authentication {
            Authentication::ClientCredentials(_) => {
                let client = TokenClient::new(
                    provider,
                    &parameters,
                    &self.shared.edge,
                    &*self.shared.clock,
                );
                self.granted(app, client.client_credentials().await?, &[])
            }
            Authentication::ApiKey | Authentication::Basic => {
                let tokens = TokenSet::of(credential(&parameters)?);
                if options.instance.is_none() {
                    self.ask(&connecting, &tokens).await?;
                }
                tokens
            }
            Authentication::AuthorizationCode(_) | Authentication::DeviceAuthorization(_) => {
                return Err(EngineError::other_way(descriptor));
            }
        };
        match options.instance {
            Some(id) => self.reconnect(&connecting, id, tokens).await,
            None => self.connect_new(&connecting, tokens).await,
        }
    }
}

/// The credential as calls carry it: a key as it is, name and password with a colon between them (RFC 7617 section 2).
fn credential(parameters: &Parameters) -> Result<Secret, EngineError> {
    let text = |key| parameters.get(key).unwrap_or_default();
    if let Authentication::ApiKey = parameters.descriptor().authentication {
        return Ok(Secret::new(text(ParameterKey::API_KEY)));
    }
    let (name, password) = (text(ParameterKey::USERNAME), text(ParameterKey::PASSWORD));
    if name.contains(':') {
        return Err(EngineError::ColonInName(
            parameters.descriptor().id.to_owned(),
        ));
    }
    Ok(Secret::new(format!("{name}:{password}")))
}
