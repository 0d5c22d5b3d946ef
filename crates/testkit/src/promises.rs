//! The checks, one file for each promise.

pub(crate) mod authorization_url;
pub(crate) mod callback;
pub(crate) mod dead_refresh_token;
pub(crate) mod descriptor;
pub(crate) mod device;
pub(crate) mod docs_completeness;
pub(crate) mod exchange;
pub(crate) mod health_check;
pub(crate) mod quirks;
pub(crate) mod redaction;
pub(crate) mod refresh;
pub(crate) mod revocation;
pub(crate) mod rotation;
pub(crate) mod tenant_hosts;
mod tokens;
pub(crate) mod wire;
pub(crate) mod wrong_secret;
