//! The two sides of a stage: a sandbox that plays a vendor's rules, and an engine that is configured to face it.

#![expect(
    clippy::unwrap_used,
    reason = "a stage that can't be set is a failed test"
)]

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tieline_core::prelude::*;
use tieline_core::{Configuration, ManualClock, Timestamp};
use tieline_engine::{EdgeOptions, Egress, Engine};
use tieline_sandbox::{Sandbox, VendorRules};
use tieline_store::{MasterKey, Store, StoreError, StoreOptions};

/// Where the tests' users come back to. Nothing listens there: the stage hands the callback over itself.
pub const CALLBACK_URL: &str = "https://localhost:8917/callback";

/// 2026-01-01T00:00:00Z.
const MORNING: i64 = 1_767_225_600;

/// A sandbox that plays a vendor of `tests/vendors`, edited for one test, and the clock that it goes by.
pub async fn sandbox(vendor: &str, edit: impl FnOnce(&mut Value)) -> (Sandbox, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(MORNING).unwrap()));
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vendors")
        .join(vendor)
        .with_extension("json");
    let mut rules = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    edit(&mut rules);
    let rules = VendorRules::from_json(&rules.to_string()).unwrap();
    let sandbox = Sandbox::start(rules, Arc::clone(&clock) as _)
        .await
        .unwrap();
    (sandbox, clock)
}

/// An engine on a folder's store, for one provider and one configuration.
pub async fn open_engine(
    folder: &Path,
    clock: &Arc<ManualClock>,
    provider: &'static dyn ProviderSetup,
    configuration: Configuration,
) -> Engine {
    try_open_engine(folder, clock, provider, configuration)
        .await
        .unwrap()
}

/// What an operator sets where the host is on the same machine: webhooks may be at its IPv4 loopback addresses.
pub(crate) fn with_a_host_at_home() -> EdgeOptions {
    let egress = Egress {
        webhooks: vec!["127.0.0.0/8".parse().unwrap()],
        ..Egress::default()
    };
    EdgeOptions {
        egress,
        ..EdgeOptions::default()
    }
}

/// As [`open_engine`], where the store may not open.
pub(crate) async fn try_open_engine(
    folder: &Path,
    clock: &Arc<ManualClock>,
    provider: &'static dyn ProviderSetup,
    configuration: Configuration,
) -> Result<Engine, StoreError> {
    let store = try_open_store(folder, clock).await?;
    let registry = Registry::builder().with(provider).build().unwrap();
    let engine = Engine::builder(registry, store)
        .configuration(configuration)
        .edge(with_a_host_at_home())
        .clock(Arc::clone(clock) as _);
    Ok(engine.build().unwrap())
}

/// The store of a folder, if it opens.
pub async fn try_open_store(folder: &Path, clock: &Arc<ManualClock>) -> Result<Store, StoreError> {
    let (master_key, _) = MasterKey::load_or_create(&folder.join("master.key")).unwrap();
    let options = StoreOptions {
        place: folder.join("data").into(),
        master_key,
        deployment: "default".to_owned(),
        clock: Arc::clone(clock) as _,
    };
    Store::open(options).await
}

/// What an operator would configure, with the sandbox in the provider's place.
pub(crate) fn configuration(
    sandbox: &Sandbox,
    provider: &dyn ProviderSetup,
    secret: &str,
    left_out: &[ParameterKey],
) -> Configuration {
    Configuration::from_parts(None, variables(sandbox, provider, secret, left_out)).unwrap()
}

/// The variables of such a configuration.
pub fn variables(
    sandbox: &Sandbox,
    provider: &dyn ProviderSetup,
    secret: &str,
    left_out: &[ParameterKey],
) -> Vec<(String, String)> {
    environment(sandbox, provider, secret)
        .into_iter()
        .filter(|(key, _)| !left_out.contains(key))
        .map(|(key, value)| (key.environment_name(provider.descriptor().id), value))
        .collect()
}

/// The parameters that lead a provider to the sandbox, as far as the provider has them.
pub fn environment(
    sandbox: &Sandbox,
    provider: &dyn ProviderSetup,
    secret: &str,
) -> Vec<(ParameterKey, String)> {
    let descriptor = provider.descriptor();
    let text = |text: &str| Some(text.to_owned());
    let values = [
        (ParameterKey::OAUTH_API_KEY, text(sandbox.client().0)),
        (ParameterKey::OAUTH_API_SECRET, text(secret)),
        (ParameterKey::OAUTH_CALLBACK_URL, text(CALLBACK_URL)),
        (
            ParameterKey::OAUTH_AUTHORIZATION_URL,
            Some(sandbox.authorization_endpoint()),
        ),
        (
            ParameterKey::OAUTH_TOKEN_URL,
            Some(sandbox.token_endpoint()),
        ),
        (ParameterKey::BASE_URL, Some(sandbox.api_base())),
        (
            ParameterKey::OAUTH_TOKEN_REVOKE_URL,
            sandbox.revocation_endpoint(),
        ),
        (
            ParameterKey::OAUTH_DEVICE_AUTHORIZATION_URL,
            sandbox.device_endpoint(),
        ),
    ];
    values
        .into_iter()
        .filter(|(key, _)| descriptor.parameter(*key).is_some())
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}
