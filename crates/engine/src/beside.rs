//! The second set of tokens that one answer may bring, for the person beside the app.
//!
//! Each set rotates on its own and so has a life of its own: an instance beside the first.

use tieline_core::TokenSet;
use tieline_core::descriptor::Account;
use tieline_oauth::TokenClient;
use tieline_store::{Instance, InstanceQuery, Status};

use crate::connect::Connecting;
use crate::{Engine, EngineError};

impl Engine {
    /// The set that came with a refresh. It is kept when that was; where the instance is gone meanwhile, nothing is to
    /// outlive it.
    pub(crate) async fn keep_second_set(
        &self,
        client: &TokenClient<'_>,
        beside: &Instance,
        users: TokenSet,
        committed: &Result<(), EngineError>,
    ) {
        let kept = async {
            if committed.is_err() {
                let TokenSet {
                    access_token,
                    refresh_token,
                    ..
                } = &users;
                return self
                    .revoke_pair(client, refresh_token.as_ref(), access_token)
                    .await;
            }
            let connecting = Connecting {
                provider: self.provider(&beside.provider)?,
                parameters: &self.instance_parameters(beside).await?,
                app: &self.app(beside.app).await?,
                instance_name: beside.name.clone(),
            };
            self.try_beside(&connecting, beside, users, None).await
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
    async fn neighbour(
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
