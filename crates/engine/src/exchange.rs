//! The code becomes tokens.

use std::collections::BTreeMap;

use tieline_core::http::CallbackQuery;
use tieline_core::{ProviderDescriptor, ProviderSetup, TokenSet};
use tieline_oauth::{TokenClient, Tokens};
use tieline_store::{App, Instance, TakenAuthorization};

use crate::connect::Connecting;
use crate::label::Label;
use crate::{Engine, EngineError, measure};

impl Engine {
    /// Sends the code once: after its bytes were sent, nothing is tried again.
    pub(crate) async fn exchange(
        &self,
        app: App,
        taken: TakenAuthorization,
        query: &CallbackQuery,
    ) -> Result<Instance, EngineError> {
        let provider = self.provider(&app.provider)?;
        let end = self.exchange_with(provider, app, taken, query).await;
        measure::authorization(provider.descriptor().id, &end);
        end
    }

    async fn exchange_with(
        &self,
        provider: &'static dyn ProviderSetup,
        app: App,
        taken: TakenAuthorization,
        query: &CallbackQuery,
    ) -> Result<Instance, EngineError> {
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
        keep_of_callback(provider.descriptor(), callback.captures, &mut tokens);
        let connecting = Connecting {
            provider,
            parameters: &parameters,
            app: &app,
            label: Label {
                name: taken.instance_name,
                user: taken.user,
                tags: taken.tags,
            },
        };
        self.connect(&connecting, taken.instance, tokens).await
    }

    /// The tokens of an answer; what was odd about it is told.
    pub(crate) fn granted(&self, app: &App, tokens: Tokens, asked: &[String]) -> TokenSet {
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

/// Facts that came through the browser, where anybody can have written them: none stands in for one that the provider
/// tells with the tokens.
fn keep_of_callback(
    descriptor: &ProviderDescriptor,
    told: BTreeMap<String, String>,
    tokens: &mut TokenSet,
) {
    let of_answer = descriptor.oauth2().answer.captures;
    let is_own = |name: &str| of_answer.iter().all(|capture| capture.name != name);
    let told: Vec<_> = told.into_iter().filter(|(name, _)| is_own(name)).collect();
    if let Some(users) = &mut tokens.user {
        users.captures.extend(told.iter().cloned());
    }
    tokens.captures.extend(told);
}
