//! Where the commands are carried out: here, with an engine of our own, or there, by the server that holds the store.
//!
//! Both ways do the same, answer the same and fail with the same words.

mod apps;
mod connecting;
mod control;
mod instances;
mod keys;
mod vault;

use serde_json::{Value, json};
use tieline::core::parameters::Given;
use tieline::engine::{Engine, Examination};
use tieline::server::wire::{Configured, DoctorQuery};
use tieline::store::AdoptionReason;
use tieline::{Configuration, ParameterKey, Registry};

pub(crate) use self::connecting::{DeviceCode, Poll};
pub(crate) use self::control::Control;
use self::control::with_query;
pub(crate) use self::vault::Vault;
use crate::error::CliError;

/// Whoever carries out what needs an engine.
#[derive(Debug)]
pub(crate) enum Desk {
    /// An engine of our own: the store is open in this process.
    Here(Engine),
    /// The server that holds the store.
    There {
        control: Control,
        /// The providers that this program knows.
        registry: Registry,
    },
}

impl Desk {
    pub(crate) fn registry(&self) -> &Registry {
        match self {
            Self::Here(engine) => engine.registry(),
            Self::There { registry, .. } => registry,
        }
    }

    /// Why nothing is refreshed, where that is so.
    pub(crate) async fn adoption_required(&self) -> Result<Option<AdoptionReason>, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.store().adoption_required()),
            Self::There { control, .. } => control.adoption_required().await,
        }
    }

    /// Looks for what is wrong.
    pub(crate) async fn examine(&self, online: bool) -> Result<Examination, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.examine(online).await),
            Self::There { control, .. } => {
                let path = with_query("/v1/store/doctor", &DoctorQuery { online })?;
                control.get(&path).await
            }
        }
    }

    /// Where the operator has configured a parameter, if they have: it is the engine's configuration that counts.
    pub(crate) async fn configured(
        &self,
        provider: &str,
        key: ParameterKey,
    ) -> Result<Option<String>, CliError> {
        let rows = match self {
            Self::Here(engine) => explained(engine.configuration(), engine.registry(), provider)?,
            Self::There { control, .. } => {
                let mut configured: Configured = control.get("/v1/configuration").await?;
                configured.providers.remove(provider).unwrap_or_default()
            }
        };
        let row = rows.iter().find(|row| row["parameter"] == key.as_str());
        let row = row.filter(|row| row["state"] == "set");
        Ok(row.and_then(|row| Some(row["origin"].as_str()?.to_owned())))
    }

    /// What is configured for this command and otherwise, or not at all, for the server: it has no effect.
    pub(crate) async fn without_effect(
        &self,
        configuration: &Configuration,
    ) -> Result<Vec<String>, CliError> {
        let Self::There { control, registry } = self else {
            return Ok(Vec::new());
        };
        let theirs: Configured = control.get("/v1/configuration").await?;
        let mut found = Vec::new();
        for provider in registry.iter() {
            let id = provider.descriptor().id;
            let rows = theirs.providers.get(id);
            for row in explained(configuration, registry, id)? {
                let is_same = |known: &Value| {
                    ["parameter", "state", "value"]
                        .iter()
                        .all(|part| known[part] == row[part])
                };
                if row["state"] == "set" && !rows.is_some_and(|rows| rows.iter().any(is_same)) {
                    let parameter = row["parameter"].as_str().unwrap_or_default();
                    found.push(format!("{id} {parameter}"));
                }
            }
        }
        Ok(found)
    }
}

/// Each parameter of a provider, with its value and where it comes from.
fn explained(
    configuration: &Configuration,
    registry: &Registry,
    provider: &str,
) -> Result<Vec<Value>, CliError> {
    let rows = configuration.explain(registry.provider(provider)?);
    Ok(rows
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<_, _>>()?)
}

/// Parameters for the body of a request, secrets included.
fn written(given: &Given) -> Value {
    given
        .iter()
        .map(|(key, value)| (key.clone(), json!(value.expose())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
