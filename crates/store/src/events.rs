//! Events: what happened to apps and instances, in order.

use tieline_core::{AppId, InstanceId, Timestamp};

use crate::{Instance, Store, StoreError};

/// Something that happened.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Whose app or instance.
    pub tenant: String,
    /// The instance, if it happened to one.
    pub instance: Option<InstanceId>,
    /// The app, if it happened to one.
    pub app: Option<AppId>,
    /// What happened, such as `instance.connected`.
    pub kind: &'static str,
    /// More of it. Never secret: events are stored in the clear.
    pub detail: serde_json::Value,
    /// Who did it, where somebody did: `owner`, or `api-key:` and the key's id.
    pub actor: Option<String>,
}

/// Something that happened, as stored.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Grows with each event.
    pub id: i64,
    /// Whose app or instance.
    pub tenant: String,
    /// The instance, if it happened to one.
    pub instance: Option<InstanceId>,
    /// The app, if it happened to one.
    pub app: Option<AppId>,
    /// What happened.
    pub kind: String,
    /// More of it.
    pub detail: serde_json::Value,
    /// Who did it, where somebody did: `owner`, or `api-key:` and the key's id.
    pub actor: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Something that happened to an instance, by itself.
pub(crate) fn happened(
    instance: &Instance,
    kind: &'static str,
    detail: serde_json::Value,
) -> NewEvent {
    NewEvent {
        tenant: instance.tenant.clone(),
        instance: Some(instance.id),
        app: Some(instance.app),
        kind,
        detail,
        actor: None,
    }
}

impl NewEvent {
    /// The same, done by somebody.
    pub(crate) fn by(self, actor: Option<&str>) -> Self {
        Self {
            actor: actor.map(str::to_owned),
            ..self
        }
    }
}

impl Store {
    /// Stores an event.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn record_event(&self, event: NewEvent) -> Result<(), StoreError> {
        self.backend().insert_event(&event, self.now()).await
    }

    /// The latest events of a tenant, or of one of its instances: the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn events(
        &self,
        tenant: &str,
        instance: Option<InstanceId>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.events_before(tenant, instance, None, limit).await
    }

    /// As [`events`](Self::events), a page at a time: those before the event with this id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn events_before(
        &self,
        tenant: &str,
        instance: Option<InstanceId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let before = before.unwrap_or(i64::MAX);
        self.backend().events(tenant, instance, before, limit).await
    }
}
