//! Authorizations: one run of the front channel each, taken exactly once.

use std::collections::BTreeMap;

use tieline_core::{AppId, AuthorizationId, InstanceId, Secret, Timestamp};

use crate::seal::Place;
use crate::words::words;
use crate::{Purpose, Store, StoreError};

words! {
    /// What ties an authorization to whoever started it.
    pub enum Binding {
        /// The process that made the state receives the callback.
        Local = "local",
        /// The same user is signed in at start and at callback, or it is the same browser.
        Session = "session",
        /// The caller confirms with a ticket after the callback.
        Confirm = "confirm",
    }
}

/// An authorization to be started.
#[derive(Debug)]
pub struct NewAuthorization {
    /// Whose it is.
    pub tenant: String,
    /// The app it runs for.
    pub app: AppId,
    /// SHA-256 of the state.
    pub state_hash: [u8; 32],
    /// The PKCE verifier (RFC 7636), where one is used.
    pub verifier: Option<Secret>,
    /// As sent in the authorization request, byte for byte.
    pub redirect_uri: String,
    /// The scopes asked for.
    pub scopes: Vec<String>,
    /// What ties it to whoever started it.
    pub binding: Binding,
    /// Who started it, in the host's words.
    pub user: Option<String>,
    /// SHA-256 of what the browser holds that started it, where it is bound to that browser alone.
    pub browser_hash: Option<[u8; 32]>,
    /// The instance that is authorized again; `None` for a new one.
    pub instance: Option<InstanceId>,
    /// The name of the instance to be.
    pub instance_name: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// What the person who connects the account gave, by parameter key. Never secret.
    pub parameters: BTreeMap<String, String>,
    /// Where the person goes in the end.
    pub return_to: Option<String>,
    /// When its state stops being accepted.
    pub expires_at: Timestamp,
}

/// An authorization that was called back. It is no longer in the store.
#[derive(Debug)]
pub struct TakenAuthorization {
    /// Its id.
    pub id: AuthorizationId,
    /// Whose it is.
    pub tenant: String,
    /// The app it runs for.
    pub app: AppId,
    /// The PKCE verifier.
    pub verifier: Option<Secret>,
    /// As sent in the authorization request.
    pub redirect_uri: String,
    /// The scopes asked for.
    pub scopes: Vec<String>,
    /// What ties it to whoever started it.
    pub binding: Binding,
    /// Who started it.
    pub user: Option<String>,
    /// SHA-256 of what the browser held that started it.
    pub browser_hash: Option<[u8; 32]>,
    /// The instance that is authorized again.
    pub instance: Option<InstanceId>,
    /// The name of the instance to be.
    pub instance_name: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// What the person who connects the account gave, by parameter key.
    pub parameters: BTreeMap<String, String>,
    /// Where the person goes in the end.
    pub return_to: Option<String>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When its state stops being accepted: for the caller to judge.
    pub expires_at: Timestamp,
}

/// An authorization that waits for its callback, as far as anybody needs to know who doesn't take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// Whose it is.
    pub tenant: String,
    /// The app it runs for.
    pub app: AppId,
    /// What ties it to whoever started it.
    pub binding: Binding,
}

fn place(tenant: &str, id: AuthorizationId) -> Place<'_> {
    Place {
        table: "authorizations",
        column: "verifier",
        tenant,
        row: id.0,
        version: 1,
    }
}

impl Store {
    /// Starts an authorization.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant has no such app or instance; [`StoreError::Conflict`] when the state is not new.
    pub async fn start_authorization(
        &self,
        mut new: NewAuthorization,
    ) -> Result<AuthorizationId, StoreError> {
        let id = AuthorizationId::random()?;
        let now = self.now();
        let (verifier, new) = (new.verifier.take(), &new);
        self.sealing(
            |keyring| {
                verifier
                    .as_ref()
                    .map(|verifier| {
                        keyring.seal(&place(&new.tenant, id), verifier.expose().as_bytes())
                    })
                    .transpose()
            },
            |verifier| {
                self.backend()
                    .insert_authorization(id.0, new, verifier, now)
            },
        )
        .await?;
        Ok(id)
    }

    /// Looks at the authorization of a state, and leaves it where it is. An expired one is found too.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn authorization(
        &self,
        state_hash: &[u8; 32],
    ) -> Result<Option<UnderWay>, StoreError> {
        self.backend().authorization(state_hash).await
    }

    /// Takes the authorization of a state out of the store: of many callers exactly one gets it. An expired one is taken too.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when its verifier does not open; it is gone all the same.
    pub async fn take_authorization(
        &self,
        state_hash: &[u8; 32],
    ) -> Result<Option<TakenAuthorization>, StoreError> {
        let Some((mut taken, verifier)) = self.backend().take_authorization(state_hash).await?
        else {
            return Ok(None);
        };
        if let Some(blob) = verifier {
            taken.verifier = Some(
                self.open_text(&place(&taken.tenant, taken.id), &blob, Purpose::Exchange)
                    .await?,
            );
        }
        Ok(Some(taken))
    }

    /// Removes authorizations that expired before an instant; returns how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn purge_authorizations(&self, expired_before: Timestamp) -> Result<u64, StoreError> {
        self.backend().purge_authorizations(expired_before).await
    }
}
