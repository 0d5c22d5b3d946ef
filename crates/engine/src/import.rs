//! Accounts that were connected elsewhere come with the refresh token that was obtained there.

use tieline_core::parameters::Given;
use tieline_core::{Secret, TokenSet};
use tieline_oauth::Outcome;
use tieline_store::{App, Instance, StoreError};

use crate::connect::Connecting;
use crate::label::{Label, check_name, check_user, checked_tags};
use crate::{Engine, EngineError, Revocation};

/// What to import. From now on nobody else may spend the refresh token.
#[derive(Debug)]
pub struct ImportOptions {
    /// The refresh token.
    pub refresh_token: Secret,
    /// What to call the instance.
    pub instance_name: Option<String>,
    /// The host's name for its owner.
    pub user: Option<String>,
    /// What the host finds it by.
    pub tags: Vec<String>,
    /// What belongs to the account, by parameter key.
    pub parameters: Given,
}

impl Engine {
    /// Takes over an account with its refresh token. It is stored first and then spent, so that what comes back is never
    /// lost; where the provider takes it, the instance is whole.
    ///
    /// # Errors
    /// When the provider has no refresh tokens, or does not take this one; when it can't be asked, nothing was spent and
    /// nothing is kept. Where nobody knows whether it was spent, the instance stays and is asked for again.
    pub async fn import(&self, app: &App, options: ImportOptions) -> Result<Instance, EngineError> {
        let (engine, app) = (self.clone(), app.clone());
        self.uninterrupted(async move { engine.take_over(&app, options).await })
            .await
    }

    async fn take_over(&self, app: &App, options: ImportOptions) -> Result<Instance, EngineError> {
        let provider = self.provider(&app.provider)?;
        if !provider.descriptor().authentication.has_front_channel() {
            return Err(EngineError::other_way(provider.descriptor()));
        }
        check_name(options.instance_name.as_deref())?;
        options.user.as_deref().map_or(Ok(()), check_user)?;
        let parameters = self
            .parameters_to_connect(app, None, &options.parameters)
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
        // No access token yet: one that has expired is never handed out.
        let tokens = TokenSet {
            refresh_token: Some(options.refresh_token),
            expires_at: Some(self.shared.clock.now()),
            ..TokenSet::of(Secret::from("not-obtained-yet"))
        };
        let instance = self.insert(&connecting, tokens, None, None).await?;
        let handle = self.instance(instance.id);
        match handle.refresh().await {
            Ok(_) => {}
            Err(error) if is_unspent(&error) => {
                self.forget(&instance).await?;
                return Err(error);
            }
            Err(EngineError::ReconnectRequired { .. }) => {
                self.forget(&instance).await?;
                return Err(EngineError::NotTaken {
                    provider: app.provider.clone(),
                    vendor: provider.descriptor().vendor,
                    given: "refresh_token: it is dead, or belongs to another app".to_owned(),
                });
            }
            Err(error) => {
                tracing::warn!(instance = %instance.id, "imported, and not refreshed yet: {error}");
                return handle.load().await;
            }
        }
        if let Err(error) = handle.check().await {
            tracing::warn!(instance = %instance.id, "whose account it is stays unknown: {error}");
        }
        handle.load().await
    }

    /// Removes an instance that never came to life: there is nothing to revoke.
    async fn forget(&self, instance: &Instance) -> Result<(), EngineError> {
        let store = self.acting_store();
        store.begin_delete(&instance.tenant, instance.id).await?;
        let revocation = Revocation::NotOffered.word();
        store.delete_instance(instance.id, revocation).await?;
        Ok(())
    }
}

/// Whether the provider certainly has not spent the token.
fn is_unspent(error: &EngineError) -> bool {
    match error {
        EngineError::Shared(error) => is_unspent(error),
        EngineError::NotKnownAlive
        | EngineError::ShuttingDown
        | EngineError::Store(StoreError::AdoptionRequired(_)) => true,
        EngineError::Token(failure) => matches!(
            failure.outcome,
            Outcome::NotSent | Outcome::Busy { .. } | Outcome::AppRefused | Outcome::Rejected
        ),
        _ => false,
    }
}
