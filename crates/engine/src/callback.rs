//! The provider sends the person back: whose authorization is this, and may it be followed?

use tieline_core::AuthorizationId;
use tieline_core::Secret;
use tieline_core::http::CallbackQuery;
use tieline_store::{App, Binding, Instance, TakenAuthorization};

use crate::lookup_hash::lookup_hash;
use crate::{Engine, EngineError};

/// Where a callback arrived, and with whom: it must be where and with whom the authorization was started.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// At the process that started this authorization and waited for it.
    Local(AuthorizationId),
    /// At the app's own redirect URI, in the session of a user whom the host knows.
    Session {
        /// The app's context, from the path of the redirect URI.
        context: String,
        /// The user, as at the start.
        user: String,
    },
    /// At the app's own redirect URI, in a browser that holds what it held at the start.
    Browser {
        /// The app's context, from the path of the redirect URI.
        context: String,
        /// SHA-256 of what it holds.
        hash: [u8; 32],
    },
}

/// Who comes to the front door, as far as it can be seen; by default nobody whom anybody knows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visitor<'a> {
    /// A user whom the host sees signed in.
    pub user: Option<&'a str>,
    /// What is known by what their browser holds.
    pub browser: Option<Browser<'a>>,
}

/// A browser in which somebody is signed in here.
#[derive(Debug, Clone, Copy)]
pub struct Browser<'a> {
    /// What it holds, and no other.
    pub holds: &'a Secret,
    /// Who connects what was started in it.
    pub actor: &'a str,
}

/// What became of a callback at the front door.
#[derive(Debug)]
pub enum Received {
    /// The account is connected.
    Connected {
        /// The account.
        instance: Box<Instance>,
        /// Where the person goes now, as asked for at the start.
        return_to: Option<String>,
        /// Whether it was started in this very browser.
        is_browsers: bool,
    },
    /// The browser goes to the host, which confirms that it was its user; or which learns there what went wrong. The address may
    /// hold a ticket: it goes to that browser and nowhere else.
    ToHost {
        /// Where.
        address: Secret,
    },
    /// The process that started this waits for it elsewhere: the person takes the address of this callback there. Its state is
    /// not used up.
    ToStarter,
}

impl Engine {
    /// Receives a callback at an app's own redirect URI, whosever app it is: the app's `context` is from the path. What the app's host must confirm is parked; what a session started is
    /// followed to its end.
    ///
    /// The state is looked at before anything else and is used up whatever comes of it, unless the process that made it is still
    /// to receive this callback.
    ///
    /// # Errors
    /// As for [`call_back`](Self::call_back); also when nobody can be sent to the host.
    pub async fn receive_callback(
        &self,
        context: &str,
        visitor: Visitor<'_>,
        query: Secret,
    ) -> Result<Received, EngineError> {
        let parsed = CallbackQuery::parse(query.expose());
        let state = lookup_hash(tieline_oauth::state_of(&parsed)?);
        let (engine, context) = (self.clone(), context.to_owned());
        let [user, browser] = visitor.arrivals(&context);
        let actor = visitor.browser.map(|it| it.actor.to_owned());
        self.uninterrupted(async move {
            if engine.is_awaited_elsewhere(&state, &context).await? {
                return Ok(Received::ToStarter);
            }
            let (engine, app, taken) = engine.take(&state).await?;
            if app.context != context {
                return Err(not_yours(&app, &taken));
            }
            if taken.binding == Binding::Confirm {
                let address = engine.park(&app, &taken, &query).await?;
                return Ok(Received::ToHost { address });
            }
            let is_browsers = taken.browser_hash.is_some();
            let (arrival, engine) = match actor {
                Some(actor) if is_browsers => (browser, engine.acting_as(&actor)),
                _ => (user, engine),
            };
            let Some(arrival) = arrival else {
                return Err(not_yours(&app, &taken));
            };
            let return_to = taken.return_to.clone();
            let instance = engine.follow(app, taken, &arrival, &parsed).await?;
            Ok(Received::Connected {
                instance: Box::new(instance),
                return_to,
                is_browsers,
            })
        })
        .await
    }

    /// Follows a callback to its end: a connected instance.
    ///
    /// The state is looked at before anything else, errors included, and is used up whatever comes of it. Once it is, a
    /// caller who goes away cancels nothing: a code works only once.
    ///
    /// # Errors
    /// When the callback is malformed, unknown, late, someone else's, or carries the provider's refusal; when the
    /// exchange fails; when a re-authorized instance would change its account. No instance was changed then.
    pub async fn call_back(
        &self,
        arrival: &Arrival,
        query: &CallbackQuery,
    ) -> Result<Instance, EngineError> {
        let state = lookup_hash(tieline_oauth::state_of(query)?);
        let (engine, arrival, query) = (self.clone(), arrival.clone(), query.clone());
        self.uninterrupted(async move {
            let (owner, app, taken) = engine.take(&state).await?;
            if owner.tenant != engine.tenant {
                return Err(not_yours(&app, &taken));
            }
            engine.follow(app, taken, &arrival, &query).await
        })
        .await
    }

    /// Whether a process waits for this callback, which came to the redirect URI of the very app that it started with. Anywhere
    /// else nobody is told to carry it there: its code is another server's, maybe.
    async fn is_awaited_elsewhere(
        &self,
        state: &[u8; 32],
        context: &str,
    ) -> Result<bool, EngineError> {
        let seen = self.shared.store.authorization(state).await?;
        let seen = seen.ok_or(EngineError::UnknownState)?;
        if seen.binding != Binding::Local {
            return Ok(false);
        }
        let app = self.for_tenant(&seen.tenant).app(seen.app).await?;
        Ok(app.context == context)
    }

    /// Takes the authorization of a state, whosever it is: with its app, and the engine of its tenant.
    async fn take(&self, state: &[u8; 32]) -> Result<(Self, App, TakenAuthorization), EngineError> {
        let taken = self.shared.store.take_authorization(state).await?;
        let taken = taken.ok_or(EngineError::UnknownState)?;
        let engine = self.for_tenant(&taken.tenant);
        let app = engine.app(taken.app).await?;
        Ok((engine, app, taken))
    }

    async fn follow(
        &self,
        app: App,
        taken: TakenAuthorization,
        arrival: &Arrival,
        query: &CallbackQuery,
    ) -> Result<Instance, EngineError> {
        if taken.expires_at < self.shared.clock.now() {
            let provider = app.provider;
            return Err(EngineError::AuthorizationExpired { provider });
        }
        if !belongs(&taken, &app.context, arrival) {
            return Err(not_yours(&app, &taken));
        }
        self.exchange(app, taken, query).await
    }
}

impl Visitor<'_> {
    /// Their arrival at an app's redirect URI: as the host's user, and in their browser.
    fn arrivals(self, context: &str) -> [Option<Arrival>; 2] {
        let user = self.user.map(|user| Arrival::Session {
            context: context.to_owned(),
            user: user.to_owned(),
        });
        let browser = self.browser.map(|browser| Arrival::Browser {
            context: context.to_owned(),
            hash: lookup_hash(browser.holds.expose()),
        });
        [user, browser]
    }
}

fn not_yours(app: &App, taken: &TakenAuthorization) -> EngineError {
    let provider = app.provider.clone();
    tracing::warn!(provider, app = %app.id, authorization = %taken.id, "callback of someone else's authorization");
    EngineError::NotYours { provider }
}

fn belongs(taken: &TakenAuthorization, context: &str, arrival: &Arrival) -> bool {
    match (taken.binding, arrival) {
        (Binding::Local, Arrival::Local(id)) => *id == taken.id,
        (
            Binding::Session,
            Arrival::Session {
                context: arrived_at,
                user,
            },
        ) => arrived_at == context && taken.user.as_deref() == Some(user),
        (
            Binding::Session,
            Arrival::Browser {
                context: arrived_at,
                hash,
            },
        ) => arrived_at == context && taken.browser_hash.as_ref() == Some(hash),
        _ => false,
    }
}
