//! What a database has to do for the store: keep rows, whose secrets it only ever sees as sealed blobs.
//!
//! Every method is one durable statement or one transaction; what makes a write conditional is part of its contract, so that a database
//! with several processes at once keeps the same promises as one that a single process has to itself. `sql` implements it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tieline_core::{ApiKeyId, AppId, AuthorizationId, InstanceId, LinkId, Timestamp, WebhookId};

use crate::idempotency::ClaimRow;
use crate::parked::ParkedBlobs;
use crate::seal::Blob;
use crate::{
    ApiKey, App, BeginRefresh, Cause, Delivery, Event, FailedDelivery, Instance, InstanceQuery,
    Link, NewAuthorization, NewEvent, NewLink, NewParked, QuarantineGroup, Quarantined, Relabel,
    RepeatableRequest, Status, StoreError, TakenAuthorization, Tenant, UnderWay, WaitingDelivery,
    Webhook, WebhookChanges,
};

/// Everything together.
pub(crate) trait Backend:
    KeyRows
    + TenantRows
    + ApiKeyRows
    + AppRows
    + AuthorizationRows
    + FrontDoorRows
    + RequestRows
    + InstanceRows
    + RefreshRows
    + JournalRows
    + WebhookRows
    + MarkRows
    + Upkeep
    + fmt::Debug
    + Send
    + Sync
{
}

/// A data key, wrapped with the master key.
#[derive(Debug, Clone)]
pub(crate) struct KeyRow {
    pub(crate) key_id: u32,
    pub(crate) wrapped: Blob,
    pub(crate) check_value: Blob,
    /// The master key's fingerprint.
    pub(crate) master: String,
    /// Whether it seals: exactly one does. The others only open, until nothing is sealed with them any more.
    pub(crate) active: bool,
    pub(crate) created_at: Timestamp,
}

/// The tables that hold sealed blobs, the keyring apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealedTable {
    Apps,
    Instances,
    Authorizations,
    Parked,
    Idempotency,
    Webhooks,
    Quarantine,
}

impl SealedTable {
    pub(crate) const ALL: [Self; 7] = [
        Self::Apps,
        Self::Instances,
        Self::Authorizations,
        Self::Parked,
        Self::Idempotency,
        Self::Webhooks,
        Self::Quarantine,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Apps => "apps",
            Self::Instances => "instances",
            Self::Authorizations => "authorizations",
            Self::Parked => "parked",
            Self::Idempotency => "idempotency",
            Self::Webhooks => "webhooks",
            Self::Quarantine => "quarantine",
        }
    }

    pub(crate) const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Apps => &["parameters"],
            Self::Instances => &["access_token", "refresh_token"],
            Self::Authorizations => &["verifier"],
            Self::Parked => &["verifier", "callback"],
            Self::Webhooks => &["secret"],
            Self::Idempotency | Self::Quarantine => &["answer"],
        }
    }
}

/// A row's sealed blobs with what they are bound to; `blobs` in the order of [`SealedTable::columns`].
#[derive(Debug)]
pub(crate) struct SealedRow {
    pub(crate) id: i64,
    pub(crate) tenant: String,
    pub(crate) version: i64,
    pub(crate) blobs: Vec<Option<Blob>>,
}

/// The keyring, and moving rows from one key to another.
#[async_trait]
pub(crate) trait KeyRows {
    async fn keyring(&self) -> Result<Vec<KeyRow>, StoreError>;
    /// The new row becomes the active one and the active one is retired, in one transaction. A [`StoreError::Conflict`], unless the
    /// active one is the key before, wrapped with the same master key: then somebody else was first.
    async fn activate_key(&self, row: KeyRow) -> Result<(), StoreError>;
    /// Replaces wrapped key and fingerprint of all rows in one transaction. A [`StoreError::Conflict`] where there are others.
    async fn rewrap_keys(&self, rows: Vec<KeyRow>) -> Result<(), StoreError>;
    /// Deletes a retired key if no blob names it in its header; counts and deletes in one transaction.
    async fn remove_unused_key(&self, key_id: u32) -> Result<bool, StoreError>;
    /// Rows with at least one blob that another key than `active` sealed, by id, after `after`.
    async fn rows_to_reseal(
        &self,
        table: SealedTable,
        active: u32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<SealedRow>, StoreError>;
    /// How many of them there are.
    async fn count_to_reseal(&self, table: SealedTable, active: u32) -> Result<u64, StoreError>;
    /// Replaces the blobs of rows that are still there in the same version, in one transaction; returns how many were.
    async fn reseal(&self, table: SealedTable, rows: Vec<SealedRow>) -> Result<u64, StoreError>;
}

/// Tenants. Of those who do something, `actor` is named in the event that is written with it.
#[async_trait]
pub(crate) trait TenantRows {
    /// An id that is taken is a [`StoreError::Conflict`].
    async fn insert_tenant(&self, new: &Tenant, actor: Option<&str>) -> Result<Tenant, StoreError>;
    async fn tenant(&self, id: &str) -> Result<Option<Tenant>, StoreError>;
    async fn tenants(&self, after: Option<&str>, limit: u32) -> Result<Vec<Tenant>, StoreError>;
    async fn rename_tenant(
        &self,
        id: &str,
        name: Option<&str>,
    ) -> Result<Option<Tenant>, StoreError>;
    /// With its API keys, its webhooks and what was answered to it; a [`StoreError::Conflict`] while it has apps.
    async fn delete_tenant(
        &self,
        id: &str,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<bool, StoreError>;
}

/// API keys, each by its hash or by its id.
#[async_trait]
pub(crate) trait ApiKeyRows {
    /// A tenant that is not there is a [`StoreError::NotFound`].
    async fn insert_api_key(
        &self,
        new: &ApiKey,
        key_hash: &[u8; 32],
        actor: Option<&str>,
    ) -> Result<ApiKey, StoreError>;
    async fn api_key_by_hash(&self, key_hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError>;
    /// Of a tenant, or of all, by id, after `after`.
    async fn api_keys(
        &self,
        tenant: Option<&str>,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, StoreError>;
    /// The event that says so is written the first time.
    async fn revoke_api_key(
        &self,
        tenant: Option<&str>,
        id: ApiKeyId,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<Option<ApiKey>, StoreError>;
    /// Only where the last note is not after `unless_after`.
    async fn note_api_key_used(
        &self,
        id: ApiKeyId,
        now: Timestamp,
        unless_after: Timestamp,
    ) -> Result<(), StoreError>;
}

/// Apps. What is done to one is told with an event, which names `actor`.
#[async_trait]
pub(crate) trait AppRows {
    /// A name or context that is taken is a [`StoreError::Conflict`].
    async fn insert_app(&self, app: &App, actor: Option<&str>) -> Result<(), StoreError>;
    async fn app(&self, tenant: &str, id: AppId) -> Result<Option<App>, StoreError>;
    async fn app_by_context(&self, context: &str) -> Result<Option<App>, StoreError>;
    async fn app_by_name(
        &self,
        tenant: &str,
        provider: &str,
        name: &str,
    ) -> Result<Option<App>, StoreError>;
    async fn apps(&self, tenant: &str) -> Result<Vec<App>, StoreError>;
    /// Writes parameters and redirect URI of `app`, only if the stored version is the one before `app.version`. Whatever
    /// trouble there was is forgotten.
    async fn update_app(&self, app: &App, actor: Option<&str>) -> Result<bool, StoreError>;
    /// Writes why the provider refuses the app, or that it no longer does, with the event that says so; `false` when that
    /// is known already.
    async fn set_trouble(
        &self,
        id: AppId,
        trouble: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Apps, of whatever tenant, that their providers refuse.
    async fn troubled_apps(&self) -> Result<Vec<App>, StoreError>;
    /// Apps, of whatever tenant, by id, after `after`.
    async fn all_apps(&self, after: AppId, limit: u32) -> Result<Vec<App>, StoreError>;
    /// A [`StoreError::Conflict`] while instances point to it.
    async fn delete_app(
        &self,
        tenant: &str,
        id: AppId,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<bool, StoreError>;
}

/// Authorizations.
#[async_trait]
pub(crate) trait AuthorizationRows {
    async fn insert_authorization(
        &self,
        id: i64,
        new: &NewAuthorization,
        verifier: Option<Blob>,
        created_at: Timestamp,
    ) -> Result<(), StoreError>;
    async fn authorization(&self, state_hash: &[u8; 32]) -> Result<Option<UnderWay>, StoreError>;
    /// Removes and returns it in one statement: of many takers exactly one gets it.
    async fn take_authorization(
        &self,
        state_hash: &[u8; 32],
    ) -> Result<Option<(TakenAuthorization, Option<Blob>)>, StoreError>;
    async fn purge_authorizations(&self, expired_before: Timestamp) -> Result<u64, StoreError>;
}

/// What stands between the front channel and an instance: parked authorizations and links.
#[async_trait]
pub(crate) trait FrontDoorRows {
    async fn insert_parked(
        &self,
        new: &NewParked<'_>,
        blobs: ParkedBlobs,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Removes and returns it in one statement: of many takers exactly one gets it.
    async fn take_parked(
        &self,
        tenant: &str,
        id: AuthorizationId,
        ticket_hash: &[u8; 32],
    ) -> Result<Option<(TakenAuthorization, ParkedBlobs)>, StoreError>;
    async fn insert_link(
        &self,
        id: LinkId,
        new: &NewLink,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    async fn link(&self, token_hash: &[u8; 32]) -> Result<Option<Link>, StoreError>;
    /// Removes and returns it in one statement: of many takers exactly one gets it.
    async fn take_link(&self, token_hash: &[u8; 32]) -> Result<Option<Link>, StoreError>;
    async fn purge_front_door(&self, expired_before: Timestamp) -> Result<u64, StoreError>;
}

/// Requests that may be sent again.
#[async_trait]
pub(crate) trait RequestRows {
    /// Writes a row of this id, unless there is one of the tenant and key that was not claimed before `forgotten_before`:
    /// of many callers exactly one does.
    async fn claim_request(
        &self,
        id: i64,
        request: &RepeatableRequest<'_>,
        now: Timestamp,
        forgotten_before: Timestamp,
    ) -> Result<bool, StoreError>;
    async fn claimed_request(
        &self,
        tenant: &str,
        key_hash: &[u8; 32],
    ) -> Result<Option<ClaimRow>, StoreError>;
    /// Only where there is no answer yet.
    async fn keep_answer(
        &self,
        id: i64,
        tenant: &str,
        status: u16,
        answer: Blob,
    ) -> Result<(), StoreError>;
    /// Only while there is no answer.
    async fn release_request(&self, id: i64, tenant: &str) -> Result<(), StoreError>;
    async fn purge_requests(&self, claimed_before: Timestamp) -> Result<u64, StoreError>;
}

/// Instances, apart from their refresh.
#[async_trait]
pub(crate) trait InstanceRows {
    /// An app that is not there is a [`StoreError::NotFound`].
    async fn insert_instance(&self, instance: &Instance) -> Result<Instance, StoreError>;
    async fn instance(&self, tenant: &str, id: InstanceId) -> Result<Option<Instance>, StoreError>;
    async fn instance_by_id(&self, id: InstanceId) -> Result<Option<Instance>, StoreError>;
    async fn instances(&self, query: &InstanceQuery) -> Result<Vec<Instance>, StoreError>;
    /// An id or label that is `None` stays as it is; captures are added.
    async fn set_account(
        &self,
        id: InstanceId,
        account_id: Option<&str>,
        account_label: Option<&str>,
        captures: &BTreeMap<String, String>,
    ) -> Result<Option<Instance>, StoreError>;
    async fn relabel(
        &self,
        tenant: &str,
        id: InstanceId,
        change: &Relabel,
    ) -> Result<Option<Instance>, StoreError>;
    /// The event that says so is written with it, where it changed anything.
    async fn set_disabled(
        &self,
        tenant: &str,
        id: InstanceId,
        disabled: bool,
        now: Timestamp,
        actor: Option<&str>,
    ) -> Result<Option<Instance>, StoreError>;
    async fn mark_deleting(
        &self,
        tenant: &str,
        id: InstanceId,
        now: Timestamp,
    ) -> Result<Option<Instance>, StoreError>;
    /// Instances, of whatever tenant, that are not `ok`, by id, after `after`.
    async fn unwell(
        &self,
        status: Status,
        after: InstanceId,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError>;
    /// How many instances there are with each status, of whatever tenant.
    async fn census(&self) -> Result<BTreeMap<Status, u64>, StoreError>;
    /// Only an instance that is marked as being deleted.
    async fn delete_instance(&self, id: InstanceId) -> Result<bool, StoreError>;
    /// From `ok` only, and only while the generation is the one that could not be read. Touches no blob.
    async fn mark_unreadable(
        &self,
        id: InstanceId,
        generation: i64,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

/// Lease, intent and generation.
///
/// Leases go by one clock: the database's own where several processes share it, else the store's, which is `now`.
#[async_trait]
pub(crate) trait RefreshRows {
    /// Lease and intent, if generation and status are as expected and no lease of another owner is alive. An intent of the
    /// same generation that is replaced counts as one whose outcome is unknown.
    async fn begin_refresh(
        &self,
        begin: &BeginRefresh,
        now: Timestamp,
    ) -> Result<Option<Instance>, StoreError>;
    /// The token columns of `next` where the generation is the one before `next.generation`, with the event that says so; the intent
    /// and lease of `attempt` go.
    async fn commit_refresh(
        &self,
        next: &Instance,
        attempt: i64,
    ) -> Result<Option<Instance>, StoreError>;
    /// Whether `attempt` is the one that produced the stored generation.
    async fn committed_by(&self, id: InstanceId, attempt: i64) -> Result<bool, StoreError>;
    /// Whether the stored generation came of a refresh, and another refresh of the one before it brought tokens too.
    async fn is_contested(&self, id: InstanceId) -> Result<bool, StoreError>;
    async fn clear_intent(&self, id: InstanceId, attempt: i64) -> Result<(), StoreError>;
    /// The event that says so is written the first time for each generation.
    async fn keep_uncertain(
        &self,
        id: InstanceId,
        attempt: i64,
        generation: i64,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// One more rejection; the intent and lease of `attempt` go.
    async fn count_rejection(
        &self,
        id: InstanceId,
        attempt: i64,
        now: Timestamp,
    ) -> Result<Option<Instance>, StoreError>;
    /// With the event that says so, where it was not so before; not while another attempt than `attempt` is under way.
    async fn require_reconnect(
        &self,
        id: InstanceId,
        generation: i64,
        attempt: Option<i64>,
        cause: Cause,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// As a commit, but from outside a refresh: captures are replaced, and the account's id and label where `next` has them, all
    /// intents and leases go, and an instance that is being deleted is left alone.
    async fn replace_tokens(&self, next: &Instance) -> Result<Option<Instance>, StoreError>;
    /// `ok` instances, of whatever tenant, with an attempt of their generation that has not ended or ended unknown, and no
    /// lease of another than `owner` alive; by id, after `after`.
    async fn unsettled(
        &self,
        owner: &str,
        after: InstanceId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Instance>, StoreError>;
    /// `ok` instances, of whatever tenant, with rejections of their generation, by id, after `after`.
    async fn rejected(&self, after: InstanceId, limit: u32) -> Result<Vec<Instance>, StoreError>;
    /// `ok` instances, of whatever tenant, without a living lease, that are to be refreshed for the refresh token's own sake; the most urgent first.
    async fn keep_alive_due(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, InstanceId)>,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError>;
}

/// What is never changed: quarantine and events.
#[async_trait]
pub(crate) trait JournalRows {
    /// Keeps it, unless there are `most` of its instance, generation and kind already; then answers the id of the newest of those.
    async fn insert_quarantine(
        &self,
        record: &Quarantined,
        most: u32,
    ) -> Result<Option<i64>, StoreError>;
    async fn quarantined(&self, tenant: &str) -> Result<Vec<Quarantined>, StoreError>;
    /// By tenant, instance and kind, of whatever tenant, the latest first; and how many such groups there are.
    async fn quarantine_groups(
        &self,
        limit: u32,
    ) -> Result<(Vec<QuarantineGroup>, u64), StoreError>;
    async fn insert_event(&self, event: &NewEvent, at: Timestamp) -> Result<(), StoreError>;
    /// Those of a smaller id than `before`.
    async fn events(
        &self,
        tenant: &str,
        instance: Option<InstanceId>,
        before: i64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError>;
    /// The latest instant among the last hundred events.
    async fn newest_event(&self) -> Result<Option<Timestamp>, StoreError>;
}

/// Webhooks, and the events that they have not been told of yet.
///
/// What waits goes by one clock, as leases do.
#[async_trait]
pub(crate) trait WebhookRows {
    /// `false` where the tenant has `most` of them already.
    async fn insert_webhook(&self, webhook: &Webhook, most: u32) -> Result<bool, StoreError>;
    async fn webhook(&self, tenant: &str, id: WebhookId) -> Result<Option<Webhook>, StoreError>;
    async fn webhook_by_id(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError>;
    async fn webhooks(&self, tenant: &str) -> Result<Vec<Webhook>, StoreError>;
    /// With what follows for the deliveries: none stays of a webhook that is disabled, and those that have failed are due at once
    /// where the URL is another.
    async fn change_webhook(
        &self,
        tenant: &str,
        id: WebhookId,
        changes: &WebhookChanges,
        now: Timestamp,
    ) -> Result<Option<Webhook>, StoreError>;
    /// Its deliveries go with it.
    async fn delete_webhook(&self, tenant: &str, id: WebhookId) -> Result<bool, StoreError>;
    /// Webhooks, of whatever tenant, that there is something to be sent to now.
    async fn due_webhooks(&self, now: Timestamp) -> Result<Vec<WebhookId>, StoreError>;
    /// Of many takers one gets a delivery; the others not before `claim` is over.
    async fn claim_deliveries(
        &self,
        id: WebhookId,
        limit: u32,
        claim: i64,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, StoreError>;
    /// The delivery goes, and the webhook is failing no longer.
    async fn delivered(&self, id: WebhookId, event: i64) -> Result<(), StoreError>;
    /// Whether the webhook was disabled for it; then with the event that says so.
    async fn delivery_failed(
        &self,
        failed: &FailedDelivery,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// With the event that says so, unless it is disabled already.
    async fn disable_webhook(
        &self,
        id: WebhookId,
        why: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    async fn waiting_deliveries(
        &self,
        tenant: &str,
        id: WebhookId,
        limit: u32,
    ) -> Result<Vec<WaitingDelivery>, StoreError>;
}

/// Marks: what a store says of itself, by name.
#[async_trait]
pub(crate) trait MarkRows {
    async fn mark(&self, name: &str) -> Result<Option<String>, StoreError>;
    /// Sets or, with `None`, removes marks in one transaction.
    async fn set_marks(&self, marks: &[(&str, Option<&str>)]) -> Result<(), StoreError>;
    /// Sets a mark, unless there is one of this name.
    async fn keep_mark(&self, name: &str, value: &str) -> Result<(), StoreError>;
}

/// Who has the database, backups and the end.
#[async_trait]
pub(crate) trait Upkeep {
    /// Its file, or its address without user and password: for errors.
    fn place(&self) -> PathBuf;
    /// Which database this is, where a copy of it would be another one: told by more than its name or address. `None` where
    /// that cannot be told.
    async fn identity(&self) -> Result<Option<String>, StoreError>;
    /// Whether other processes may have it open too.
    fn is_shared(&self) -> bool;
    /// Leases whose holders are proven dead are released; their intents stay, and whoever begins next finds them.
    async fn release_leases(&self) -> Result<u64, StoreError>;
    /// Says that the holder of leases `owner` is alive, until it is silent for five seconds; answers which data key seals, so
    /// that this process hears of a rotation by another. Where one process alone has the database, there is nobody to say it
    /// to and nothing to hear.
    async fn beat(&self, owner: &str) -> Result<Option<u32>, StoreError>;
    /// Looks for damage; `false` where the database has no such check, and [`StoreError::Corrupt`] where there is some.
    async fn quick_check(&self) -> Result<bool, StoreError>;
    /// The clock that leases go by, where that is the database's own.
    async fn clock(&self) -> Result<Option<Timestamp>, StoreError>;
    /// A consistent copy, while others read and write.
    async fn backup(&self, file: &Path) -> Result<(), StoreError>;
    /// How many hot writes may share a commit: for measuring what that is worth.
    fn set_batch_size(&self, _most: usize) {}
    async fn close(&self);
}
