//! The end of an instance: revoked at the provider first, then forgotten.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use tieline_core::descriptor::Revocable;
use tieline_core::{InstanceId, Secret};
use tieline_oauth::{RevokeFailure, TokenClient, TokenTypeHint};
use tieline_store::{Instance, Purpose};

use crate::flights::landing;
use crate::lease::{FIRST_PAUSE, LONGEST_PAUSE};
use crate::{Engine, EngineError, InstanceHandle};

/// An instance that is no more.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Disconnected {
    /// What it was called.
    pub instance: InstanceId,
    /// What the provider knows of it.
    pub revocation: Revocation,
}

/// What became of the tokens at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Revocation {
    /// The provider has revoked them.
    Revoked,
    /// The provider offers no revocation: they die of old age.
    NotOffered,
    /// The provider could not be asked, and the caller didn't want to wait.
    Unconfirmed,
}

impl Revocation {
    /// As it is written.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::NotOffered => "not_offered",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

impl InstanceHandle {
    /// Revokes at the provider (RFC 7009, refresh token first) and deletes.
    ///
    /// If the provider can't be asked, the instance stays, marked as leaving, so that this can be tried again; with
    /// `anyway` it is deleted all the same.
    ///
    /// # Errors
    /// When the instance isn't there, or the provider can't be asked and `anyway` is not given.
    pub async fn disconnect(&self, anyway: bool) -> Result<Disconnected, EngineError> {
        let handle = self.clone();
        self.engine
            .uninterrupted(async move { handle.leave(anyway).await })
            .await
    }

    async fn leave(&self, anyway: bool) -> Result<Disconnected, EngineError> {
        let engine = &self.engine;
        let store = &engine.shared.store;
        let _changing = engine.shared.hot.changing(self.id);
        let leaving = store
            .begin_delete(&engine.tenant, self.id)
            .await?
            .ok_or(EngineError::NoSuchInstance(self.id))?;
        if let Some(flight) = engine.shared.flights.under_way(self.id) {
            // However it lands: what counts is which tokens are stored afterwards.
            let _ = landing(flight).await;
        } else {
            engine.await_other_lease(leaving).await?;
        }
        let revocation = match self.revoke().await {
            Ok(revocation) => revocation,
            Err(error) if anyway => {
                tracing::warn!(instance = %self.id, "deleted without the provider's confirmation: {error}");
                Revocation::Unconfirmed
            }
            Err(error) => return Err(error),
        };
        let store = engine.acting_store();
        if store.delete_instance(self.id, revocation.word()).await? {
            Ok(Disconnected {
                instance: self.id,
                revocation,
            })
        } else {
            Err(EngineError::NoSuchInstance(self.id))
        }
    }

    async fn revoke(&self) -> Result<Revocation, EngineError> {
        let engine = &self.engine;
        let store = &engine.shared.store;
        let instance = self.load().await?;
        let provider = engine.provider(&instance.provider)?;
        let parameters = engine.instance_parameters(&instance).await?;
        let client = TokenClient::new(
            provider,
            &parameters,
            &engine.shared.edge,
            &*engine.shared.clock,
        );
        if !client.can_revoke() {
            return Ok(Revocation::NotOffered);
        }
        let refresh_token = match provider.descriptor().oauth2().revocable {
            Revocable::Both => store.refresh_token(&instance, Purpose::Revoke).await?,
            Revocable::AccessToken => None,
        };
        let access_token = store.access_token(&instance, Purpose::Revoke).await?;
        engine
            .revoke_pair(&client, refresh_token.as_ref(), &access_token)
            .await?;
        Ok(Revocation::Revoked)
    }
}

impl Engine {
    /// Waits for the process that refreshes an instance which is being deleted, if there is one: what it commits is to be
    /// revoked.
    async fn await_other_lease(&self, mut instance: Instance) -> Result<(), EngineError> {
        let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
        while let Some(lease) = &instance.lease
            && lease.owner != self.shared.owner
            && started.elapsed() < self.shared.lease
        {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            instance = self.instance(instance.id).load().await?;
        }
        Ok(())
    }

    /// Refresh token first: that ends the grant, and at most providers the access token with it (RFC 7009 section 2.1).
    pub(crate) async fn revoke_pair(
        &self,
        client: &TokenClient<'_>,
        refresh_token: Option<&Secret>,
        access_token: &Secret,
    ) -> Result<(), EngineError> {
        if !client.can_revoke() {
            return Ok(());
        }
        let refresh_token = refresh_token.map(|token| (token, TokenTypeHint::RefreshToken));
        let (mut revoked, mut unsupported) = (false, None);
        for (token, hint) in refresh_token
            .into_iter()
            .chain([(access_token, TokenTypeHint::AccessToken)])
        {
            match client.revoke(token, hint).await {
                Ok(()) => revoked = true,
                Err(failure) if failure.is_dead_already() => revoked = true,
                Err(error @ RevokeFailure::UnsupportedTokenType(_)) => unsupported = Some(error),
                Err(error) if revoked && !error.is_transient() => {
                    tracing::warn!("the grant is revoked, its access token is not: {error}");
                }
                Err(error) => return Err(error.into()),
            }
        }
        match unsupported {
            Some(error) if !revoked => Err(error.into()),
            _ => Ok(()),
        }
    }
}
