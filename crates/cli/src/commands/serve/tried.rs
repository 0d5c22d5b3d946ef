//! `tieline serve --sandbox`: everything there is to try, and nothing of it stays.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use serde_json::{Value, json};
use tempfile::TempDir;
use tieline::core::descriptor::{Authentication, OAuth2};
use tieline::core::{ParameterKey, ProviderDescriptor, ProviderSetup, SystemClock};
use tieline::engine::{CreatedApiKey, EdgeOptions, Engine, NewApiKey, NewApp, OWNER};
use tieline::store::{App, MasterKey, Permission, Store, StoreOptions};
use tieline::{Configuration, Registry};
use tieline_sandbox::{Outcome, Sandbox, VendorRules};
use url::Url;

use super::host;
use crate::error::CliError;
use crate::output::Output;

const PROVIDER: &str = "infusionsoft";
const RULES: &str = include_str!("../../../../../tests/vendors/infusionsoft.json");

/// A server's engine with the sandbox in the provider's place, an app there, and a key to ask with.
pub(super) struct Tried {
    pub(super) engine: Engine,
    app: App,
    key: CreatedApiKey,
    sandbox: Sandbox,
    folder: TempDir,
}

impl Tried {
    pub(super) async fn begin(
        public_url: Option<Url>,
        edge: EdgeOptions,
    ) -> Result<Self, CliError> {
        let clock = Arc::new(SystemClock);
        let sandbox = Sandbox::start(rules()?, Arc::clone(&clock) as _).await?;
        let folder = tempfile::tempdir()?;
        let (master_key, _) = MasterKey::load_or_create(&folder.path().join("master.key"))?;
        let store = Store::open(StoreOptions {
            place: folder.path().join("data").into(),
            master_key,
            deployment: "sandbox".to_owned(),
            clock,
        });
        let builder = Engine::builder(registry()?, store.await?)
            .configuration(configuration(&sandbox)?)
            .edge(edge);
        let engine = match public_url {
            Some(public_url) => builder.public_url(public_url).build()?,
            None => builder.build()?,
        };
        let engine = engine.acting_as(OWNER);
        let key = engine.create_api_key(NewApiKey {
            tenant: None,
            name: Some("sandbox".to_owned()),
            permissions: Permission::ALL.iter().copied().collect(),
        });
        let key = key.await?;
        let new = NewApp {
            provider: PROVIDER.to_owned(),
            name: Some("The shop".to_owned()),
            // Where a host of yours would answer.
            confirm_url: engine.public_url().map(|url| format!("{url}/host/confirm")),
            ..NewApp::default()
        };
        let app = engine.create_app(new).await?;
        Ok(Self {
            engine,
            app,
            key,
            sandbox,
            folder,
        })
    }

    /// What plays a host application.
    pub(super) fn host(&self) -> Router {
        host::routes(self.engine.clone(), self.app.clone())
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What there is to try it with, for programs.
    pub(super) fn ready(&self) -> Value {
        json!({
            "sandbox": self.sandbox.base_url(),
            "app": self.app.id,
            "api_key": self.key.key.expose(),
        })
    }

    /// What really happened, by the sandbox's ledger.
    pub(super) fn tell_end(&self, output: &Output) -> Result<(), CliError> {
        let ledger = self.sandbox.ledger();
        let (consents, exchanges) = (ledger.count(Outcome::Approved), ledger.exchanges());
        let (refreshes, calls) = (ledger.refreshes(), ledger.served());
        let told = serde_json::json!({
            "ledger": { "consents": consents, "exchanges": exchanges, "refreshes": refreshes, "calls": calls },
        });
        output.line(&told, || {
            format!(
                "The sandbox's ledger: consents {consents}, exchanges {exchanges}, refreshes {refreshes}, calls {calls}."
            )
        })
    }

    /// What there is to try it with.
    pub(super) fn told(&self) -> String {
        let (app, key) = (self.app.id, self.key.key.expose());
        let public = self.engine.public_url().unwrap_or_default();
        format!(
            "  sandbox  {} plays Infusionsoft; nothing of this is kept\n  app      {app}\n  API key  {key}\n\n\
             Open {public}/ and sign in with that key; {public}/host plays an application of yours.\n\
             Or connect an account with curl:\n  \
             curl {public}/v1/links -H 'Authorization: Bearer {key}' \\\n       \
             --json '{{\"app\": {app}, \"user\": \"ada\"}}'\n\n",
            self.sandbox.base_url()
        )
    }
}

/// Where the real Infusionsoft wants `https`, this one takes `http` on this machine: no browser would trust a certificate of
/// ours.
fn rules() -> Result<VendorRules, CliError> {
    let failed = |error: &dyn Error| CliError::Failure(error.to_string());
    let mut rules: Value = serde_json::from_str(RULES).map_err(|error| failed(&error))?;
    rules["authorization"]["https_redirect_uri_only"] = false.into();
    VendorRules::from_json(&rules.to_string()).map_err(|error| failed(&error))
}

/// All providers, this one as it is played.
fn registry() -> Result<Registry, CliError> {
    let mut registry = Registry::builder();
    for provider in Registry::discover()?.iter() {
        registry = registry.with(match provider.descriptor() {
            real if real.id == PROVIDER => {
                let oauth2 = OAuth2 {
                    https_redirect_uri_only: false,
                    ..*real.oauth2()
                };
                let played = Box::leak(Box::new(ProviderDescriptor {
                    authentication: Authentication::AuthorizationCode(oauth2),
                    ..*real
                }));
                // There is one, for as long as the process lives.
                Box::leak(Box::new(Played(played)))
            }
            _ => provider,
        });
    }
    Ok(registry.build()?)
}

#[derive(Debug)]
struct Played(&'static ProviderDescriptor);

impl ProviderSetup for Played {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.0
    }
}

/// What an operator would configure, with the sandbox in the provider's place.
fn configuration(sandbox: &Sandbox) -> Result<Configuration, CliError> {
    let (client_id, client_secret) = sandbox.client();
    let values = [
        (ParameterKey::OAUTH_API_KEY, client_id.to_owned()),
        (ParameterKey::OAUTH_API_SECRET, client_secret.to_owned()),
        (
            ParameterKey::OAUTH_AUTHORIZATION_URL,
            sandbox.authorization_endpoint(),
        ),
        (ParameterKey::OAUTH_TOKEN_URL, sandbox.token_endpoint()),
        (ParameterKey::BASE_URL, sandbox.api_base()),
    ];
    let environment = values.map(|(key, value)| (key.environment_name(PROVIDER), value));
    Ok(Configuration::from_parts(None, environment)?)
}
