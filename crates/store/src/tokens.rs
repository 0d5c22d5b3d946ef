//! The sealed tokens of an instance.

use tieline_core::{InstanceId, Secret, TokenSet};

use crate::backend::SealedTable;
use crate::keyring::Keyring;
use crate::seal::{Blob, Place};
use crate::{Instance, Purpose, Store, StoreError};

const TABLE: &str = SealedTable::Instances.name();

/// One generation's tokens, each sealed by itself: a call that needs the access token never opens the refresh token.
#[derive(Debug, Default)]
pub(crate) struct SealedTokens {
    pub(crate) access_token: Blob,
    pub(crate) refresh_token: Option<Blob>,
}

impl SealedTokens {
    pub(crate) fn seal(
        keyring: &Keyring,
        tokens: &TokenSet,
        tenant: &str,
        id: InstanceId,
        generation: i64,
    ) -> Result<Self, StoreError> {
        let seal = |column, token: &Secret| {
            let place = Place {
                table: TABLE,
                column,
                tenant,
                row: id.0,
                version: generation,
            };
            keyring.seal(&place, token.expose().as_bytes())
        };
        Ok(Self {
            access_token: seal("access_token", &tokens.access_token)?,
            refresh_token: tokens
                .refresh_token
                .as_ref()
                .map(|token| seal("refresh_token", token))
                .transpose()?,
        })
    }
}

impl Store {
    /// Opens the access token of the generation that `instance` was read with.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`]; the instance is then marked so, and its blobs stay as they are.
    pub async fn access_token(
        &self,
        instance: &Instance,
        purpose: Purpose,
    ) -> Result<Secret, StoreError> {
        self.token(
            instance,
            "access_token",
            &instance.tokens.access_token,
            purpose,
        )
        .await
    }

    /// Opens the refresh token of the generation that `instance` was read with; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`]; the instance is then marked so, and its blobs stay as they are.
    pub async fn refresh_token(
        &self,
        instance: &Instance,
        purpose: Purpose,
    ) -> Result<Option<Secret>, StoreError> {
        match &instance.tokens.refresh_token {
            Some(blob) => self
                .token(instance, "refresh_token", blob, purpose)
                .await
                .map(Some),
            None => Ok(None),
        }
    }

    async fn token(
        &self,
        instance: &Instance,
        column: &'static str,
        blob: &Blob,
        purpose: Purpose,
    ) -> Result<Secret, StoreError> {
        let place = Place {
            table: TABLE,
            column,
            tenant: &instance.tenant,
            row: instance.id.0,
            version: instance.generation,
        };
        let mut opened = self.open_text(&place, blob, purpose).await;
        if let Err(StoreError::Unreadable { .. }) = opened
            && let Some(blob) = self.resealed(instance, column, blob).await?
        {
            opened = self.open_text(&place, &blob, purpose).await;
        }
        if let Err(StoreError::Unreadable { .. }) = opened {
            let marked = self
                .backend()
                .mark_unreadable(instance.id, instance.generation, self.now())
                .await;
            if let Err(error) = marked {
                tracing::error!(instance = %instance.id, %error, "an unreadable instance could not be marked so");
            }
        }
        opened
    }

    /// The blob that stands in the place of one that does not open, where another process has sealed the row again since it was
    /// read: the key it was read with may be gone.
    async fn resealed(
        &self,
        instance: &Instance,
        column: &str,
        blob: &Blob,
    ) -> Result<Option<Blob>, StoreError> {
        if !self.is_shared() {
            return Ok(None);
        }
        let now = self.backend().instance_by_id(instance.id).await?;
        Ok(now
            .filter(|now| now.generation == instance.generation)
            .and_then(|now| match column {
                "access_token" => Some(now.tokens.access_token.clone()),
                _ => now.tokens.refresh_token.clone(),
            })
            .filter(|now| now != blob))
    }
}
