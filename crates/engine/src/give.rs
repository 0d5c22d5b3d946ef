//! Accounts that are connected without a browser: the owner gives the credential itself, or the app is the account.

use tieline_core::descriptor::{Authentication, TokenPlacement};
use tieline_core::parameters::Given;
use tieline_core::{InstanceId, ParameterKey, Parameters, Secret, TokenSet, words};
use tieline_oauth::TokenClient;
use tieline_store::{App, Instance};

use crate::account::refuse_another_account;
use crate::connect::Connecting;
use crate::label::{Label, check_name, check_user, checked_tags};
use crate::{Engine, EngineError};

/// What to connect.
#[derive(Debug, Default)]
pub struct GiveOptions {
    /// What to call the instance.
    pub instance_name: Option<String>,
    /// The host's name for the account's owner.
    pub user: Option<String>,
    /// What the host finds the instance by.
    pub tags: Vec<String>,
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
    /// When the provider wants a consent instead, parameters are missing or wrong, or the provider refuses.
    pub async fn give(&self, app: &App, options: GiveOptions) -> Result<Instance, EngineError> {
        let (engine, app) = (self.clone(), app.clone());
        self.uninterrupted(async move { engine.take_in(&app, options).await })
            .await
    }

    async fn take_in(&self, app: &App, options: GiveOptions) -> Result<Instance, EngineError> {
        let provider = self.provider(&app.provider)?;
        let descriptor = provider.descriptor();
        check_name(options.instance_name.as_deref())?;
        options.user.as_deref().map_or(Ok(()), check_user)?;
        let parameters = self
            .parameters_to_connect(app, options.instance, &options.parameters)
            .await?;
        let connecting = Connecting {
            provider,
            parameters: &parameters,
            app,
            label: Label {
                name: options.instance_name,
                user: options.user,
                tags: checked_tags(options.tags)?,
            },
        };
        match descriptor.authentication {
            Authentication::ClientCredentials(_) => {
                let client = TokenClient::new(
                    provider,
                    &parameters,
                    &self.shared.edge,
                    &*self.shared.clock,
                );
                let tokens = self.granted(app, client.client_credentials().await?, &[]);
                self.connect(&connecting, options.instance, tokens).await
            }
            Authentication::ApiKey | Authentication::Basic => {
                let tokens = TokenSet::of(credential(&parameters)?);
                self.keep_given(&connecting, options.instance, tokens).await
            }
            Authentication::AuthorizationCode(_) | Authentication::DeviceAuthorization(_) => {
                Err(EngineError::other_way(descriptor))
            }
        }
    }

    /// Stores a credential, after its provider has taken it and told whose it is.
    async fn keep_given(
        &self,
        connecting: &Connecting<'_>,
        again: Option<InstanceId>,
        tokens: TokenSet,
    ) -> Result<Instance, EngineError> {
        let account = self.ask(connecting, &tokens).await;
        let account = account.map_err(|error| not_taken(connecting.parameters, error))?;
        let Some(id) = again else {
            return self.insert(connecting, tokens, Some(account), None).await;
        };
        let instance = self.instance(id).load().await?;
        refuse_another_account(&instance, &account)?;
        self.replace(connecting, &instance, tokens, account).await
    }
}

/// Says which of the things that were given to look at again.
fn not_taken(parameters: &Parameters, error: EngineError) -> EngineError {
    let descriptor = parameters.descriptor();
    match error {
        EngineError::Account { error, .. } if error.tells_dead_token(descriptor) => {
            let all: Vec<_> = descriptor
                .end_user_parameters()
                .filter(|row| parameters.get(row.parameter).is_some())
                .map(|row| format!("{:?} ({})", row.credential, row.parameter))
                .collect();
            EngineError::NotTaken {
                provider: descriptor.id.to_owned(),
                vendor: descriptor.vendor,
                given: words::list(&all),
            }
        }
        error => error,
    }
}

/// The credential as calls carry it: a key as it is, name and password with a colon between them (RFC 7617 section 2).
fn credential(parameters: &Parameters) -> Result<Secret, EngineError> {
    let descriptor = parameters.descriptor();
    let text = |key| parameters.get(key).unwrap_or_default();
    let unfit = |parameter, why| EngineError::Unfit {
        provider: descriptor.id.to_owned(),
        parameter,
        why,
    };
    let user = |key| match text(key) {
        text if text.contains(':') => {
            Err(unfit(key, "holds a colon, which HTTP Basic can't carry"))
        }
        text => Ok(text),
    };
    let placement = descriptor.api.token_placement;
    let (credential, key) = match (descriptor.authentication, placement) {
        (Authentication::ApiKey, TokenPlacement::BasicUser(_)) => {
            let key = ParameterKey::API_KEY;
            (user(key)?.to_owned(), key)
        }
        (Authentication::ApiKey, _) => {
            let key = ParameterKey::API_KEY;
            (text(key).to_owned(), key)
        }
        _ => {
            let (name, password) = (ParameterKey::USERNAME, ParameterKey::PASSWORD);
            (format!("{}:{}", user(name)?, text(password)), password)
        }
    };
    let credential = Secret::new(credential);
    match placement.header(&credential) {
        Ok(_) => Ok(credential),
        Err(_) => Err(unfit(key, "holds characters that no header can carry")),
    }
}
