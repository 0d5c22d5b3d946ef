//! Connecting accounts: consent in a browser, on another device, or what the owner gives.

use std::time::Duration;

use serde_json::{Value, json};
use tieline::core::Timestamp;
use tieline::core::http::CallbackQuery;
use tieline::core::parameters::Given;
use tieline::engine::{
    Arrival, AuthorizeOptions, DevicePolled, DeviceStarted, GiveOptions, Started,
};
use tieline::server::wire::{Authorization, DeviceAuthorization, Polled};
use tieline::store::{App, Instance};
use tieline::{AuthorizationId, InstanceId};

use super::{Desk, written};
use crate::error::CliError;

/// A code that a person types on another device.
pub(crate) struct DeviceCode {
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    pub(crate) verification_uri_complete: Option<String>,
    pub(crate) expires_at: Timestamp,
    /// How long to wait before the first poll.
    pub(crate) interval: Duration,
    under_way: UnderWay,
}

/// Where the provider is polled.
enum UnderWay {
    Here(DeviceStarted),
    There(String),
}

/// What a poll brought.
pub(crate) enum Poll {
    /// The person has not decided yet: poll again after so long.
    Pending(Duration),
    /// They consented, and this is the account.
    Connected(Box<Instance>),
}

impl Desk {
    pub(crate) async fn authorize(
        &self,
        app: &App,
        options: AuthorizeOptions,
    ) -> Result<Started, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.authorize(app, options).await?),
            Self::There { control, .. } => {
                let body = body_of(app, options);
                let started: Authorization =
                    control.post("/v1/authorizations", Some(&body)).await?;
                Ok(Started {
                    id: started.id,
                    authorization_url: started.authorization_url,
                    redirect_uri: started.redirect_uri,
                    scopes: started.scopes,
                    expires_at: started.expires_at,
                })
            }
        }
    }

    /// Follows the callback with this query.
    pub(crate) async fn call_back(
        &self,
        id: AuthorizationId,
        query: &str,
    ) -> Result<Instance, CliError> {
        match self {
            Self::Here(engine) => {
                let query = CallbackQuery::parse(query);
                Ok(engine.call_back(&Arrival::Local(id), &query).await?)
            }
            Self::There { control, .. } => {
                let path = format!("/v1/authorizations/{id}/callback");
                control.post(&path, Some(&json!({ "query": query }))).await
            }
        }
    }

    pub(crate) async fn authorize_device(
        &self,
        app: &App,
        options: AuthorizeOptions,
    ) -> Result<DeviceCode, CliError> {
        match self {
            Self::Here(engine) => {
                let started = engine.authorize_device(app, options).await?;
                Ok(DeviceCode {
                    user_code: started.user_code.clone(),
                    verification_uri: started.verification_uri.clone(),
                    verification_uri_complete: started.verification_uri_complete.clone(),
                    expires_at: started.expires_at,
                    interval: started.interval,
                    under_way: UnderWay::Here(started),
                })
            }
            Self::There { control, .. } => {
                let body = body_of(app, options);
                let started: DeviceAuthorization = control
                    .post("/v1/device-authorizations", Some(&body))
                    .await?;
                Ok(DeviceCode {
                    user_code: started.user_code,
                    verification_uri: started.verification_uri,
                    verification_uri_complete: started.verification_uri_complete,
                    expires_at: started.expires_at,
                    interval: Duration::from_millis(started.interval_ms),
                    under_way: UnderWay::There(started.id),
                })
            }
        }
    }

    pub(crate) async fn poll_device(&self, code: &DeviceCode) -> Result<Poll, CliError> {
        match (self, &code.under_way) {
            (Self::Here(engine), UnderWay::Here(started)) => {
                Ok(match engine.poll_device(started).await? {
                    DevicePolled::Pending(wait) => Poll::Pending(wait),
                    DevicePolled::Connected(instance) => Poll::Connected(instance),
                })
            }
            (Self::There { control, .. }, UnderWay::There(id)) => {
                let path = format!("/v1/device-authorizations/{id}/poll");
                Ok(match control.post(&path, None).await? {
                    Polled::PendingMs(wait) => Poll::Pending(Duration::from_millis(wait)),
                    Polled::Connected(instance) => Poll::Connected(instance),
                })
            }
            _ => Err(CliError::Failure(
                "the code was asked for elsewhere; start again".to_owned(),
            )),
        }
    }

    pub(crate) async fn give(&self, app: &App, options: GiveOptions) -> Result<Instance, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.give(app, options).await?),
            Self::There { control, .. } => {
                let GiveOptions {
                    instance_name,
                    instance,
                    parameters,
                    ..
                } = options;
                let body = body(app, instance_name, instance, &parameters);
                control.post("/v1/instances", Some(&body)).await
            }
        }
    }
}

fn body_of(app: &App, options: AuthorizeOptions) -> Value {
    let AuthorizeOptions {
        instance_name,
        instance,
        parameters,
        // Whoever asks over the control socket receives the callback too, and no command asks for more.
        ..
    } = options;
    body(app, instance_name, instance, &parameters)
}

fn body(
    app: &App,
    name: Option<String>,
    instance: Option<InstanceId>,
    parameters: &Given,
) -> Value {
    json!({
        "app": app.id,
        "name": name,
        "instance": instance,
        "parameters": written(parameters),
    })
}
