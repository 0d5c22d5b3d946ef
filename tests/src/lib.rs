//! Helpers of the integration tests and benchmarks: a stage with an engine and a sandbox, servers that nobody here wrote, the browser
//! that consents there, a real one in which pages are looked at, and databases that may be crashed.

pub mod anchor;
pub mod bench;
pub mod browser;
pub mod chromium;
pub mod fault_proxy;
pub mod faults;
pub mod house;
pub mod keyed;
pub mod postgres;
pub mod provider;
pub mod script;
pub mod sides;
pub mod stage;
