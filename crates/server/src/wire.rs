//! The shapes of requests and answers, for both ends of the wire.
//!
//! None of those that can be written holds a secret: whoever sends one puts it into the body by hand.

mod front;
mod keys;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use tieline_core::parameters::Given;
use tieline_core::{AppId, AuthorizationId, InstanceId, Secret, Timestamp};
use tieline_engine::Changes;
use tieline_store::{
    AdoptionReason, App, Binding, Event, Instance, Progress, RotationReport, Status,
};
use utoipa::{IntoParams, ToSchema};

pub use self::front::{
    ChangedInstance, Confirm, ConfirmedInstance, CreatedLink, NewLink, Providers, ShownProvider,
    WholeProvider,
};
pub use self::keys::{
    ApiKeys, ApiKeysQuery, ChangedTenant, CreatedApiKey, NewApiKey, NewTenant, Tenants,
    TenantsQuery,
};
use crate::Problem;

/// The answer to `GET /healthz`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// The release.
    pub version: String,
    /// The process.
    pub pid: u32,
}

/// The answer to `GET /readyz`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// `ready`.
    pub status: String,
}

/// The answer to `GET /v1/store`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoreStatus {
    /// The data folder; none where the store is in a database elsewhere.
    pub data_dir: Option<String>,
    /// The name of the deployment.
    pub deployment: String,
    /// Why nothing is refreshed, where that is so.
    pub adoption_required: Option<AdoptionReason>,
}

/// The query of `GET /v1/store/doctor`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoctorQuery {
    /// Whether the providers are asked if they can be reached. Default: they are.
    #[serde(default = "yes")]
    pub online: bool,
}

fn yes() -> bool {
    true
}

/// The body of `POST /v1/store/backup` and of `POST /v1/store/keys/master`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// An absolute path, as the server sees it.
    pub file: String,
}

/// One line of the answer to `POST /v1/store/keys/rotate`; the last is no progress.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationLine {
    /// How far it is.
    Progress(Progress),
    /// It is done.
    Report(RotationReport),
    /// It came to nothing; what was sealed anew stays so.
    Problem(Box<Problem>),
}

/// The query of `GET /v1/apps`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AppQuery {
    /// Of this provider only: its id or an alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Of this name only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The answer to `GET /v1/apps`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Apps {
    /// By provider and name.
    pub apps: Vec<App>,
}

/// An app and what it gives for itself: the answer wherever there is one app.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ShownApp {
    /// The app.
    #[serde(flatten)]
    pub app: App,
    /// Its own parameters; `[redacted]` in the place of secrets.
    pub parameters: BTreeMap<String, String>,
}

/// The body of `POST /v1/apps`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApp {
    /// Id or alias of the provider.
    pub provider: String,
    /// Default: the provider's id.
    #[serde(default)]
    pub name: Option<String>,
    /// Its own parameters.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Secret>)]
    pub parameters: Given,
    /// Where the host confirms what its users connected.
    #[serde(default)]
    pub confirm_url: Option<String>,
    /// The origins of pages to which people may be sent back.
    #[serde(default)]
    pub return_origins: Vec<String>,
}

/// The body of `PATCH /v1/apps/{id}`, a merge patch (RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedApp {
    /// New values; `null` takes a parameter away. Those that are not named stay.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Option<String>>)]
    pub parameters: Changes,
    /// Another confirm URL; `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub confirm_url: Option<Option<String>>,
    /// Other return origins in the place of those there are.
    #[serde(default)]
    pub return_origins: Option<Vec<String>>,
}

/// A member that stands there, if only as `null`.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// The query of `GET /v1/apps/{id}/wanted`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedQuery {
    /// The instance that is to be connected again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
}

/// The answer to `GET /v1/apps/{id}/wanted`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Wanted {
    /// The keys of what an account's owner must give and nobody has given.
    pub parameters: Vec<String>,
}

/// The query of `GET /v1/instances`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InstancesQuery {
    /// Of this provider only: its id or an alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// With this status only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Of this app only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// Of the account with this id at the provider only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Connected by this user of the host only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// With this tag only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Where the page before ended, as it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<InstanceId>,
    /// At most so many. Default: 100.
    #[param(minimum = 1, maximum = 1000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The answer to `GET /v1/instances`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Instances {
    /// By id.
    pub instances: Vec<Instance>,
    /// Where the next page begins; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<InstanceId>,
}

/// The query of `GET /v1/events` and of `GET /v1/instances/{id}/events`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Where the page before ended, as it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<i64>,
    /// At most so many. Default: 100.
    #[param(minimum = 1, maximum = 1000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The answer to `GET /v1/events` and to `GET /v1/instances/{id}/events`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Events {
    /// The newest first.
    pub events: Vec<Event>,
    /// Where the next page begins, with what is older; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<i64>,
}

/// The query of `DELETE /v1/instances/{id}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DisconnectQuery {
    /// Delete even if the provider can't be asked.
    #[serde(default)]
    pub force: bool,
}

/// The answer to `POST /v1/instances/{id}/token`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Token {
    /// The access token.
    pub access_token: Secret,
    /// When it stops working; none = unknown.
    pub expires_at: Option<Timestamp>,
    /// Which token set of the instance it belongs to.
    pub generation: i64,
}

/// What to connect: the body of `POST /v1/authorizations`, `POST /v1/device-authorizations` and `POST /v1/instances`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// The app.
    pub app: AppId,
    /// What to call the instance.
    #[serde(default)]
    pub name: Option<String>,
    /// Connect this instance again, in place.
    #[serde(default)]
    pub instance: Option<InstanceId>,
    /// What the account's owner gives.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Secret>)]
    pub parameters: Given,
    /// The host's name for the person.
    #[serde(default)]
    pub user: Option<String>,
    /// What the host finds the instance by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// For an authorization alone: the scopes to ask for. Default: the app's.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// For an authorization alone: what ties it to whoever started it. Default: `confirm`; of the control socket, `local`.
    #[serde(default)]
    pub binding: Option<Binding>,
    /// For an authorization alone: where the person goes in the end.
    #[serde(default)]
    pub return_to: Option<String>,
    /// To import an account that was connected elsewhere: its refresh token, which nobody else may spend any more.
    #[serde(default)]
    pub refresh_token: Option<Secret>,
}

/// The answer to `POST /v1/authorizations`: bound to whoever asked, who receives the callback.
#[derive(Deserialize, ToSchema)]
pub struct Authorization {
    /// Names this run of the front channel.
    pub id: AuthorizationId,
    /// Where to send the person.
    pub authorization_url: String,
    /// Where the provider will send them back.
    pub redirect_uri: String,
    /// The scopes that are asked for.
    pub scopes: Vec<String>,
    /// What ties it to whoever started it.
    pub binding: Binding,
    /// When it is too late to come back.
    pub expires_at: Timestamp,
}

/// The body of `POST /v1/authorizations/{id}/callback`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Callback {
    /// The query with which the provider sent the person back, as it came.
    pub query: Secret,
}

/// The answer to `POST /v1/device-authorizations`.
#[derive(Deserialize, ToSchema)]
pub struct DeviceAuthorization {
    /// Names it for polling.
    pub id: String,
    /// What the person types.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: String,
    /// The same with the code in it, where the provider has one.
    pub verification_uri_complete: Option<String>,
    /// The scopes that are asked for.
    pub scopes: Vec<String>,
    /// When it is too late.
    pub expires_at: Timestamp,
    /// Milliseconds to wait before the first poll.
    pub interval_ms: u64,
}

/// The answer to `POST /v1/device-authorizations/{id}/poll`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Polled {
    /// The person has not decided yet: poll again after so many milliseconds.
    PendingMs(u64),
    /// They consented, and this is the account.
    Connected(Box<Instance>),
}

/// The answer to `GET /v1/configuration`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Configured {
    /// The configuration file.
    pub file: Option<String>,
    /// Of each provider, each parameter with its value (`[redacted]` for secrets) and where it comes from.
    pub providers: BTreeMap<String, Vec<serde_json::Value>>,
}
