//! Connect links: each lets one person start one authorization, without a key of the host's.

use tieline_core::{AppId, InstanceId, LinkId, Timestamp};

use crate::{Store, StoreError};

/// A link to be made.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// Whose it is.
    pub tenant: String,
    /// The app that the account is connected to.
    pub app: AppId,
    /// SHA-256 of the token in the link.
    pub token_hash: [u8; 32],
    /// For whom it was made, in the host's words.
    pub user: String,
    /// The scopes to ask for; `None` = the app's.
    pub scopes: Option<Vec<String>>,
    /// The instance that is authorized again; `None` for a new one.
    pub instance: Option<InstanceId>,
    /// The name of the instance to be.
    pub instance_name: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Where the person goes in the end.
    pub return_to: Option<String>,
    /// When it stops being good.
    pub expires_at: Timestamp,
}

/// A link, as it was made.
#[derive(Debug, Clone)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// What it was made of.
    pub made_of: NewLink,
}

impl Store {
    /// Makes a link.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant has no such app or instance.
    pub async fn create_link(&self, new: NewLink) -> Result<Link, StoreError> {
        let id = LinkId::random()?;
        self.backend().insert_link(id, &new, self.now()).await?;
        Ok(Link { id, made_of: new })
    }

    /// The link of a token. An expired one is found too.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn link(&self, token_hash: &[u8; 32]) -> Result<Option<Link>, StoreError> {
        self.backend().link(token_hash).await
    }

    /// Takes the link of a token out of the store: of many callers exactly one gets it. An expired one is taken too.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn take_link(&self, token_hash: &[u8; 32]) -> Result<Option<Link>, StoreError> {
        self.backend().take_link(token_hash).await
    }
}
