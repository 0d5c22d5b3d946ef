//! The code becomes tokens.

use tieline_core::http::CallbackQuery;
use tieline_oauth::{TokenClient, Tokens};
use tieline_store::{App, Instance, TakenAuthorization};

use crate::connect::Connecting;
use crate::{Engine, EngineError};

impl Engine {
    /// Sends the code once: after its bytes were sent, nothing is tried again.
    pub(crate) async fn exchange(
        &self,
        app: App,
        taken: TakenAuthorization,
        query: &CallbackQuery,
    ) -> Result<Instance, EngineError> {
        let provider = self.provider(&app.provider)?;
        let parameters = self.app_parameters(&app).await?;
        let parameters = parameters.with_kept(&taken.parameters);
        let callback = tieline_oauth::check_callback(provider, &parameters, query)?;
        let client = TokenClient::new(
            provider,
            &parameters,
            &self.shared.edge,
            &*self.shared.clock,
        );
        let tokens = client
            .exchange(&callback.code, &taken.redirect_uri, taken.verifier.as_ref())
            .await?;
        let mut tokens = self.granted(&app, tokens, &taken.scopes);
        for (name, value) in callback.captures {
            tokens.captures.entry(name).or_insert(value);
        }
        let connecting = Connecting {
            provider,
            parameters: &parameters,
            app: &app,
            instance_name: taken.instance_name,
        };
        self.connect(&connecting, taken.instance, tokens).await
    }

    /// The tokens of an answer; what was odd about it is told.
    pub(crate) fn granted(
        &self,
        app: &App,
        tokens: Tokens,
        asked: &[String],
    ) -> tieline_core::TokenSet {
        for warning in &tokens.warnings {
            tracing::warn!(provider = app.provider, field = %warning.field, "{}", warning.message);
        }
        let mut set = tokens.set;
        if set.scopes.is_empty() {
            // RFC 6749 section 5.1: an answer without scope grants what was asked for.
            set.scopes = asked.to_vec();
        }
        set
    }
}
