//! Accounts that are connected with a code, typed on another device (RFC 8628).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::{InstanceId, Parameters, Timestamp};
use tieline_oauth::{DeviceAuthorization, Poll, TokenClient};
use tieline_store::{App, Instance};
use tokio::sync::Mutex;

use crate::authorize::{AuthorizeOptions, BoundTo};
use crate::connect::Connecting;
use crate::label::{Label, check_name, check_user, checked_tags};
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
    /// Held while the provider is asked: there is one poll at a time.
    progress: Mutex<Progress>,
}

enum Progress {
    /// The person has not decided, and is not to be asked after before then.
    Waiting {
        authorization: DeviceAuthorization,
        not_before: Timestamp,
    },
    /// A grant comes only once: whoever polls again is told what came of it.
    Connected(InstanceId),
    /// Nothing came of it, and whoever asked was told why.
    Over,
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
        mut options: AuthorizeOptions,
    ) -> Result<DeviceStarted, EngineError> {
        let provider = self.provider(&app.provider)?;
        if provider.descriptor().oauth2().device.is_none() {
            return Err(EngineError::other_way(provider.descriptor()));
        }
        check_name(options.instance_name.as_deref())?;
        user_of(&options).as_deref().map_or(Ok(()), check_user)?;
        let tags = checked_tags(std::mem::take(&mut options.tags))?;
        options.tags = tags;
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
        let now = self.shared.clock.now();
        Ok(DeviceStarted {
            user_code: authorization.user_code.clone(),
            verification_uri: authorization.verification_uri.clone(),
            verification_uri_complete: authorization.verification_uri_complete.clone(),
            scopes: authorization.scopes.clone(),
            expires_at: authorization.expires_at,
            interval: authorization.wait(now),
            shared: Arc::new(Shared {
                app: app.clone(),
                options,
                progress: Mutex::new(Progress::Waiting {
                    authorization,
                    not_before: now,
                }),
            }),
        })
    }

    /// Asks once whether the person has decided, if it is time to. A caller who goes away cancels nothing: a grant comes
    /// only once, and whoever polls after that gets the same instance.
    ///
    /// # Errors
    /// When it is over: denied, too late, refused, for another account. The first to hear of it is told why.
    pub async fn poll_device(&self, started: &DeviceStarted) -> Result<DevicePolled, EngineError> {
        let (engine, shared) = (self.clone(), Arc::clone(&started.shared));
        self.uninterrupted(async move { engine.poll(&shared).await })
            .await
    }

    async fn poll(&self, shared: &Shared) -> Result<DevicePolled, EngineError> {
        let mut progress = shared.progress.lock().await;
        let (authorization, not_before) = match &mut *progress {
            Progress::Waiting {
                authorization,
                not_before,
            } => (authorization, not_before),
            Progress::Connected(id) => {
                let instance = self.instance(*id).load().await?;
                return Ok(DevicePolled::Connected(Box::new(instance)));
            }
            Progress::Over => {
                return Err(EngineError::DeviceOver {
                    provider: shared.app.provider.clone(),
                });
            }
        };
        let now = self.shared.clock.now();
        if let Ok(rest) = Duration::try_from(not_before.duration_since(now))
            && !rest.is_zero()
        {
            return Ok(DevicePolled::Pending(rest));
        }
        let parameters = self.parameters_of(shared).await?;
        match self.ask_device(shared, &parameters, authorization).await {
            Ok(None) => {
                let now = self.shared.clock.now();
                let interval = authorization.wait(now);
                *not_before = saturating_add(now, interval);
                Ok(DevicePolled::Pending(interval))
            }
            Ok(Some(instance)) => {
                *progress = Progress::Connected(instance.id);
                Ok(DevicePolled::Connected(Box::new(instance)))
            }
            Err(error) => {
                *progress = Progress::Over;
                Err(error)
            }
        }
    }

    async fn parameters_of(&self, shared: &Shared) -> Result<Parameters, EngineError> {
        let options = &shared.options;
        self.parameters_to_connect(&shared.app, options.instance, &options.parameters)
            .await
    }

    /// Asks the provider; `None` = the person has not decided. Whatever fails here, fails for good.
    async fn ask_device(
        &self,
        shared: &Shared,
        parameters: &Parameters,
        authorization: &mut DeviceAuthorization,
    ) -> Result<Option<Instance>, EngineError> {
        let Shared { app, options, .. } = shared;
        let provider = self.provider(&app.provider)?;
        let (edge, clock) = (&self.shared.edge, &*self.shared.clock);
        let client = TokenClient::new(provider, parameters, edge, clock);
        let Poll::Granted(tokens) = client.poll_device(authorization).await? else {
            return Ok(None);
        };
        let tokens = self.granted(app, *tokens, &authorization.scopes);
        let connecting = Connecting {
            provider,
            parameters,
            app,
            label: Label {
                name: options.instance_name.clone(),
                user: user_of(options),
                tags: options.tags.clone(),
            },
        };
        let instance = self.connect(&connecting, options.instance, tokens).await?;
        Ok(Some(instance))
    }
}

fn user_of(options: &AuthorizeOptions) -> Option<String> {
    match &options.bound_to {
        BoundTo::Local | BoundTo::Browser { .. } => None,
        BoundTo::Session { user } | BoundTo::Confirm { user } => Some(user.clone()),
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
