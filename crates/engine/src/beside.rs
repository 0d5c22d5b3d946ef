//! The second set of tokens that one answer may bring, for the person beside the app.
//!
//! Each set rotates on its own and so has a life of its own: an instance beside the first.

use tieline_core::TokenSet;
use tieline_core::descriptor::Account;
use tieline_oauth::TokenClient;
use tieline_store::{Instance, InstanceQuery, Status};

use crate::connect::Connecting;
use crate::label::Label;
use crate::{Engine, EngineError};

impl Engine {
    /// The set that came with a refresh. Where the instance that it came with is gone meanwhile, and no other has this
    /// account, nothing is to outlive it.
    pub(crate) async fn keep_second_set(&self, beside: &Instance, tokens: TokenSet, is_gone: bool) {
        let kept = async {
            let provider = self.provider(&beside.provider)?;
            let parameters = &self.instance_parameters(beside).await?;
            let connecting = Connecting {
                provider,
                parameters,
                app: &self.app(beside.app).await?,
                label: Label {
                    name: beside.name.clone(),
                    user: beside.user.clone(),
                    tags: beside.tags.clone(),
                },
            };
            let account = self.ask(&connecting, &tokens).await.unwrap_or_default();
            if is_gone && (self.neighbour(&connecting, beside, &account).await?).is_none() {
                let (edge, clock) = (&self.shared.edge, &*self.shared.clock);
                let client = TokenClient::new(provider, parameters, edge, clock);
                let refresh_token = tokens.refresh_token.as_ref();
                return self
                    .revoke_pair(&client, refresh_token, &tokens.access_token)
                    .await;
            }
            self.try_beside(&connecting, beside, tokens, Some(account))
                .await
        };
        told(beside, kept.await);
    }

    /// The other set of a consent: for the instance of the same app that has its account, or else a new one. The instance
    /// that it stands beside has its tokens already, whatever comes of this.
    pub(crate) async fn keep_beside(
        &self,
        connecting: &Connecting<'_>,
        beside: &Instance,
        tokens: TokenSet,
        account: Option<Account>,
    ) {
        let kept = self.try_beside(connecting, beside, tokens, account);
        told(beside, kept.await);
    }

    async fn try_beside(
        &self,
        connecting: &Connecting<'_>,
        beside: &Instance,
        tokens: TokenSet,
        account: Option<Account>,
    ) -> Result<(), EngineError> {
        let account = match account {
            Some(known) => known,
            // Whose it is can be asked for again; the tokens come only once.
            None => self.ask(connecting, &tokens).await.unwrap_or_default(),
        };
        match self.neighbour(connecting, beside, &account).await? {
            Some(known) => self.replace(connecting, &known, tokens, account).await?,
            None => {
                let beside = Some(beside);
                self.insert(connecting, tokens, Some(account), beside)
                    .await?
            }
        };
        Ok(())
    }

    /// The instance, other than this one, that has this account at the same app.
    pub(crate) async fn neighbour(
        &self,
        connecting: &Connecting<'_>,
        beside: &Instance,
        account: &Account,
    ) -> Result<Option<Instance>, EngineError> {
        if account.id.is_none() {
            return Ok(None);
        }
        let query = InstanceQuery {
            app: Some(connecting.app.id),
            account_id: account.id.clone(),
            ..InstanceQuery::of(self.tenant())
        };
        let mut found = self.instances(query).await?.into_iter();
        Ok(found.find(|found| found.id != beside.id && found.status != Status::Deleting))
    }
}

/// The instance that the set stands beside has its own tokens: it does not fail for this.
fn told(beside: &Instance, kept: Result<(), EngineError>) {
    if let Err(error) = kept {
        tracing::error!(provider = beside.provider, instance = %beside.id, "the second set of tokens could not be kept: {error}");
    }
}
