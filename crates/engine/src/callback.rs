//! The provider sends the person back: whose authorization is this, and may it be followed?

use sha2::{Digest as _, Sha256};
use tieline_core::AuthorizationId;
use tieline_core::http::CallbackQuery;
use tieline_store::{Binding, Instance, TakenAuthorization};

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
}

impl Engine {
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
        let state = state_hash(tieline_oauth::state_of(query)?);
        let (engine, arrival, query) = (self.clone(), arrival.clone(), query.clone());
        self.uninterrupted(async move { engine.follow(state, &arrival, &query).await })
            .await
    }

    async fn follow(
        &self,
        state: [u8; 32],
        arrival: &Arrival,
        query: &CallbackQuery,
    ) -> Result<Instance, EngineError> {
        let taken = self
            .shared
            .store
            .take_authorization(&state)
            .await?
            .ok_or(EngineError::UnknownState)?;
        let engine = self.for_tenant(&taken.tenant);
        let app = engine.app(taken.app).await?;
        let provider = app.provider.clone();
        if taken.expires_at < self.shared.clock.now() {
            return Err(EngineError::AuthorizationExpired { provider });
        }
        if taken.tenant != *self.tenant || !belongs(&taken, &app.context, arrival) {
            tracing::warn!(provider, app = %app.id, authorization = %taken.id, "callback of someone else's authorization");
            return Err(EngineError::NotYours { provider });
        }
        engine.exchange(app, taken, query).await
    }
}

/// What is stored of a state.
pub(crate) fn state_hash(state: &str) -> [u8; 32] {
    Sha256::digest(state.as_bytes()).into()
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
        _ => false,
    }
}
