//! The fault harness: real processes that are killed, stopped, cut off and starved, and a judge who asks the other side.
//!
//! [`world`] is the sandbox and the store, [`server`] a `tieline serve` of its own, [`judge`] what must hold after every
//! fault. The campaigns each do one kind of harm, with a seed, and tell what they counted.

pub mod away;
pub mod campaigns;
pub mod crashes;
pub mod crowd;
pub mod disk;
pub mod drain;
pub mod frozen;
pub mod inside;
pub mod judge;
pub mod kills;
pub mod load;
pub mod outside;
pub mod server;
pub mod starved;
pub mod wire;
pub mod world;
