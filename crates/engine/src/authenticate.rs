//! Whose request is this? An API key says it, and what may be done for that tenant.

use tieline_core::{ApiKeyId, Secret, Timestamp};
use tieline_store::{ApiKey, Permission, Permissions};

use crate::api_key_text::hash_of;
use crate::engine::DEFAULT_TENANT;
use crate::{Engine, EngineError};

/// Whoever holds an API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// The key.
    pub id: ApiKeyId,
    /// For whom it speaks.
    pub tenant: String,
    /// What it may do there.
    pub permissions: Permissions,
}

impl KeyHolder {
    /// How events name them: `api-key:` and the key's id; for [`Engine::acting_as`].
    pub fn actor(&self) -> String {
        format!("api-key:{}", self.id)
    }

    /// Whether they may manage tenants, and API keys of all tenants.
    pub fn is_operator(&self) -> bool {
        self.tenant == DEFAULT_TENANT && self.permissions.contains(Permission::Admin)
    }
}

impl Engine {
    /// Whoever holds this API key, of whatever tenant; `None` when it is no key, or not one that is good.
    ///
    /// What was found is believed for two seconds: so long may a key be used in other processes after it was revoked. In this one
    /// it stops at once. A text that doesn't look like a key is not looked up.
    ///
    /// # Errors
    /// When the store fails: then nobody knows, and nothing may be done.
    pub async fn authenticate(&self, key: &Secret) -> Result<Option<KeyHolder>, EngineError> {
        let Some(hash) = hash_of(key) else {
            return Ok(None);
        };
        let (known, now) = (&self.shared.known_keys, self.shared.clock.now());
        if let Some(holder) = known.find(&hash, now) {
            return Ok(Some(holder));
        }
        let before = known.revocations();
        // Looked up by its hash: how long that takes tells of hashes alone, and nobody can choose what a hash begins with.
        let found = self.shared.store.api_key_by_hash(&hash).await?;
        let Some(key) = found.filter(|key| key.revoked_at.is_none()) else {
            return Ok(None);
        };
        self.note_use(&key, now);
        let holder = KeyHolder {
            id: key.id,
            tenant: key.tenant,
            permissions: key.permissions,
        };
        known.remember(hash, holder.clone(), now, before);
        Ok(Some(holder))
    }

    /// Writes down that a key is used, once an hour or so, and keeps nobody waiting for it.
    fn note_use(&self, key: &ApiKey, now: Timestamp) {
        if !key.is_worth_noting(now) {
            return;
        }
        let (store, id) = (self.shared.store.clone(), key.id);
        let noted = self.shared.tasks.spawn(async move {
            if let Err(error) = store.note_api_key_used(id).await {
                tracing::warn!(api_key = %id, "that it is used could not be written down: {error}");
            }
        });
        // An engine that shuts down writes no more of this.
        drop(noted);
    }
}
