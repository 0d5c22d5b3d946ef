//! Instances: connected accounts, apart from their tokens and the refresh.

use std::collections::BTreeMap;
use std::sync::Arc;

use tieline_core::{AppId, InstanceId, Timestamp, TokenSet};

use crate::events::happened;
use crate::tokens::SealedTokens;
use crate::words::words;
use crate::{Store, StoreError};

words! {
    /// Whether an instance can be used.
    pub enum Status {
        /// It can.
        Ok = "ok",
        /// A person must authorize it again; the cause says why.
        ReconnectRequired = "reconnect_required",
        /// A sealed token does not open. The blobs stay as they are; authorizing again replaces them.
        Unreadable = "unreadable",
        /// Being revoked at the provider; then the row goes.
        Deleting = "deleting",
    }
}

words! {
    /// Why a person must authorize an instance again.
    pub enum Cause {
        /// The grant was withdrawn.
        Revoked = "revoked",
        /// The refresh token reached the end of its life.
        Expired = "expired",
        /// The provider keeps refusing for another reason.
        Rejected = "rejected",
        /// An attempt of this generation ended unknown, and its answer is lost.
        LostResponse = "lost_response",
        /// Somebody else spent the refresh token.
        Conflict = "conflict",
    }
}

/// An instance to be stored.
#[derive(Debug)]
pub struct NewInstance {
    /// Its id, random: given, so that a caller who doesn't know whether it was stored can look.
    pub id: InstanceId,
    /// Whose it is.
    pub tenant: String,
    /// The app whose credentials obtained the tokens.
    pub app: AppId,
    /// The provider's id, the same as the app's.
    pub provider: String,
    /// A name, if the owner gave one.
    pub name: Option<String>,
    /// The host's name for the person who connected it.
    pub user: Option<String>,
    /// What the host finds it by, each once.
    pub tags: Vec<String>,
    /// The account's id at the provider.
    pub account_id: Option<String>,
    /// What the account's owner would recognise it by.
    pub account_label: Option<String>,
    /// What the person who connected it gave, by parameter key. Never secret.
    pub parameters: BTreeMap<String, String>,
    /// The instance of the other token set, where one consent brought two: the event `instance.connected` names it.
    pub beside: Option<InstanceId>,
    /// The first token set.
    pub tokens: TokenSet,
    /// When it is to be refreshed for the refresh token's own sake; none = never.
    pub keep_alive_at: Option<Timestamp>,
}

/// One connected account, as last read. Its secrets are in it, sealed; serialised they are left out, so that one that was
/// read from its serialised form has none that open.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(description = "One connected account.")
)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Whose it is.
    pub tenant: String,
    /// The app it points to.
    pub app: AppId,
    /// The provider's id.
    pub provider: String,
    /// A name, if the owner gave one.
    pub name: Option<String>,
    /// The host's name for the person who connected it.
    pub user: Option<String>,
    /// What the host finds it by.
    pub tags: Vec<String>,
    /// The account's id at the provider.
    pub account_id: Option<String>,
    /// What the account's owner would recognise it by.
    pub account_label: Option<String>,
    /// Since when nobody is given its token; none = it is in use. It is kept alive all the same.
    pub disabled_at: Option<Timestamp>,
    /// Whether it can be used.
    pub status: Status,
    /// Why a person must authorize it again.
    pub cause: Option<Cause>,
    /// Since when it has this status.
    pub status_since: Timestamp,
    /// Counts its token sets, from 1.
    pub generation: i64,
    /// When the access token stops working; none = unknown.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token stops working; none = unknown.
    pub refresh_expires_at: Option<Timestamp>,
    /// The scopes granted, if the provider named them.
    pub scopes: Vec<String>,
    /// Facts about the account that came with the tokens. Never secret.
    pub captures: BTreeMap<String, String>,
    /// What the person who connected it gave, by parameter key. Never secret.
    pub parameters: BTreeMap<String, String>,
    /// Whether it can be refreshed.
    pub has_refresh_token: bool,
    /// An attempt to refresh that was begun and not ended.
    pub intent: Option<Intent>,
    /// Who may refresh it now.
    pub lease: Option<Lease>,
    /// Whether any attempt of this generation ended unknown, also when its intent is gone since.
    pub uncertain: bool,
    /// When the first of them was begun, by the clock that leases go by.
    pub uncertain_since: Option<Timestamp>,
    /// How often the provider has rejected the refresh of this generation for no known reason.
    pub rejections: i64,
    /// When it first did.
    pub rejected_since: Option<Timestamp>,
    /// When it is to be refreshed for the refresh token's own sake.
    pub keep_alive_at: Option<Timestamp>,
    /// When it was connected.
    pub created_at: Timestamp,
    /// When its tokens were obtained.
    pub refreshed_at: Timestamp,
    #[serde(skip)]
    pub(crate) tokens: Arc<SealedTokens>,
}

/// An attempt to refresh. On disk it counts as sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Intent {
    /// The attempt's id.
    pub attempt: i64,
    /// The generation whose refresh token it spends.
    pub generation: i64,
    /// Whether it, or an attempt of the same generation before it, ended unknown.
    pub uncertain: bool,
    /// When it was begun.
    pub at: Timestamp,
    /// Hash of the refresh token it spends, as given at its beginning.
    #[serde(skip)]
    pub token_hash: [u8; 32],
}

/// The right to refresh an instance.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    /// Who has it.
    pub owner: String,
    /// When it ends by itself.
    pub until: Timestamp,
}

impl Instance {
    /// Whether an attempt to refresh this generation has not ended, or ended unknown.
    pub fn is_in_doubt(&self) -> bool {
        self.doubtful_since().is_some()
    }

    /// When the first attempt of this generation was begun that has not ended, or ended unknown; by the clock that leases go by.
    pub fn doubtful_since(&self) -> Option<Timestamp> {
        let intent = self.intent.as_ref();
        let own = intent.filter(|intent| intent.generation == self.generation);
        self.uncertain_since.or(own.map(|intent| intent.at))
    }
}

/// Changes of what the host calls an instance and finds it by: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Relabel {
    /// Another name, or none at all.
    pub name: Option<Option<String>>,
    /// Other tags in the place of those there are, each once.
    pub tags: Option<Vec<String>>,
}

/// Which instances to list, by id.
#[derive(Debug, Clone)]
pub struct InstanceQuery {
    /// Whose.
    pub tenant: String,
    /// Of this provider only.
    pub provider: Option<String>,
    /// With this status only.
    pub status: Option<Status>,
    /// Of this app only.
    pub app: Option<AppId>,
    /// Of the account with this id at the provider only.
    pub account_id: Option<String>,
    /// Connected by this user of the host only.
    pub user: Option<String>,
    /// With this tag only.
    pub tag: Option<String>,
    /// Only ids above this one: the last of the page before.
    pub after: Option<InstanceId>,
    /// At most so many.
    pub limit: u32,
}

impl InstanceQuery {
    /// The first page of all of a tenant's instances, 100 at most.
    pub fn of(tenant: impl Into<String>) -> Self {
        Self {
            tenant: tenant.into(),
            provider: None,
            status: None,
            app: None,
            account_id: None,
            user: None,
            tag: None,
            after: None,
            limit: 100,
        }
    }
}

impl Store {
    /// Stores a new instance: generation 1, status [`Status::Ok`]. The event `instance.connected` is written with it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant has no such app.
    pub async fn insert_instance(&self, new: &NewInstance) -> Result<Instance, StoreError> {
        let NewInstance {
            id, tenant, tokens, ..
        } = new;
        let now = self.now();
        let fresh = |sealed: SealedTokens| Instance {
            id: *id,
            tenant: tenant.clone(),
            app: new.app,
            provider: new.provider.clone(),
            name: new.name.clone(),
            user: new.user.clone(),
            tags: new.tags.clone(),
            disabled_at: None,
            account_id: new.account_id.clone(),
            account_label: new.account_label.clone(),
            status: Status::Ok,
            cause: None,
            status_since: now,
            generation: 1,
            expires_at: tokens.expires_at,
            refresh_expires_at: tokens.refresh_expires_at,
            scopes: tokens.scopes.clone(),
            captures: tokens.captures.clone(),
            parameters: new.parameters.clone(),
            has_refresh_token: tokens.refresh_token.is_some(),
            intent: None,
            lease: None,
            uncertain: false,
            uncertain_since: None,
            rejections: 0,
            rejected_since: None,
            keep_alive_at: new.keep_alive_at,
            created_at: now,
            refreshed_at: now,
            tokens: Arc::new(sealed),
        };
        self.sealing(
            |keyring| SealedTokens::seal(keyring, tokens, tenant, *id, 1).map(fresh),
            |instance| async move {
                let mut detail = serde_json::json!({ "generation": instance.generation });
                if let Some(beside) = new.beside {
                    detail["beside"] = beside.0.into();
                }
                let connected = happened(&instance, "instance.connected", detail);
                let connected = connected.by(self.actor());
                self.backend().insert_instance(&instance, &connected).await
            },
        )
        .await
    }

    /// A tenant's instance.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn instance(
        &self,
        tenant: &str,
        id: InstanceId,
    ) -> Result<Option<Instance>, StoreError> {
        self.backend().instance(tenant, id).await
    }

    /// A page of a tenant's instances, by id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn instances(&self, query: InstanceQuery) -> Result<Vec<Instance>, StoreError> {
        self.backend().instances(&query).await
    }

    /// Writes what is known of the account: an id or label that is not given stays as it is, captures are added to those there are.
    /// `None` when the instance is gone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_account(
        &self,
        id: InstanceId,
        account_id: Option<String>,
        account_label: Option<String>,
        captures: BTreeMap<String, String>,
    ) -> Result<Option<Instance>, StoreError> {
        self.backend()
            .set_account(
                id,
                account_id.as_deref(),
                account_label.as_deref(),
                &captures,
            )
            .await
    }

    /// Changes what a tenant's host calls an instance and finds it by. `None` when the tenant has no such instance.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn relabel(
        &self,
        tenant: &str,
        id: InstanceId,
        change: &Relabel,
    ) -> Result<Option<Instance>, StoreError> {
        self.backend().relabel(tenant, id, change).await
    }

    /// Takes a tenant's instance out of use, or into use again; the event `instance.disabled` or `instance.enabled` is written with it, unless
    /// that was so before. `None` when the tenant has no such instance.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_disabled(
        &self,
        tenant: &str,
        id: InstanceId,
        disabled: bool,
    ) -> Result<Option<Instance>, StoreError> {
        self.backend()
            .set_disabled(tenant, id, disabled, self.now(), self.actor())
            .await
    }

    /// Marks an instance as being deleted: it is refreshed no more, and a refresh in flight sees it when it commits.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin_delete(
        &self,
        tenant: &str,
        id: InstanceId,
    ) -> Result<Option<Instance>, StoreError> {
        self.backend().mark_deleting(tenant, id, self.now()).await
    }

    /// Instances, of whatever tenant, with a status other than [`Status::Ok`], by id, after `after`: what an engine or its
    /// operator has to look after.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn unwell(
        &self,
        status: Status,
        after: InstanceId,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError> {
        self.backend().unwell(status, after, limit).await
    }

    /// How many instances there are with each status, of whatever tenant.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn census(&self) -> Result<BTreeMap<Status, u64>, StoreError> {
        self.backend().census().await
    }

    /// How many of a tenant's instances there are with each status.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn census_of(&self, tenant: &str) -> Result<BTreeMap<Status, u64>, StoreError> {
        self.backend().census_of(tenant).await
    }

    /// Removes an instance that [`begin_delete`](Self::begin_delete) marked; `false` when there is none so marked. The event
    /// `instance.deleted` is written with it, and says what became of the tokens at the provider: `revocation`, in a word.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_instance(
        &self,
        id: InstanceId,
        revocation: &str,
    ) -> Result<bool, StoreError> {
        self.backend()
            .delete_instance(id, revocation, self.now(), self.actor())
            .await
    }
}
