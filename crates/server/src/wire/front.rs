//! Providers, links and confirmations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tieline_core::{AppId, InstanceId, LinkId, Secret, Timestamp};
use tieline_store::Instance;
use utoipa::ToSchema;

/// The answer to `GET /v1/providers`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Providers {
    /// By id.
    pub providers: Vec<ShownProvider>,
}

/// A provider, in short.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ShownProvider {
    /// Its id.
    pub id: String,
    /// What people call the connector.
    pub name: String,
    /// Whose product it is.
    pub vendor: String,
    /// Other ids for it.
    pub aliases: Vec<String>,
    /// Whether a person consents in a browser.
    pub has_front_channel: bool,
}

/// The answer to `GET /v1/providers/{id}`, as far as programs need it: there is more in it, for people.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WholeProvider {
    /// Its id.
    pub id: String,
    /// What people call the connector.
    pub name: String,
    /// Whose product it is.
    pub vendor: String,
    /// Other ids for it.
    pub aliases: Vec<String>,
    /// JSON Schema of the parameters that an app takes.
    pub parameters_schema: serde_json::Value,
    /// What else there is.
    #[serde(flatten)]
    pub more: BTreeMap<String, serde_json::Value>,
}

/// The body of `POST /v1/authorizations/{id}/confirm`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// From the address to which the browser was sent.
    pub ticket: Secret,
    /// Whom the host sees signed in there: its name for the person.
    pub user: String,
}

/// The answer to it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ConfirmedInstance {
    /// The account.
    pub instance: Instance,
    /// Where the person goes now, as asked for at the start.
    pub return_to: Option<String>,
}

/// The body of `POST /v1/links`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// The app.
    pub app: AppId,
    /// The host's name for the person.
    pub user: String,
    /// The scopes to ask for. Default: the app's.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// What to call the instance.
    #[serde(default)]
    pub name: Option<String>,
    /// Connect this instance again, in place.
    #[serde(default)]
    pub instance: Option<InstanceId>,
    /// What the host finds the instance by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Where the person goes in the end.
    #[serde(default)]
    pub return_to: Option<String>,
    /// How many seconds it is good. Default: an hour; at most seven days.
    #[serde(default)]
    pub lifetime_seconds: Option<u32>,
}

/// The answer to it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreatedLink {
    /// Its id.
    pub id: LinkId,
    /// What the person opens: whoever has it can start the authorization.
    pub url: Secret,
    /// When it stops being good.
    pub expires_at: Timestamp,
}

/// The body of `PATCH /v1/instances/{id}`, a merge patch (RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedInstance {
    /// Another name; `null` takes it away.
    #[serde(default, deserialize_with = "super::given")]
    #[schema(value_type = Option<String>)]
    pub name: Option<Option<String>>,
    /// Other tags in the place of those there are.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
}
