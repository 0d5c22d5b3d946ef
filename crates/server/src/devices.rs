//! Device authorizations under way: they live in this process, and are named so that whoever started one can poll.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tieline_core::random::{self, NoRandomness};
use tieline_engine::DeviceStarted;

/// As many are remembered; the oldest goes first.
const REMEMBERED: usize = 1_000;

/// Those that are remembered, by random names.
#[derive(Default)]
pub(crate) struct Devices(Mutex<VecDeque<(String, DeviceStarted)>>);

impl Devices {
    /// Remembers one, and names it.
    pub(crate) fn remember(&self, started: DeviceStarted) -> Result<String, NoRandomness> {
        let name = random::context()?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == REMEMBERED {
            all.pop_front();
        }
        all.push_back((name.clone(), started));
        Ok(name)
    }

    /// The one of this name.
    pub(crate) fn find(&self, name: &str) -> Option<DeviceStarted> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.iter().find(|(known, _)| known == name)?;
        Some(found.1.clone())
    }
}
