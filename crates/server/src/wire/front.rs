//! Providers, links and confirmations.

use serde::{Deserialize, Serialize};
use tieline_core::{AppId, InstanceId, LinkId, Secret, Timestamp};
use tieline_store::Instance;

/// The answer to `GET /v1/providers`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Providers {
    /// By id.
    pub providers: Vec<ShownProvider>,
}

/// A provider, in short.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// The body of `POST /v1/authorizations/{id}/confirm`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// From the address to which the browser was sent.
    pub ticket: Secret,
    /// Whom the host sees signed in there: its name for the person.
    pub user: String,
}

/// The answer to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConfirmedInstance {
    /// The account.
    pub instance: Instance,
    /// Where the person goes now, as asked for at the start.
    pub return_to: Option<String>,
}

/// The body of `POST /v1/links`.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Deserialize)]
pub struct CreatedLink {
    /// Its id.
    pub id: LinkId,
    /// What the person opens: whoever has it can start the authorization.
    pub url: Secret,
    /// When it stops being good.
    pub expires_at: Timestamp,
}

/// The body of `PATCH /v1/instances/{id}`, a merge patch (RFC 7396).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedInstance {
    /// Another name; `null` takes it away.
    #[serde(default, deserialize_with = "super::given")]
    pub name: Option<Option<String>>,
    /// Other tags in the place of those there are.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
}
