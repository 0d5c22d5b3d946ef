//! Between callback and exchange: whoever started an authorization says that it is theirs.
//!
//! A link that leads to a consent can be handed on. So a host that starts authorizations for its users is told, in the browser
//! of whoever consented, of one ticket; and only where it sees the same user in that browser as at the start, it confirms.

use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::http::CallbackQuery;
use tieline_core::{AuthorizationId, Secret, random};
use tieline_store::{App, Instance, NewParked, TakenAuthorization};

use crate::addresses::with_query;
use crate::lookup_hash::lookup_hash;
use crate::{Engine, EngineError};

/// How long a host has to confirm.
pub const TIME_TO_CONFIRM: Duration = Duration::from_secs(60);

/// A connected account, and where its owner wanted to go then.
#[derive(Debug)]
pub struct Confirmed {
    /// The account.
    pub instance: Instance,
    /// Where the person goes now, as asked for at the start.
    pub return_to: Option<String>,
}

impl Engine {
    /// Exchanges the code of a parked authorization, if ticket and user are those of the start. The ticket is used up
    /// whatever comes of it. A caller who goes away cancels nothing.
    ///
    /// # Errors
    /// When the ticket is not that authorization's, is used up, or came too late; when the user is another one: nothing is
    /// exchanged then. When the exchange fails.
    pub async fn confirm(
        &self,
        id: AuthorizationId,
        ticket: &Secret,
        user: &str,
    ) -> Result<Confirmed, EngineError> {
        let (engine, hash, user) = (self.clone(), lookup_hash(ticket.expose()), user.to_owned());
        self.uninterrupted(async move { engine.exchange_parked(id, hash, &user).await })
            .await
    }

    async fn exchange_parked(
        &self,
        id: AuthorizationId,
        ticket_hash: [u8; 32],
        user: &str,
    ) -> Result<Confirmed, EngineError> {
        let store = &self.shared.store;
        let unparked = store.take_parked(&self.tenant, id, &ticket_hash).await?;
        let unparked = unparked.ok_or(EngineError::UnknownTicket)?;
        let taken = unparked.taken;
        if taken.expires_at < self.shared.clock.now() {
            return Err(EngineError::UnknownTicket);
        }
        let app = self.app(taken.app).await?;
        if taken.user.as_deref() != Some(user) {
            tracing::warn!(provider = app.provider, app = %app.id, authorization = %id, "confirmed by someone else");
            return Err(EngineError::NotYours {
                provider: app.provider,
            });
        }
        let query = CallbackQuery::parse(unparked.callback.expose());
        let return_to = taken.return_to.clone();
        let instance = self.exchange(app, taken, &query).await?;
        Ok(Confirmed {
            instance,
            return_to,
        })
    }

    /// Parks what was called back, and says where the browser goes to have it confirmed. What is wrong with the callback shows
    /// there too: whoever waits for it is the host.
    pub(crate) async fn park(
        &self,
        app: &App,
        taken: &TakenAuthorization,
        callback: &Secret,
    ) -> Result<Secret, EngineError> {
        let confirm_url = confirm_url(app)?;
        let id = taken.id.to_string();
        if let Err(error) = self.check(app, taken, callback).await {
            tracing::info!(provider = app.provider, app = %app.id, authorization = %id, "called back in vain: {error}");
            let pairs = [("authorization", id.as_str()), ("error", error.name())];
            return with_query(confirm_url, &pairs).map(Secret::new);
        }
        let now = self.shared.clock.now();
        let store = &self.shared.store;
        let ticket = random::token()?;
        let parked = NewParked {
            taken,
            callback,
            ticket_hash: lookup_hash(ticket.expose()),
            expires_at: saturating_add(now, TIME_TO_CONFIRM),
        };
        store.park_authorization(&parked).await?;
        let pairs = [("authorization", id.as_str()), ("ticket", ticket.expose())];
        with_query(confirm_url, &pairs).map(Secret::new)
    }

    /// What can be told of a callback without the provider.
    async fn check(
        &self,
        app: &App,
        taken: &TakenAuthorization,
        callback: &Secret,
    ) -> Result<(), EngineError> {
        if taken.expires_at < self.shared.clock.now() {
            let provider = app.provider.clone();
            return Err(EngineError::AuthorizationExpired { provider });
        }
        let provider = self.provider(&app.provider)?;
        let parameters = self.app_parameters(app).await?;
        let parameters = parameters.with_kept(&taken.parameters);
        let query = CallbackQuery::parse(callback.expose());
        tieline_oauth::check_callback(provider, &parameters, &query)?;
        Ok(())
    }
}

/// Where a host confirms, or what to do where nobody has said.
pub(crate) fn confirm_url(app: &App) -> Result<&str, EngineError> {
    app.confirm_url
        .as_deref()
        .ok_or_else(|| EngineError::NowhereToConfirm {
            provider: app.provider.clone(),
            app: app.id,
        })
}
