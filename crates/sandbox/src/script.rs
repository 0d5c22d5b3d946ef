//! A script per request: what happens to the next request at an endpoint instead of the ordinary.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The authorization endpoint, and the consent form that it shows.
    Authorization,
    /// The token endpoint.
    Token,
    /// The device authorization endpoint, if the vendor has one.
    Device,
    /// The revocation endpoint, if the vendor has one.
    Revocation,
    /// The API and every path that is none of the above.
    Api,
}

/// What happens to one request.
#[derive(Debug, Clone)]
pub enum Act {
    /// This answer and no work: nothing is issued, nothing is spent. `content-length` is always the body's own.
    Answer {
        /// The status, 100 to 999.
        status: u16,
        /// Names and values; none is added.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The vendor's own "too many requests", in the next of its spellings and with the API's usual headers; no work.
    Throttle,
    /// Does the work, then resets the connection without a byte of answer.
    CommitThenReset,
    /// Does the work and announces the whole answer, but closes the connection after so many bytes of its body.
    CommitThenCut {
        /// Bytes of the body that are sent. At or beyond the body's length nothing is cut.
        after: usize,
    },
    /// Does the work and keeps the answer back until the gate is released.
    CommitThenHold(Gate),
    /// Reads the request and resets the connection; no work.
    ResetBeforeWork,
    /// Reads the request, waits until the gate is released, then goes on as usual, even if the client has left by then.
    Hold(Gate),
}

/// Holds requests back until it is released. Clones are the same gate; once released it stays open.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Doors>);

#[derive(Debug, Default)]
struct Doors {
    reached: watch::Sender<bool>,
    released: watch::Sender<bool>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens it, for those who wait and for those to come.
    pub fn release(&self) {
        self.0.released.send_replace(true);
    }

    /// Waits until a request has come to this gate; at once if one already has.
    pub async fn reached(&self) {
        wait(&self.0.reached).await;
    }

    pub(crate) async fn pass(&self) {
        self.0.reached.send_replace(true);
        wait(&self.0.released).await;
    }
}

/// Waits until a flag is up. The sender is borrowed, so it can't go away meanwhile.
pub(crate) async fn wait(flag: &watch::Sender<bool>) {
    let _raised = flag.subscribe().wait_for(|up| *up).await.is_ok();
}

/// The acts still to come, first in first out by endpoint.
#[derive(Debug, Default)]
pub(crate) struct Scripts(HashMap<Endpoint, VecDeque<Act>>);

impl Scripts {
    pub(crate) fn push(&mut self, on: Endpoint, act: Act) {
        self.0.entry(on).or_default().push_back(act);
    }

    pub(crate) fn next(&mut self, on: Endpoint) -> Option<Act> {
        self.0.get_mut(&on)?.pop_front()
    }
}
