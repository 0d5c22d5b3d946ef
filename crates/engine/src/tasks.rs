//! Work that nobody who waits for it may cut off: whatever spends a code or a token that works only once.

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::{Engine, EngineError};

/// The tasks of one engine. Shutting down waits for them.
#[derive(Debug, Default)]
pub(crate) struct Tasks(TaskTracker);

impl Tasks {
    /// Runs `work` on a task of its own.
    ///
    /// # Errors
    /// When the engine is shutting down; nothing of `work` has run then.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<JoinHandle<T>, EngineError> {
        // Counted before the question: either we see the closing, or the closing waits for us.
        let counted = self.0.track_future(work);
        if self.0.is_closed() {
            return Err(EngineError::ShuttingDown);
        }
        Ok(tokio::spawn(counted))
    }

    /// Whether no more work is taken.
    pub(crate) fn is_closing(&self) -> bool {
        self.0.is_closed()
    }

    /// Takes no more work.
    pub(crate) fn close(&self) {
        self.0.close();
    }

    /// Takes no more work, and waits for what there is.
    pub(crate) async fn finish(&self) {
        self.close();
        self.0.wait().await;
    }
}

impl Engine {
    /// Runs `work` to its end, whatever becomes of the caller.
    pub(crate) async fn uninterrupted<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        match self.shared.tasks.spawn(work)?.await {
            Ok(done) => done,
            Err(_) => Err(EngineError::BrokeOff),
        }
    }
}
