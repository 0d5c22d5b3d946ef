//! People sign in to the pages with an API key: the browser then holds a session and not the key.

use std::fmt;
use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::{Secret, Timestamp, random};
use tieline_store::ApiKey;

use crate::lookup_hash::lookup_hash;
use crate::{Engine, EngineError};

/// How long somebody stays signed in.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Somebody who has signed in.
pub struct NewSession {
    /// What the browser is to hold, and nobody else.
    pub token: Secret,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl Engine {
    /// Signs somebody in with an API key, of whatever tenant; `None` when it is no key, or not one that is good.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_in(&self, key: &Secret) -> Result<Option<NewSession>, EngineError> {
        let Some(holder) = self.authenticate(key).await? else {
            return Ok(None);
        };
        let (store, token) = (&self.shared.store, random::token()?);
        let expires_at = saturating_add(self.shared.clock.now(), SESSION_LIFETIME);
        let hash = lookup_hash(token.expose());
        let begun = store.begin_session(&hash, holder.id, expires_at).await?;
        Ok(begun.then_some(NewSession { token, expires_at }))
    }

    /// The API key that the holder of a session has signed in with; `None` when the session has ended, or the key was revoked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn session(&self, token: &Secret) -> Result<Option<ApiKey>, EngineError> {
        let hash = lookup_hash(token.expose());
        Ok(self.shared.store.api_key_of_session(&hash).await?)
    }

    /// Signs out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_out(&self, token: &Secret) -> Result<(), EngineError> {
        let hash = lookup_hash(token.expose());
        Ok(self.shared.store.end_session(&hash).await?)
    }
}

impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
