//! Apps: a tenant's registered applications, and the parameters that hold for each.

use std::collections::BTreeMap;

use tieline_core::parameters::Given;
use tieline_core::{
    AppId, InstanceId, ParameterKey, Parameters, ProviderSetup, REDACTED, Secret, SetBy, random,
};
use tieline_store::{App, Instance};

use crate::addresses::{check_confirm_url, checked_origins};
use crate::engine::DEFAULT_TENANT;
use crate::label::check_name;
use crate::{Engine, EngineError};

/// An app in the making. Its callback URL can be told before it has any credential, since providers want that first.
#[derive(Debug, Default)]
pub struct NewApp {
    /// Id or alias of the provider.
    pub provider: String,
    /// Unique among the tenant's apps at that provider; people are told it where they connect. Default: the provider's id.
    pub name: Option<String>,
    /// Its own parameters, above the operator's.
    pub parameters: Given,
    /// Where the host confirms what its users connected.
    pub confirm_url: Option<String>,
    /// The origins of pages to which people may be sent back.
    pub return_origins: Vec<String>,
}

/// Changes of an app; what is `None` stays.
#[derive(Debug, Default)]
pub struct AppChanges {
    /// Changes of its own parameters.
    pub parameters: Changes,
    /// Another confirm URL, or none at all.
    pub confirm_url: Option<Option<String>>,
    /// Other return origins in the place of those there are.
    pub return_origins: Option<Vec<String>>,
}

/// Changes of an app's own parameters: a new value, or `None` to take one away. The others stay.
pub type Changes = BTreeMap<String, Option<Secret>>;

fn apply(changes: Changes, parameters: &mut Given) {
    for (key, value) in changes {
        match value {
            Some(value) => parameters.insert(key, value),
            None => parameters.remove(&key),
        };
    }
}

impl Engine {
    /// Registers an app. Its endpoints are fixed now: the provider's, or the operator's overrides.
    ///
    /// # Errors
    /// When there is no such provider, the name is taken, or a parameter that is given can't be used. Missing ones are
    /// no error yet.
    pub async fn create_app(&self, new: NewApp) -> Result<App, EngineError> {
        let provider = self.provider(&new.provider)?;
        let descriptor = provider.descriptor();
        check_name(new.name.as_deref())?;
        check_confirm_url(new.confirm_url.as_deref())?;
        let context = random::context()?;
        let mut parameters = new.parameters;
        self.give_callback_url(provider, &context, &mut parameters);
        self.check_given(provider, &parameters)?;
        let app = tieline_store::NewApp {
            tenant: self.tenant.to_string(),
            provider: descriptor.id.to_owned(),
            name: new.name.unwrap_or_else(|| descriptor.id.to_owned()),
            redirect_uri: redirect_uri(&parameters),
            endpoints: self.endpoint_overrides(provider),
            context,
            confirm_url: new.confirm_url,
            return_origins: checked_origins(new.return_origins)?,
            parameters,
        };
        Ok(self.acting_store().create_app(app).await?)
    }

    /// The tenant's app of this name at this provider, if there is one.
    ///
    /// # Errors
    /// When there is no such provider.
    pub async fn app_named(&self, provider: &str, name: &str) -> Result<Option<App>, EngineError> {
        let id = self.provider(provider)?.descriptor().id;
        Ok(self
            .shared
            .store
            .app_by_name(&self.tenant, id, name)
            .await?)
    }

    /// The tenant's apps.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn apps(&self) -> Result<Vec<App>, EngineError> {
        Ok(self.shared.store.apps(&self.tenant).await?)
    }

    /// One of the tenant's apps.
    ///
    /// # Errors
    /// When it isn't there.
    pub async fn app(&self, id: AppId) -> Result<App, EngineError> {
        self.shared
            .store
            .app(&self.tenant, id)
            .await?
            .ok_or(EngineError::NoSuchApp(id))
    }

    /// Replaces an app's own parameters; a client secret is rotated here, and no instance is touched.
    ///
    /// # Errors
    /// When a parameter can't be used, or somebody else changed the app meanwhile.
    pub async fn set_app_parameters(
        &self,
        app: &App,
        parameters: Given,
    ) -> Result<App, EngineError> {
        self.check_given(self.provider(&app.provider)?, &parameters)?;
        let redirect_uri = redirect_uri(&parameters);
        let _changing = self.shared.hot.changing_app(app.id);
        Ok(self
            .acting_store()
            .set_app_parameters(app, parameters, redirect_uri)
            .await?)
    }

    /// Changes some of an app's own parameters, and leaves the others as they are.
    ///
    /// # Errors
    /// As for [`set_app_parameters`](Self::set_app_parameters); also when those that are there don't open.
    pub async fn change_app_parameters(
        &self,
        app: &App,
        changes: Changes,
    ) -> Result<App, EngineError> {
        let changes = AppChanges {
            parameters: changes,
            ..AppChanges::default()
        };
        self.change_app(app, changes).await
    }

    /// Changes an app: some of its own parameters, where its host confirms, where people may be sent back.
    ///
    /// # Errors
    /// As for [`change_app_parameters`](Self::change_app_parameters); also when an address can't be used.
    pub async fn change_app(&self, app: &App, changes: AppChanges) -> Result<App, EngineError> {
        let mut parameters = self.app_own_parameters(app).await?;
        let mut app = app.clone();
        if let Some(confirm_url) = changes.confirm_url {
            check_confirm_url(confirm_url.as_deref())?;
            app.confirm_url = confirm_url;
        }
        if let Some(origins) = changes.return_origins {
            app.return_origins = checked_origins(origins)?;
        }
        apply(changes.parameters, &mut parameters);
        self.set_app_parameters(&app, parameters).await
    }

    /// Whether an app would have all that it needs, and nothing wrong, with these changes of its own parameters. Nothing is
    /// changed.
    ///
    /// # Errors
    /// Everything that would be missing or wrong, at once; or when those that are there don't open.
    pub async fn check_app_changes(&self, app: &App, changes: Changes) -> Result<(), EngineError> {
        let provider = self.provider(&app.provider)?;
        let mut parameters = self.app_own_parameters(app).await?;
        apply(changes, &mut parameters);
        self.check_given(provider, &parameters)?;
        self.resolve(provider, &parameters)?;
        Ok(())
    }

    /// What an app gives for itself, for a person to read: `[redacted]` in the place of secrets, and of what the provider
    /// takes no longer.
    ///
    /// # Errors
    /// When the parameters don't open.
    pub async fn app_parameters_shown(
        &self,
        app: &App,
    ) -> Result<BTreeMap<String, String>, EngineError> {
        let descriptor = self.provider(&app.provider)?.descriptor();
        let is_open = |key: &str| {
            let mut rows = descriptor.parameters();
            rows.any(|row| row.parameter.as_str() == key && !row.secret)
        };
        let own = self.app_own_parameters(app).await?;
        let shown = own.into_iter().map(|(key, value)| {
            let text = if is_open(&key) {
                value.expose()
            } else {
                REDACTED
            };
            let text = text.to_owned();
            (key, text)
        });
        Ok(shown.collect())
    }

    /// What an account's owner must still give to be connected, or connected again, and neither the app nor the operator nor
    /// what is known of the account gives.
    ///
    /// # Errors
    /// Whatever the app itself lacks, as for [`app_parameters`](Self::app_parameters); or the instance isn't there.
    pub async fn wanted_to_connect(
        &self,
        app: &App,
        again: Option<InstanceId>,
    ) -> Result<Vec<ParameterKey>, EngineError> {
        let mut known = self.app_parameters(app).await?;
        if let Some(id) = again {
            let instance = self.instance(id).load().await?;
            if instance.app != app.id {
                return Err(EngineError::NoSuchInstance(id));
            }
            known = known.with_kept(&instance.parameters);
        }
        let rows = known.descriptor().end_user_parameters();
        let wanted = rows.filter(|row| row.required && known.get(row.parameter).is_none());
        Ok(wanted.map(|row| row.parameter).collect())
    }

    /// What an app gives for itself: without the operator's layers, and secrets included.
    ///
    /// # Errors
    /// When the store fails, or the parameters don't open.
    pub async fn app_own_parameters(&self, app: &App) -> Result<Given, EngineError> {
        Ok(self.shared.store.app_parameters(app).await?)
    }

    /// Deletes an app to which no instance points.
    ///
    /// # Errors
    /// When it isn't there, or instances point to it.
    pub async fn delete_app(&self, id: AppId) -> Result<(), EngineError> {
        let _changing = self.shared.hot.changing_app(id);
        if self.acting_store().delete_app(&self.tenant, id).await? {
            Ok(())
        } else {
            Err(EngineError::NoSuchApp(id))
        }
    }

    /// The parameters that hold for an app, all layers merged and checked.
    ///
    /// # Errors
    /// Everything that is missing or wrong, at once; or when the operator's overrides are no longer those the app was
    /// registered for.
    pub async fn app_parameters(&self, app: &App) -> Result<Parameters, EngineError> {
        self.app_parameters_with(app, Changes::new()).await
    }

    /// The parameters that would hold with these changes of the app's own.
    pub(crate) async fn app_parameters_with(
        &self,
        app: &App,
        changes: Changes,
    ) -> Result<Parameters, EngineError> {
        let provider = self.provider(&app.provider)?;
        let now = self.endpoint_overrides(provider);
        if now != app.endpoints {
            return Err(EngineError::EndpointsChanged {
                provider: app.provider.clone(),
                app: app.id,
                was: in_words(&app.endpoints),
                now: in_words(&now),
            });
        }
        let mut given = self.app_own_parameters(app).await?;
        apply(changes, &mut given);
        Ok(self.resolve(provider, &given)?)
    }

    /// The parameters that hold for one account: those of its app, with what was kept of the account itself.
    pub(crate) async fn instance_parameters(
        &self,
        instance: &Instance,
    ) -> Result<Parameters, EngineError> {
        let app = self.app(instance.app).await?;
        let parameters = self.app_parameters(&app).await?;
        Ok(parameters.with_kept(&instance.parameters))
    }

    fn resolve(
        &self,
        provider: &dyn ProviderSetup,
        given: &Given,
    ) -> Result<Parameters, tieline_core::parameters::ParameterProblems> {
        if &*self.tenant == DEFAULT_TENANT {
            self.shared.configuration.resolve(provider, given)
        } else {
            self.shared
                .configuration
                .resolve_for_tenant(provider, given)
        }
    }

    /// Refuses what can't be used of the given parameters; what is missing may still come.
    fn check_given(&self, provider: &dyn ProviderSetup, given: &Given) -> Result<(), EngineError> {
        use tieline_core::parameters::{ParameterProblems, Problem};
        let Err(ParameterProblems(mut problems)) = self.resolve(provider, given) else {
            return Ok(());
        };
        problems
            .retain(|told| told.problem != Problem::Missing && given.contains_key(&told.parameter));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ParameterProblems(problems).into())
        }
    }

    /// What to register with the provider, where nobody says otherwise: it ends in the app's context and never changes.
    fn give_callback_url(&self, provider: &dyn ProviderSetup, context: &str, given: &mut Given) {
        let key = ParameterKey::OAUTH_CALLBACK_URL;
        let descriptor = provider.descriptor();
        let Some(public_url) = self.public_url() else {
            return;
        };
        let is_asked_for =
            descriptor.authentication.has_front_channel() && descriptor.parameter(key).is_some();
        let is_given = given.contains_key(key.as_str()) || self.operator_sets(provider, key);
        if is_asked_for && !is_given {
            let callback_url = Secret::new(format!("{public_url}/callback/{context}"));
            given.insert(key.as_str().to_owned(), callback_url);
        }
    }

    fn operator_sets(&self, provider: &dyn ProviderSetup, key: ParameterKey) -> bool {
        use tieline_core::parameters::State;
        &*self.tenant == DEFAULT_TENANT
            && (self.shared.configuration.explain(provider).iter())
                .any(|row| row.parameter == key && matches!(row.state, State::Set { .. }))
    }

    fn endpoint_overrides(&self, provider: &dyn ProviderSetup) -> BTreeMap<String, String> {
        use tieline_core::parameters::State;
        let operators = |key| {
            provider
                .descriptor()
                .parameter(key)
                .is_some_and(|row| row.set_by == SetBy::Operator)
        };
        self.shared
            .configuration
            .explain(provider)
            .into_iter()
            .filter(|row| operators(row.parameter))
            .filter_map(|row| match row.state {
                State::Set { value, .. } => Some((row.parameter.to_string(), value)),
                State::Missing { .. } | State::Unset { .. } => None,
            })
            .collect()
    }
}

fn redirect_uri(given: &Given) -> Option<String> {
    let key = tieline_core::ParameterKey::OAUTH_CALLBACK_URL;
    given
        .get(key.as_str())
        .map(|secret| secret.expose().to_owned())
}

fn in_words(endpoints: &BTreeMap<String, String>) -> String {
    if endpoints.is_empty() {
        return "the provider's own endpoints".to_owned();
    }
    endpoints
        .iter()
        .map(|(key, url)| format!("{key} = {url}"))
        .collect::<Vec<_>>()
        .join(", ")
}
