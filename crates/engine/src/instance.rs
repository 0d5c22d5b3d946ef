//! One connected account, as a host holds it.

use std::collections::BTreeMap;
use std::fmt;

use tieline_core::descriptor::Account;
use tieline_core::{InstanceId, Secret, Timestamp};
use tieline_store::{Event, Instance, InstanceQuery, Purpose, Relabel, Status};

use crate::account::refuse_another_account;
use crate::due::is_renewable;
use crate::engine::Shared;
use crate::label::{check_name, checked_tags};
use crate::recovery::Urgency;
use crate::{Engine, EngineError};

/// One connected account. Cheap to clone; holds no token.
#[derive(Debug, Clone)]
pub struct InstanceHandle {
    pub(crate) engine: Engine,
    pub(crate) id: InstanceId,
}

/// An access token that is valid now, as far as anybody knows.
pub struct AccessToken {
    /// The token.
    pub token: Secret,
    /// When it stops working; `None` = unknown.
    pub expires_at: Option<Timestamp>,
    /// Which token set of the instance it belongs to.
    pub generation: i64,
}

impl InstanceHandle {
    /// Its id.
    pub fn id(&self) -> InstanceId {
        self.id
    }

    /// What is stored of it, without secrets.
    ///
    /// # Errors
    /// When it isn't there, or belongs to another tenant.
    pub async fn load(&self) -> Result<Instance, EngineError> {
        let found = self
            .engine
            .shared
            .store
            .instance(&self.engine.tenant, self.id)
            .await?;
        found.ok_or(EngineError::NoSuchInstance(self.id))
    }

    /// A valid access token, refreshed first if it is due.
    ///
    /// # Errors
    /// When a person must reconnect the account, or the provider can't be reached and the old token is no longer good.
    pub async fn access_token(&self) -> Result<AccessToken, EngineError> {
        #[cfg(feature = "failpoints")]
        if let Some(early) = crate::sabotage::seen_early(self).await {
            return Ok(early);
        }
        let ready = self.ready(Purpose::Reveal).await?;
        Ok(AccessToken {
            token: ready.access_token.duplicate(),
            expires_at: ready.instance.expires_at,
            generation: ready.instance.generation,
        })
    }

    /// Refreshes now, due or not, and however lately it failed.
    ///
    /// # Errors
    /// As for [`access_token`](Self::access_token); also when there is no refresh token.
    pub async fn refresh(&self) -> Result<Instance, EngineError> {
        let seen = self.load().await?;
        self.usable(&seen)?;
        let descriptor = self.engine.provider(&seen.provider)?.descriptor();
        if !is_renewable(descriptor, &seen) {
            let provider = seen.provider;
            return Err(EngineError::NotRefreshable {
                provider,
                instance: self.id,
            });
        }
        self.engine.refresh_past(&seen, Urgency::Asked).await
    }

    /// Asks the provider whose account it is, which proves the token, and remembers the answer.
    ///
    /// # Errors
    /// As for [`access_token`](Self::access_token); also when the health check fails.
    pub async fn check(&self) -> Result<Account, EngineError> {
        let instance = &self.ready(Purpose::Check).await?.instance;
        let provider = self.engine.provider(&instance.provider)?;
        let account = match provider.account(self, &instance.captures).await {
            Ok(account) => account,
            Err(error) => {
                // The call may have found out that only a person can help: then that is what to tell.
                self.usable(&self.load().await?)?;
                let provider = instance.provider.clone();
                return Err(EngineError::Account { provider, error });
            }
        };
        refuse_another_account(instance, &account)?;
        let Account { id, label } = account.clone();
        let Shared { store, hot, .. } = &*self.engine.shared;
        let _changing = hot.changing(self.id);
        store
            .set_account(self.id, id, label, instance.captures.clone())
            .await?;
        Ok(account)
    }

    /// Changes what the host calls it and finds it by.
    ///
    /// # Errors
    /// When it isn't there, or what is given can't be used.
    pub async fn relabel(&self, change: Relabel) -> Result<Instance, EngineError> {
        check_name(change.name.as_ref().and_then(Option::as_deref))?;
        let change = Relabel {
            tags: change.tags.map(checked_tags).transpose()?,
            ..change
        };
        let (engine, store) = (&self.engine, &self.engine.shared.store);
        let found = store.relabel(&engine.tenant, self.id, &change).await?;
        found.ok_or(EngineError::NoSuchInstance(self.id))
    }

    /// Takes it out of use: nobody is given its token or calls with it, and it is kept alive all the same. Or takes it into use
    /// again.
    ///
    /// # Errors
    /// When it isn't there.
    pub async fn set_disabled(&self, disabled: bool) -> Result<Instance, EngineError> {
        let (engine, store) = (&self.engine, self.engine.acting_store());
        let _changing = engine.shared.hot.changing(self.id);
        let found = store
            .set_disabled(&engine.tenant, self.id, disabled)
            .await?;
        found.ok_or(EngineError::NoSuchInstance(self.id))
    }

    /// What happened to it, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events(&self, limit: u32) -> Result<Vec<Event>, EngineError> {
        self.events_before(None, limit).await
    }

    /// As [`events`](Self::events), a page at a time: those before the event with this id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events_before(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Event>, EngineError> {
        let (engine, id) = (&self.engine, Some(self.id));
        let events = engine
            .shared
            .store
            .events_before(&engine.tenant, id, before, limit);
        Ok(events.await?)
    }

    /// Refuses an instance whose tokens must not be used.
    pub(crate) fn usable(&self, instance: &Instance) -> Result<(), EngineError> {
        match instance.status {
            Status::Ok => Ok(()),
            Status::ReconnectRequired => Err(EngineError::ReconnectRequired {
                provider: instance.provider.clone(),
                instance: self.id,
                cause: instance.cause,
            }),
            Status::Unreadable => Err(EngineError::Unreadable(self.id)),
            Status::Deleting => Err(EngineError::Leaving(self.id)),
        }
    }
}

impl Engine {
    /// The tenant's instances, a page at a time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn instances(&self, query: InstanceQuery) -> Result<Vec<Instance>, EngineError> {
        let tenant = self.tenant.to_string();
        Ok(self
            .shared
            .store
            .instances(InstanceQuery { tenant, ..query })
            .await?)
    }

    /// How many of the tenant's instances there are with each status.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn census(&self) -> Result<BTreeMap<Status, u64>, EngineError> {
        Ok(self.shared.store.census_of(&self.tenant).await?)
    }

    /// What happened to all of the tenant's apps and instances, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events(&self, limit: u32) -> Result<Vec<Event>, EngineError> {
        self.events_before(None, limit).await
    }

    /// As [`events`](Self::events), a page at a time: those before the event with this id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events_before(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Event>, EngineError> {
        let store = &self.shared.store;
        let events = store.events_before(&self.tenant, None, before, limit);
        Ok(events.await?)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("expires_at", &self.expires_at)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
