//! The code becomes tokens, and the tokens an instance.

use tieline_core::http::CallbackQuery;
use tieline_core::{InstanceId, Parameters, ProviderSetup, TokenSet};
use tieline_oauth::TokenClient;
use tieline_store::{
    App, Committed, Instance, NewInstance, ReplaceTokens, Status, TakenAuthorization,
};

use crate::account::refuse_another_account;
use crate::patience::Patience;
use crate::{Engine, EngineError};

impl Engine {
    /// Sends the code once: after its bytes were sent, nothing is tried again.
    pub(crate) async fn exchange(
        &self,
        app: App,
        taken: TakenAuthorization,
        query: &CallbackQuery,
    ) -> Result<Instance, EngineError> {
        let provider = self.provider(&app.provider)?;
        let parameters = self.app_parameters(&app).await?;
        let callback = tieline_oauth::check_callback(provider, &parameters, query, None)?;
        let client = TokenClient::new(
            provider,
            &parameters,
            &self.shared.edge,
            &*self.shared.clock,
        );
        let tokens = client
            .exchange(&callback.code, &taken.redirect_uri, taken.verifier.as_ref())
            .await?;
        for warning in &tokens.warnings {
            tracing::warn!(provider = app.provider, field = %warning.field, "{}", warning.message);
        }
        let mut set = tokens.set;
        for (name, value) in callback.captures {
            set.captures.entry(name).or_insert(value);
        }
        if set.scopes.is_empty() {
            // RFC 6749 section 5.1: an answer without scope grants what was asked for.
            set.scopes.clone_from(&taken.scopes);
        }
        match taken.instance {
            Some(id) => self.reauthorize(provider, &parameters, id, set).await,
            None => self.connect(provider, &parameters, app, taken, set).await,
        }
    }

    /// A new instance. It is durable before anything else is asked of the provider.
    async fn connect(
        &self,
        provider: &dyn ProviderSetup,
        parameters: &Parameters,
        app: App,
        taken: TakenAuthorization,
        tokens: TokenSet,
    ) -> Result<Instance, EngineError> {
        let access_token = tokens.access_token.duplicate();
        let captures = tokens.captures.clone();
        let new = NewInstance {
            id: InstanceId::random()?,
            tenant: self.tenant.to_string(),
            app: app.id,
            provider: app.provider.clone(),
            name: taken.instance_name,
            account_id: None,
            account_label: None,
            tokens,
        };
        let instance = self.insert_patiently(&new).await?;
        tracing::info!(provider = app.provider, instance = %instance.id, "instance connected");
        self.note(
            &instance,
            "instance.connected",
            serde_json::json!({ "generation": instance.generation }),
        )
        .await;
        match self
            .ask_account(provider, parameters, &access_token, &captures)
            .await
        {
            Ok(account) => {
                self.shared
                    .store
                    .set_account(instance.id, account.id, account.label, captures)
                    .await?;
                self.instance(instance.id).load().await
            }
            Err(error) => {
                // The tokens are safe and will be proved by the first call; only the account's name is missing.
                tracing::warn!(provider = app.provider, instance = %instance.id, "whose account it is stays unknown: {error}");
                Ok(instance)
            }
        }
    }

    /// New tokens for an instance that exists: only if they speak for the same account.
    async fn reauthorize(
        &self,
        provider: &dyn ProviderSetup,
        parameters: &Parameters,
        id: InstanceId,
        tokens: TokenSet,
    ) -> Result<Instance, EngineError> {
        let instance = self.instance(id).load().await?;
        let account = self
            .ask_account(provider, parameters, &tokens.access_token, &tokens.captures)
            .await?;
        // The tokens of the wrong account are dropped, not revoked: at some providers revoking one grant ends every
        // grant of that user, and theirs may be an instance of its own.
        refuse_another_account(&instance, &account)?;
        let mut replace = ReplaceTokens {
            id,
            generation: instance.generation,
            tokens,
            account_id: account.id,
            account_label: account.label,
        };
        let mut patience = Patience::new(self, id);
        let instance = loop {
            match self.shared.store.replace_tokens(&replace).await {
                Ok(Committed::Done(instance)) => break instance,
                // A new consent goes before a refresh that was faster.
                Ok(Committed::MovedOn(now)) if now.status != Status::Deleting => {
                    replace.generation = now.generation
                }
                Ok(Committed::MovedOn(_)) => return Err(EngineError::Leaving(id)),
                Ok(Committed::Gone) => return Err(EngineError::NoSuchInstance(id)),
                Err(error) => {
                    patience.after(error).await?;
                }
            }
        };
        self.note(
            &instance,
            "instance.reconnected",
            serde_json::json!({ "generation": instance.generation }),
        )
        .await;
        Ok(instance)
    }

    async fn insert_patiently(&self, new: &NewInstance) -> Result<Instance, EngineError> {
        let mut patience = Patience::new(self, new.id);
        loop {
            match self.shared.store.insert_instance(new).await {
                Ok(instance) => return Ok(instance),
                Err(error) => {
                    patience.after(error).await?;
                    // The write may have been done all the same.
                    if let Ok(Some(instance)) =
                        self.shared.store.instance(&new.tenant, new.id).await
                    {
                        return Ok(instance);
                    }
                }
            }
        }
    }
}
