//! Accounts that are connected with a code, typed on another device (RFC 8628).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tieline_core::Timestamp;
use tieline_oauth::{DeviceAuthorization, Poll, TokenClient};
use tieline_store::{App, Instance};
use tokio::sync::Mutex;

use crate::authorize::AuthorizeOptions;
use crate::connect::Connecting;
use crate::{Engine, EngineError};

/// A device authorization under way. It lives in this process alone: when that ends, the person starts again.
#[derive(Clone)]
pub struct DeviceStarted {
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
    /// How long to wait before the first poll.
    pub interval: Duration,
    shared: Arc<Shared>,
}

struct Shared {
    app: App,
    options: AuthorizeOptions,
    authorization: Mutex<DeviceAuthorization>,
}

/// What a poll brought.
#[derive(Debug)]
pub enum DevicePolled {
    /// The person has not decided yet: poll again after so long.
    Pending(Duration),
    /// They consented, and this is the account.
    Connected(Box<Instance>),
}

impl Engine {
    /// Asks for a code that a person types on another device. It is bound to whoever holds what this returns, and to
    /// nobody else: `bound_to` says nothing here.
    ///
    /// # Errors
    /// When the provider offers no such grant, parameters are missing or wrong, or the provider refuses.
    pub async fn authorize_device(
        &self,
        app: &App,
        options: AuthorizeOptions,
    ) -> Result<DeviceStarted, EngineError> {
        let provider = self.provider(&app.provider)?;
        if provider.descriptor().oauth2().device.is_none() {
            return Err(EngineError::other_way(provider.descriptor()));
        }
        let parameters = self
            .parameters_to_connect(app, options.instance, &options.parameters)
            .await?;
        let client = TokenClient::new(
            provider,
            &parameters,
            &self.shared.edge,
            &*self.shared.clock,
        );
        let authorization = client.device_authorization().await?;
        Ok(DeviceStarted {
            user_code: authorization.user_code.clone(),
            verification_uri: authorization.verification_uri.clone(),
            verification_uri_complete: authorization.verification_uri_complete.clone(),
            scopes: authorization.scopes.clone(),
            expires_at: authorization.expires_at,
            interval: authorization.interval,
            shared: Arc::new(Shared {
                app: app.clone(),
                options,
                authorization: Mutex::new(authorization),
            }),
        })
    }

    /// Asks once whether the person has decided. A caller who goes away cancels nothing: a grant comes only once.
    ///
    /// # Errors
    /// When it is over: denied, too late, refused.
    pub async fn poll_device(&self, started: &DeviceStarted) -> Result<DevicePolled, EngineError> {
        let (engine, shared) = (self.clone(), Arc::clone(&started.shared));
        self.uninterrupted(async move { engine.poll(&shared).await })
            .await
    }

    async fn poll(&self, shared: &Shared) -> Result<DevicePolled, EngineError> {
        let Shared { app, options, .. } = shared;
        let provider = self.provider(&app.provider)?;
        let parameters = self
            .parameters_to_connect(app, options.instance, &options.parameters)
            .await?;
        let client = TokenClient::new(
            provider,
            &parameters,
            &self.shared.edge,
            &*self.shared.clock,
        );
        let mut authorization = shared.authorization.lock().await;
        let tokens = match client.poll_device(&mut authorization).await? {
            Poll::Pending => return Ok(DevicePolled::Pending(authorization.interval)),
            Poll::Granted(tokens) => self.granted(app, *tokens, &authorization.scopes),
        };
        let connecting = Connecting {
            provider,
            parameters: &parameters,
            app,
            instance_name: options.instance_name.clone(),
        };
        let instance = match options.instance {
            Some(id) => self.reconnect(&connecting, id, tokens).await,
            None => self.connect_new(&connecting, tokens).await,
        };
        Ok(DevicePolled::Connected(Box::new(instance?)))
    }
}

/// Without the user code: whoever types it consents.
impl fmt::Debug for DeviceStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceStarted")
            .field("verification_uri", &self.verification_uri)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
