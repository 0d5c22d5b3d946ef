//! Device authorizations under way: they live in this process, and are named so that whoever started one can poll.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tieline_core::Timestamp;
use tieline_core::random::{self, NoRandomness};
use tieline_engine::DeviceStarted;

/// As many of a tenant's are remembered; its oldest goes first.
const REMEMBERED: usize = 1_000;

/// Those that are remembered, of each tenant, by random names.
#[derive(Default)]
pub(crate) struct Devices(Mutex<HashMap<String, VecDeque<(String, DeviceStarted)>>>);

impl Devices {
    /// Remembers one of a tenant's, and names it.
    pub(crate) fn remember(
        &self,
        tenant: &str,
        started: DeviceStarted,
        now: Timestamp,
    ) -> Result<String, NoRandomness> {
        let name = random::context()?;
        let mut all = self.all();
        // What can't be polled any more is forgotten.
        all.retain(|_, own| {
            own.retain(|(_, started)| started.expires_at > now);
            !own.is_empty()
        });
        let own = all.entry(tenant.to_owned()).or_default();
        if own.len() == REMEMBERED {
            own.pop_front();
        }
        own.push_back((name.clone(), started));
        Ok(name)
    }

    /// The tenant's one of this name.
    pub(crate) fn find(&self, tenant: &str, name: &str) -> Option<DeviceStarted> {
        let all = self.all();
        let found = all.get(tenant)?.iter().find(|(known, _)| known == name)?;
        Some(found.1.clone())
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, VecDeque<(String, DeviceStarted)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
