//! API keys: who may do what for a tenant. The keys themselves are not here, only what finds one again.

use std::time::Duration;

use tieline_core::{ApiKeyId, Timestamp};

use crate::tenants::{check_id, check_name};
use crate::{Permissions, Store, StoreError};

/// Between two notes that a key was used.
const BETWEEN_NOTES: Duration = Duration::from_secs(60 * 60);

/// An API key to be stored. Whoever makes it keeps the key.
#[derive(Debug)]
pub struct NewApiKey {
    /// Whose it is. The tenant must be there.
    pub tenant: String,
    /// What a person calls it: 200 characters at most.
    pub name: Option<String>,
    /// What it may do; at least one thing.
    pub permissions: Permissions,
    /// SHA-256 of the key.
    pub key_hash: [u8; 32],
    /// The last four characters of the key.
    pub hint: String,
}

/// An API key, as far as it is told of after it was made.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub tenant: String,
    /// What a person calls it.
    pub name: Option<String>,
    /// What it may do.
    pub permissions: Permissions,
    /// The last four characters of the key.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used last, to the hour or so; none = never, as far as anybody knows.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is good for nothing.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether a note that it is used at an instant is worth a write.
    pub fn is_worth_noting(&self, now: Timestamp) -> bool {
        self.last_used_at
            .is_none_or(|last| last <= an_hour_before(now))
    }
}

impl Store {
    /// Stores an API key, with the event `api_key.created`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such tenant; [`StoreError::Invalid`] when the name does not do or nothing is permitted.
    pub async fn create_api_key(&self, new: NewApiKey) -> Result<ApiKey, StoreError> {
        check_name(new.name.as_deref())?;
        if check_id(&new.tenant).is_err() {
            return Err(StoreError::NotFound {
                what: "tenant",
                name: new.tenant,
            });
        }
        if new.permissions.is_empty() {
            return Err(StoreError::Invalid(
                "an API key that may do nothing is of no use: give it at least one permission"
                    .to_owned(),
            ));
        }
        let key = ApiKey {
            id: ApiKeyId::random()?,
            tenant: new.tenant,
            name: new.name,
            permissions: new.permissions,
            hint: new.hint,
            created_at: self.now(),
            last_used_at: None,
            revoked_at: None,
        };
        self.backend()
            .insert_api_key(&key, &new.key_hash, self.actor())
            .await
    }

    /// The API key with this SHA-256, whoever's it is, revoked or not.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn api_key_by_hash(&self, key_hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        self.backend().api_key_by_hash(key_hash).await
    }

    /// A tenant's API keys, or with `None` those of all tenants, revoked ones too: by id, after `after`.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn api_keys(
        &self,
        tenant: Option<&str>,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, StoreError> {
        if tenant.is_some_and(|tenant| check_id(tenant).is_err()) {
            return Ok(Vec::new());
        }
        self.backend().api_keys(tenant, after, limit).await
    }

    /// Revokes a tenant's API key, or with `None` anybody's, with the event `api_key.revoked`. One that is revoked already stays as it
    /// is. `None` when there is no such key.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn revoke_api_key(
        &self,
        tenant: Option<&str>,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        self.backend()
            .revoke_api_key(tenant, id, self.now(), self.actor())
            .await
    }

    /// Notes that an API key is in use; nothing is written within an hour of the last note.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn note_api_key_used(&self, id: ApiKeyId) -> Result<(), StoreError> {
        let now = self.now();
        self.backend()
            .note_api_key_used(id, now, an_hour_before(now))
            .await
    }
}

fn an_hour_before(now: Timestamp) -> Timestamp {
    now.checked_sub(BETWEEN_NOTES).unwrap_or(Timestamp::MIN)
}
