//! What has expired goes: authorizations that nobody finished, links that nobody opened, answers that nobody asked for again,
//! sessions that have ended, and what memory holds of instances that nobody uses.

use std::time::Duration;

use tieline_core::Timestamp;

use crate::once::ANSWERS_KEPT;
use crate::{Engine, EngineError};

/// How long an authorization that nobody came back from is remembered, so that a late callback can be told it is late.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// How long links and tickets that have expired may stay: by then they have, by every other server's clock too.
const CLEARED_AFTER: Duration = Duration::from_secs(60 * 60);

impl Engine {
    pub(crate) async fn forget_expired(&self) -> Result<(), EngineError> {
        let (shared, store) = (&self.shared, &self.shared.store);
        let now = shared.clock.now();
        shared.flights.forget(now);
        shared.hot.forget_unused(now);
        store.purge_authorizations(before(now, REMEMBERED)).await?;
        store.purge_front_door(before(now, CLEARED_AFTER)).await?;
        store.purge_requests(before(now, ANSWERS_KEPT)).await?;
        store.purge_sessions(now).await?;
        Ok(())
    }
}

/// So long before.
pub(crate) fn before(now: Timestamp, long: Duration) -> Timestamp {
    now.checked_sub(long).unwrap_or(Timestamp::MIN)
}
