//! Writing what exists nowhere else: tried for as long as the engine lives.

use std::time::Duration;

use tieline_core::InstanceId;
use tieline_store::StoreError;

use crate::Engine;

/// Between tries: doubled each time …
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Once the engine is shutting down, so many more tries: about ten seconds.
const LAST_TRIES: u32 = 8;

/// Waits between tries of one write. Tokens that a provider has just issued are in our hands alone: giving up loses an
/// account, so only a closed store, an app that was deleted meanwhile or the end of the program is a reason to.
pub(crate) struct Patience<'a> {
    engine: &'a Engine,
    instance: InstanceId,
    tries: u32,
    last_tries: u32,
    pause: Duration,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(engine: &'a Engine, instance: InstanceId) -> Self {
        Self {
            engine,
            instance,
            tries: 0,
            last_tries: 0,
            pause: FIRST_PAUSE,
        }
    }

    /// Waits before the next try, and says how many there have been.
    ///
    /// # Errors
    /// The error itself, when there is no point in another try.
    pub(crate) async fn after(&mut self, error: StoreError) -> Result<u32, StoreError> {
        self.tries += 1;
        self.last_tries += u32::from(self.engine.shared.tasks.is_closing());
        let is_final = matches!(error, StoreError::Closed | StoreError::NotFound { .. });
        if is_final || self.last_tries > LAST_TRIES {
            tracing::error!(instance = %self.instance, "new tokens could not be written and are lost: {error}");
            return Err(error);
        }
        tracing::error!(instance = %self.instance, tries = self.tries, "new tokens can't be written yet: {error}");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(self.tries)
    }
}
