//! Connect third-party accounts, and keep their tokens valid: the crate a host depends on.
//!
//! # Choose providers
//! Each provider is a feature of this crate, named after its id; `all-providers` enables them all, and the default is
//! none. The features are the whole list: what is not enabled is not compiled.
//!
//! # Linking
//! A provider makes itself known to [`Registry::discover`] when it is linked, and a crate that merely stands in
//! `Cargo.toml` is not linked: something in the source must name it. This crate names each provider whose feature is
//! enabled, so any use of this crate links them all, in every profile. A host that uses nothing else of it says
//!
//! ```
//! use tieline as _;
//! ```
//!
//! Where a foreign linker links a Rust static library, discovery finds nothing: name the providers there with
//! [`Registry::builder`].
//!
//! # Find a provider's parameters
//! ```
//! # #[cfg(feature = "infusionsoft")] {
//! let registry = tieline::Registry::discover()?;
//! assert_eq!(registry.credential_for("infusionsoft", "oauth.api.key")?, Some("client_id"));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Embed it
//! `docs/quick-start-embedding.md` leads through it, and `examples/` beside this crate holds what runs: `catalogue`, `host`
//! and, with a provider of its own, `private-provider`.
//!
//! # Features besides the providers
//! - `engine`: connects accounts, keeps their tokens, refreshes them: `engine` and `store`.
//! - `sqlite`: the same, with SQLite as the store.
//! - `postgres`: the same, with PostgreSQL as the store beside SQLite, for hosts of more than one process.
//! - `server`: the same, and HTTP in front of it: `server`, whose routers are those of axum 0.8.

pub use tieline_core as core;
pub use tieline_core::{
    ApiKeyId, AppId, AuthorizationId, Configuration, InstanceId, ParameterKey, ParameterMapping,
    Parameters, ProviderDescriptor, ProviderSetup, Registry, Secret,
};

// What a call is made of: [`engine::InstanceHandle::call`].
#[cfg(feature = "engine")]
pub use bytes::Bytes;
#[cfg(feature = "engine")]
pub use http;
#[cfg(feature = "engine")]
pub use tieline_engine as engine;
#[cfg(feature = "server")]
pub use tieline_server as server;
#[cfg(feature = "engine")]
pub use tieline_store as store;

#[cfg(feature = "freshdesk")]
pub use tieline_freshdesk as freshdesk;
#[cfg(feature = "github")]
pub use tieline_github as github;
#[cfg(feature = "infusionsoft")]
pub use tieline_infusionsoft as infusionsoft;
#[cfg(feature = "quickbooks")]
pub use tieline_quickbooks as quickbooks;
#[cfg(feature = "shopify")]
pub use tieline_shopify as shopify;
#[cfg(feature = "slack")]
pub use tieline_slack as slack;
