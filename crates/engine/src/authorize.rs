//! The first step: send a person to the provider.

use std::fmt;
use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::parameters::Given;
use tieline_core::{
    AuthorizationId, Format, InstanceId, OAuthField, Parameters, Secret, Timestamp,
};
use tieline_oauth::AuthorizationRequestOptions;
use tieline_store::{App, Binding, Instance, NewAuthorization};

use crate::confirm::confirm_url;
use crate::forget::{REMEMBERED, before};
use crate::label::{check_name, check_user, checked_tags};
use crate::lookup_hash::lookup_hash;
use crate::{Engine, EngineError};

/// How long a person has to consent.
pub const TIME_TO_CONSENT: Duration = Duration::from_secs(10 * 60);

/// What to ask for, and who asks.
#[derive(Debug)]
pub struct AuthorizeOptions {
    /// What ties the callback to whoever started: fixed here, checked there.
    pub bound_to: BoundTo,
    /// The scopes to ask for; `None` = the app's, else the provider's usual ones.
    pub scopes: Option<Vec<String>>,
    /// What to call the instance.
    pub instance_name: Option<String>,
    /// What the host finds the instance by.
    pub tags: Vec<String>,
    /// Re-authorize this instance in place instead of making a new one.
    pub instance: Option<InstanceId>,
    /// What the person who connects the account gives, by parameter key. What an instance is known by need not be given
    /// again.
    pub parameters: Given,
    /// Where the person goes in the end: a path of the engine's public URL, or a page of one of the app's return origins.
    pub return_to: Option<String>,
}

/// Who must come back.
#[derive(Debug, Clone)]
pub enum BoundTo {
    /// The process that starts it, which receives the callback itself.
    Local,
    /// The user whose session the host sees at the start; the same must be seen at the callback.
    Session {
        /// The host's name for the person.
        user: String,
    },
    /// The browser that starts it, whosever it is.
    Browser {
        /// SHA-256 of what that browser holds, and no other: such as a cookie that only this origin can set.
        hash: [u8; 32],
    },
    /// Whoever the host says it is, after the callback, with the [ticket](Engine::confirm) that the browser brings it.
    Confirm {
        /// The host's name for the person.
        user: String,
    },
}

/// An authorization under way.
pub struct Started {
    /// Names this run of the front channel.
    pub id: AuthorizationId,
    /// Where to send the person.
    pub authorization_url: String,
    /// Where the provider will send them back.
    pub redirect_uri: String,
    /// The scopes that are asked for.
    pub scopes: Vec<String>,
    /// When it is too late to come back.
    pub expires_at: Timestamp,
}

impl AuthorizeOptions {
    /// For the process that starts and receives the callback itself, as a command line does.
    pub const LOCAL: Self = Self {
        bound_to: BoundTo::Local,
        scopes: None,
        instance_name: None,
        tags: Vec::new(),
        instance: None,
        parameters: Given::new(),
        return_to: None,
    };

    /// For a user whom the host sees signed in when they come back, too: see [`BoundTo::Session`].
    pub fn session(user: impl Into<String>) -> Self {
        let user = user.into();
        Self {
            bound_to: BoundTo::Session { user },
            ..Self::LOCAL
        }
    }

    /// For whoever holds this in their browser, now and when they come back: see [`BoundTo::Browser`].
    pub fn browser(held: &Secret) -> Self {
        let hash = lookup_hash(held.expose());
        Self {
            bound_to: BoundTo::Browser { hash },
            ..Self::LOCAL
        }
    }

    /// For a user whom the host names once more when they are back: see [`BoundTo::Confirm`].
    pub fn confirm(user: impl Into<String>) -> Self {
        let user = user.into();
        Self {
            bound_to: BoundTo::Confirm { user },
            ..Self::LOCAL
        }
    }
}

impl Engine {
    /// Starts an authorization of `app`. What the callback needs is durable before the URL is handed out.
    ///
    /// # Errors
    /// When parameters are missing or wrong, the instance to re-authorize is not there, or the store fails.
    pub async fn authorize(
        &self,
        app: &App,
        options: AuthorizeOptions,
    ) -> Result<Started, EngineError> {
        let provider = self.provider(&app.provider)?;
        if !provider.descriptor().authentication.has_front_channel() {
            return Err(EngineError::other_way(provider.descriptor()));
        }
        check_name(options.instance_name.as_deref())?;
        check_scopes(options.scopes.as_deref())?;
        let tags = checked_tags(options.tags)?;
        // As it is now: whoever holds an app may have held it for long.
        let app = &self.app(app.id).await?;
        self.check_return_to(options.return_to.as_deref(), &app.return_origins)?;
        let bound = bound(app, options.bound_to)?;
        let parameters = self
            .parameters_to_connect(app, options.instance, &options.parameters)
            .await?;
        let redirect_uri = parameters
            .field(OAuthField::RedirectUri)
            .unwrap_or_default();
        let request = tieline_oauth::authorization(
            provider,
            &parameters,
            AuthorizationRequestOptions {
                redirect_uri,
                scopes: options.scopes.as_deref(),
            },
        )?;
        let now = self.shared.clock.now();
        // Where no upkeep runs, as on the command line, nobody else does.
        let forgotten = before(now, REMEMBERED);
        self.shared.store.purge_authorizations(forgotten).await?;
        let expires_at = saturating_add(now, TIME_TO_CONSENT);
        let id = self
            .shared
            .store
            .start_authorization(NewAuthorization {
                tenant: self.tenant.to_string(),
                app: app.id,
                state_hash: lookup_hash(request.state.expose()),
                verifier: request.code_verifier,
                redirect_uri: request.redirect_uri.clone(),
                scopes: request.scopes.clone(),
                binding: bound.binding,
                user: bound.user,
                browser_hash: bound.browser_hash,
                instance: options.instance,
                instance_name: options.instance_name,
                tags,
                parameters: parameters.to_keep(),
                return_to: options.return_to,
                expires_at,
            })
            .await?;
        tracing::info!(provider = app.provider, app = %app.id, authorization = %id, "authorization started");
        Ok(Started {
            id,
            authorization_url: request.url.into(),
            redirect_uri: request.redirect_uri,
            scopes: request.scopes,
            expires_at,
        })
    }
}

impl Engine {
    /// The parameters with which an account is connected, or connected again: the app's, what is known of the account, and
    /// what is given now.
    pub(crate) async fn parameters_to_connect(
        &self,
        app: &App,
        again: Option<InstanceId>,
        given: &Given,
    ) -> Result<Parameters, EngineError> {
        // As it is now, and of this tenant: whoever holds an app may have held it for long.
        let app = &self.app(app.id).await?;
        let parameters = self.app_parameters(app).await?;
        let Some(id) = again else {
            return Ok(parameters.with_end_user(given)?);
        };
        let instance = self.instance(id).load().await?;
        if instance.app != app.id {
            return Err(EngineError::NoSuchInstance(id));
        }
        refuse_another_tenant(&instance, &parameters, given)?;
        let parameters = parameters.with_kept(&instance.parameters);
        Ok(parameters.with_end_user(given)?)
    }
}

/// What the callback will be held against.
struct Bound {
    binding: Binding,
    user: Option<String>,
    browser_hash: Option<[u8; 32]>,
}

fn bound(app: &App, bound_to: BoundTo) -> Result<Bound, EngineError> {
    let (binding, user, browser_hash) = match bound_to {
        BoundTo::Local => (Binding::Local, None, None),
        BoundTo::Session { user } => {
            check_user(&user)?;
            (Binding::Session, Some(user), None)
        }
        BoundTo::Browser { hash } => (Binding::Session, None, Some(hash)),
        BoundTo::Confirm { user } => {
            check_user(&user)?;
            confirm_url(app)?;
            (Binding::Confirm, Some(user), None)
        }
    };
    Ok(Bound {
        binding,
        user,
        browser_hash,
    })
}

/// Each is a scope-token of RFC 6749 section 3.3.
pub(crate) fn check_scopes(scopes: Option<&[String]>) -> Result<(), EngineError> {
    let is_token = |scope: &String| {
        let mut bytes = scope.bytes();
        !scope.is_empty()
            && scope.len() <= 256
            && bytes.all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    };
    match scopes {
        Some(scopes) if scopes.len() > 200 || !scopes.iter().all(is_token) => {
            Err(EngineError::Unusable {
                field: "scopes",
                why: "are a list of the provider's own words, each without spaces and quotes"
                    .to_owned(),
            })
        }
        _ => Ok(()),
    }
}

/// The tenant whose hosts an instance calls is part of whose account it is: a shop or a helpdesk does not become another.
fn refuse_another_tenant(
    instance: &Instance,
    parameters: &Parameters,
    given: &Given,
) -> Result<(), EngineError> {
    let labels = parameters.descriptor().end_user_parameters();
    for row in labels.filter(|row| row.format == Format::HostLabel) {
        let key = row.parameter.as_str();
        let (Some(known), Some(new)) = (instance.parameters.get(key), given.get(key)) else {
            continue;
        };
        if known != new.expose() {
            return Err(EngineError::DifferentTenant {
                provider: instance.provider.clone(),
                instance: instance.id,
                parameter: row.parameter,
                expected: known.clone(),
            });
        }
    }
    Ok(())
}

/// Without the URL's query, which holds the state.
impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started")
            .field("id", &self.id)
            .field("redirect_uri", &self.redirect_uri)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
