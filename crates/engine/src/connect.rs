//! Tokens become an instance: a new one, or one that is there already.

use tieline_core::descriptor::Account;
use tieline_core::{InstanceId, Parameters, ProviderSetup, Timestamp, TokenSet};
use tieline_store::{App, Committed, Instance, NewInstance, ReplaceTokens, Status};

use crate::account::refuse_another_account;
use crate::due::keep_alive_at;
use crate::label::Label;
use crate::patience::Patience;
use crate::{Engine, EngineError};

/// The account that is being connected.
pub(crate) struct Connecting<'a> {
    pub(crate) provider: &'static dyn ProviderSetup,
    /// Those of the app, and what the person gave for this account.
    pub(crate) parameters: &'a Parameters,
    pub(crate) app: &'a App,
    pub(crate) label: Label,
}

impl Engine {
    /// New tokens: for the instance that is named, or for a new one.
    pub(crate) async fn connect(
        &self,
        connecting: &Connecting<'_>,
        again: Option<InstanceId>,
        tokens: TokenSet,
    ) -> Result<Instance, EngineError> {
        match again {
            Some(id) => self.reconnect(connecting, id, tokens).await,
            None => self.connect_new(connecting, tokens).await,
        }
    }

    /// A new instance, and one more where a second set of tokens came along. All are durable before anything else is asked
    /// of the provider.
    async fn connect_new(
        &self,
        connecting: &Connecting<'_>,
        mut tokens: TokenSet,
    ) -> Result<Instance, EngineError> {
        let users = tokens.user.take();
        let asked = without_refresh_token(&tokens);
        let instance = self.insert(connecting, tokens, None, None).await?;
        if let Some(users) = users {
            let (asked, beside) = (without_refresh_token(&users), Some(&instance));
            let second = self.insert(connecting, *users, None, beside).await?;
            self.identify(connecting, second, asked).await;
        }
        Ok(self.identify(connecting, instance, asked).await)
    }

    /// New tokens for an instance that exists: only if they speak for the same account.
    async fn reconnect(
        &self,
        connecting: &Connecting<'_>,
        id: InstanceId,
        mut tokens: TokenSet,
    ) -> Result<Instance, EngineError> {
        let instance = self.instance(id).load().await?;
        let users = tokens.user.take();
        let account = self.ask(connecting, &tokens).await?;
        let refused = refuse_another_account(&instance, &account);
        let Some(users) = users else {
            // The tokens of the wrong account are dropped, not revoked: at some providers revoking one grant ends every
            // grant of that user, and theirs may be an instance of its own.
            refused?;
            return self.replace(connecting, &instance, tokens, account).await;
        };
        // Where nobody was told whose this one is, it is not the account that has an instance already.
        let is_anothers = instance.account_id.is_none()
            && (self.neighbour(connecting, &instance, &account).await?).is_some();
        if refused.is_ok() && !is_anothers {
            let instance = self.replace(connecting, &instance, tokens, account);
            let instance = instance.await?;
            self.keep_beside(connecting, &instance, *users, None).await;
            return Ok(instance);
        }
        let users_account = self.ask(connecting, &users).await?;
        if refuse_another_account(&instance, &users_account).is_err() {
            // Told of the first set: that is the account that consented.
            refused?;
        }
        let instance = self.replace(connecting, &instance, *users, users_account);
        let instance = instance.await?;
        let account = Some(account);
        self.keep_beside(connecting, &instance, tokens, account)
            .await;
        Ok(instance)
    }

    pub(crate) async fn replace(
        &self,
        connecting: &Connecting<'_>,
        instance: &Instance,
        tokens: TokenSet,
        account: Account,
    ) -> Result<Instance, EngineError> {
        let id = instance.id;
        let mut replace = ReplaceTokens {
            id,
            generation: instance.generation,
            parameters: connecting.parameters.to_keep(),
            account_id: account.id,
            account_label: account.label,
            keep_alive_at: self.keep_alive_of(connecting, &tokens, id),
            tokens,
        };
        let store = self.acting_store();
        let _changing = self.shared.hot.changing(id);
        let mut patience = Patience::new(self, id);
        loop {
            match store.replace_tokens(&replace).await {
                Ok(Committed::Done(instance)) => return Ok(instance),
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
        }
    }

    /// Stores a new instance, with its account where that is known already.
    pub(crate) async fn insert(
        &self,
        connecting: &Connecting<'_>,
        tokens: TokenSet,
        account: Option<Account>,
        beside: Option<&Instance>,
    ) -> Result<Instance, EngineError> {
        let (account, label) = (account.unwrap_or_default(), connecting.label.clone());
        let id = InstanceId::random()?;
        let new = NewInstance {
            id,
            tenant: self.tenant.to_string(),
            app: connecting.app.id,
            provider: connecting.app.provider.clone(),
            name: label.name,
            user: label.user,
            tags: label.tags,
            account_id: account.id,
            account_label: account.label,
            parameters: connecting.parameters.to_keep(),
            beside: beside.map(|instance| instance.id),
            keep_alive_at: self.keep_alive_of(connecting, &tokens, id),
            tokens,
        };
        let instance = self.insert_patiently(&new).await?;
        tracing::info!(provider = instance.provider, instance = %instance.id, "instance connected");
        Ok(instance)
    }

    fn keep_alive_of(
        &self,
        connecting: &Connecting<'_>,
        tokens: &TokenSet,
        id: InstanceId,
    ) -> Option<Timestamp> {
        let rotation = connecting.provider.descriptor().oauth2().rotation;
        keep_alive_at(tokens, &rotation, id, self.shared.clock.now())
    }

    /// Writes down whose account an instance is. The tokens are safe and will be proved by the first call: whatever fails
    /// here, only the account's name is missing.
    async fn identify(
        &self,
        connecting: &Connecting<'_>,
        instance: Instance,
        asked: TokenSet,
    ) -> Instance {
        let identified = async {
            let Account { id, label } = self.ask(connecting, &asked).await?;
            let store = &self.shared.store;
            let _changing = self.shared.hot.changing(instance.id);
            store
                .set_account(instance.id, id, label, asked.captures)
                .await?;
            self.instance(instance.id).load().await
        };
        identified.await.unwrap_or_else(|error: EngineError| {
            tracing::warn!(provider = instance.provider, instance = %instance.id, "whose account it is stays unknown: {error}");
            instance
        })
    }

    /// Asks the provider whose account a set of tokens speaks for.
    pub(crate) async fn ask(
        &self,
        connecting: &Connecting<'_>,
        tokens: &TokenSet,
    ) -> Result<Account, EngineError> {
        self.ask_account(
            connecting.provider,
            connecting.parameters,
            &tokens.access_token,
            &tokens.captures,
        )
        .await
    }

    async fn insert_patiently(&self, new: &NewInstance) -> Result<Instance, EngineError> {
        let (store, mut patience) = (self.acting_store(), Patience::new(self, new.id));
        loop {
            match store.insert_instance(new).await {
                Ok(instance) => return Ok(instance),
                Err(error) => {
                    patience.after(error).await?;
                    // The write may have been done all the same.
                    if let Ok(Some(instance)) = store.instance(&new.tenant, new.id).await {
                        return Ok(instance);
                    }
                }
            }
        }
    }
}

/// What is needed to ask whose account it is, while the tokens themselves are being stored.
fn without_refresh_token(tokens: &TokenSet) -> TokenSet {
    TokenSet {
        captures: tokens.captures.clone(),
        ..TokenSet::of(tokens.access_token.duplicate())
    }
}
