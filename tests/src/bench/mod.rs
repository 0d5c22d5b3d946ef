//! What `tieline serve` costs, told as ratios: the same load, in the same run and in turns, on it and on its peers.
//!
//! [`peers`] are what it is compared with, [`served`] is a `tieline serve` of its own, [`load`] the client that asks them all
//! alike. [`rounds`] lets contenders take turns, [`statistics`] and [`report`] say what came of it.

pub mod load;
pub mod machine;
pub mod measures;
pub mod nginx;
pub mod peers;
pub mod report;
pub mod rounds;
pub mod served;
pub mod statistics;

#[path = "../../../crates/store/examples/refreshes/refreshing.rs"]
pub mod refreshing;
