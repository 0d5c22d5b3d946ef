//! Helpers of the integration tests: a stage with an engine and a sandbox, servers that nobody here wrote, and the
//! browser that consents there.

pub mod anchor;
pub mod browser;
pub mod fault_proxy;
pub mod faults;
pub mod provider;
pub mod script;
pub mod sides;
pub mod stage;
