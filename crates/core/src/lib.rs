//! The contract of Tieline: what a provider is, what its credentials are called, and how they become parameters.
//!
//! - [`ProviderSetup`] is what a provider's crate implements; its facts are a [`ProviderDescriptor`].
//! - [`ParameterMapping`] says which credential of the provider is which [`ParameterKey`].
//! - [`Registry`] finds all linked providers and answers look-ups both ways.
//! - [`Configuration`] turns files, environment and an app's own values into checked [`Parameters`].
//!
//! Deliberately absent: sockets and databases. Only [`parameters`] reads files and the environment.

pub mod clock;
pub mod descriptor;
pub mod dotted_path;
pub mod endpoint;
pub mod failpoint;
pub mod http;
mod ids;
mod mapping;
#[cfg(feature = "openapi")]
mod openapi;
mod parameter_key;
pub mod parameters;
pub mod provider;
pub mod random;
pub mod registry;
mod secret;
pub mod suggest;
pub mod template;
mod token_set;
pub mod words;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use descriptor::ProviderDescriptor;
pub use ids::{ApiKeyId, AppId, AuthorizationId, InstanceId, InvalidId, LinkId, WebhookId};
pub use mapping::{COMMON_PARAMETERS, Format, OAuthField, ParameterMapping, SetBy};
pub use parameter_key::ParameterKey;
pub use parameters::{Configuration, Parameters};
pub use provider::ProviderSetup;
pub use registry::Registry;
pub use secret::{REDACTED, Secret};
pub use token_set::TokenSet;

/// All that a provider's crate needs: `use tieline_core::prelude::*;`.
pub mod prelude {
    pub use crate::descriptor::*;
    pub use crate::http::{CallbackQuery, ProviderHttp, ProviderHttpError};
    pub use crate::mapping::{Format, OAuthField, ParameterMapping, SetBy};
    pub use crate::provider::{AccountError, HookRefusal, health_check};
    pub use crate::{ParameterKey, Parameters, ProviderSetup, Registry, Secret, register_provider};
    pub use async_trait::async_trait;
}

#[doc(hidden)]
pub mod __private {
    pub use crate::registry::Registration;
    pub use inventory;
}
