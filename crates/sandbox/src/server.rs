//! The way of a request: read whole, play its script, do the work in one step with its ledger entry, answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request as HttpRequest, State as AxumState};
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tieline_core::{Clock, Timestamp};
use tokio::sync::watch;

use crate::authorize::Pending;
use crate::device::Devices;
use crate::grants::Grants;
use crate::in_flight::{Flight, InFlight};
use crate::ledger::{Delivery, Outcome, Request};
use crate::limits::Counters;
use crate::reply::{Done, Failure, Reply};
use crate::rules::Answer;
use crate::script::{self, Act, Endpoint, Gate, Scripts};
use crate::seen::Seen;
use crate::vendor::Vendor;
use crate::wire::{self, Fuse};
use crate::{api, authorize, device, revoke, token};

/// What requests change, all under one lock.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) grants: Grants,
    pub(crate) pending: HashMap<String, Pending>,
    pub(crate) devices: Devices,
    /// Whether the accounts' keys were ended.
    pub(crate) keys_ended: bool,
    pub(crate) counters: Counters,
    pub(crate) enforce_limits: bool,
    pub(crate) dead_refresh_token: Spelling,
    pub(crate) throttled: Spelling,
    pub(crate) scripts: Scripts,
    pub(crate) requests: Vec<Request>,
    pub(crate) in_flight: InFlight,
}

/// Several spellings of one answer take turns, unless one is picked.
#[derive(Debug, Default)]
pub(crate) struct Spelling {
    turn: usize,
    pub(crate) picked: Option<usize>,
}

/// The server's side of a sandbox.
pub(crate) struct Server {
    pub(crate) vendor: Vendor,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: Arc<watch::Sender<bool>>,
    pub(crate) state: Mutex<State>,
}

/// What happens on the wire.
enum Sent {
    Whole(Reply),
    Cut(Reply, usize),
    Reset,
}

/// Serves everything, on whatever path.
pub(crate) fn router(server: Arc<Server>) -> Router {
    Router::new().fallback(serve).with_state(server)
}

async fn serve(
    AxumState(server): AxumState<Arc<Server>>,
    ConnectInfo(fuse): ConnectInfo<Fuse>,
    request: HttpRequest,
) -> Response {
    let Some(seen) = Seen::read(&server.vendor, request).await else {
        return respond(
            Reply::new(413, "text/plain;charset=utf-8", "too large"),
            Body::from,
        );
    };
    // On a task of its own: a client that leaves does not stop a server that has begun.
    let played = tokio::spawn(async move { server.play(&seen).await });
    match played.await {
        Ok(Sent::Whole(reply)) => respond(reply, Body::from),
        Ok(Sent::Cut(reply, after)) => respond(reply, |body| wire::cut(body, after)),
        Ok(Sent::Reset) | Err(_) => {
            fuse.blow();
            Response::new(Body::empty())
        }
    }
}

impl Server {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn play(self: Arc<Self>, seen: &Seen) -> Sent {
        let _flight = Flight::start(&self, seen);
        let act = self.state().scripts.next(seen.endpoint);
        match act {
            None => Sent::Whole(self.commit(seen, Delivery::Sent)),
            Some(Act::Hold(gate)) => {
                if !self.passes(&gate).await {
                    return Sent::Reset;
                }
                Sent::Whole(self.commit(seen, Delivery::Sent))
            }
            Some(Act::CommitThenHold(gate)) => {
                let reply = self.commit(seen, Delivery::Sent);
                if self.passes(&gate).await {
                    Sent::Whole(reply)
                } else {
                    Sent::Reset
                }
            }
            Some(Act::CommitThenReset) => {
                self.commit(seen, Delivery::Reset);
                Sent::Reset
            }
            Some(Act::CommitThenCut { after }) => {
                Sent::Cut(self.commit(seen, Delivery::Cut { after }), after)
            }
            Some(Act::ResetBeforeWork) => {
                self.state().record(
                    seen,
                    self.clock.now(),
                    Outcome::Dropped,
                    None,
                    Delivery::Reset,
                );
                Sent::Reset
            }
            Some(Act::Answer {
                status,
                headers,
                body,
            }) => {
                self.state().record(
                    seen,
                    self.clock.now(),
                    Outcome::Scripted,
                    Some(status),
                    Delivery::Sent,
                );
                Sent::Whole(Reply {
                    status,
                    headers,
                    body,
                })
            }
            Some(Act::Throttle) => Sent::Whole(self.throttle(seen)),
        }
    }

    /// Whether the gate opened before the sandbox was stopped.
    async fn passes(&self, gate: &Gate) -> bool {
        tokio::select! {
            () = gate.pass() => true,
            () = script::wait(&self.stop) => false,
        }
    }

    /// Does the work and enters it in the ledger, as one step.
    fn commit(&self, seen: &Seen, delivery: Delivery) -> Reply {
        let state = &mut *self.state();
        let now = self.clock.now();
        let done = self.decide(state, seen, now);
        let Done { reply, outcome } = done.unwrap_or_else(Failure::into_done);
        state.record(seen, now, outcome, Some(reply.status), delivery);
        reply
    }

    /// An endpoint is only seen where the vendor has it.
    fn decide(&self, state: &mut State, seen: &Seen, now: Timestamp) -> Result<Done, Failure> {
        let vendor = &self.vendor;
        let rules = &vendor.rules;
        let parts = (
            &rules.authorization,
            &rules.token,
            &rules.device,
            &rules.revocation,
        );
        match (seen.endpoint, parts) {
            (Endpoint::Authorization, (Some(rules), ..)) => {
                authorize::answer(vendor, rules, state, seen, now)
            }
            (Endpoint::Token, (_, Some(rules), ..)) => {
                Ok(token::answer(vendor, rules, state, seen, now))
            }
            (Endpoint::Device, (Some(scopes), Some(token), Some(rules), _)) => Ok(device::answer(
                vendor,
                (rules, token, scopes),
                state,
                seen,
                now,
            )),
            (Endpoint::Revocation, (_, Some(token), _, Some(rules))) => {
                revoke::answer(vendor, rules, token, state, seen, now)
            }
            _ => Ok(api::answer(vendor, state, seen, now)),
        }
    }

    fn throttle(&self, seen: &Seen) -> Reply {
        let state = &mut *self.state();
        let now = self.clock.now();
        let Done { reply, outcome } = api::throttle(&self.vendor, state, seen, now);
        state.record(seen, now, outcome, Some(reply.status), Delivery::Sent);
        reply
    }
}

impl State {
    fn record(
        &mut self,
        seen: &Seen,
        at: Timestamp,
        outcome: Outcome,
        status: Option<u16>,
        delivery: Delivery,
    ) {
        self.requests
            .push(seen.entry(at, outcome, status, delivery));
    }
}

impl Spelling {
    pub(crate) fn next<'a>(&mut self, spellings: &'a [Answer]) -> &'a Answer {
        let index = self.picked.unwrap_or(self.turn) % spellings.len();
        self.turn = self.turn.wrapping_add(1);
        &spellings[index]
    }
}

/// A scripted status or header that HTTP can't carry becomes a 500 that says so.
fn respond(reply: Reply, body: impl FnOnce(Vec<u8>) -> Body) -> Response {
    let length = reply.body.len();
    let mut response = Response::new(Body::empty());
    match head(&reply) {
        Some((status, headers)) => {
            *response.body_mut() = body(reply.body);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            response.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        None => {
            *response.body_mut() = Body::from("the scripted status or a header is not valid HTTP");
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
    }
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn head(reply: &Reply) -> Option<(StatusCode, HeaderMap)> {
    let mut headers = HeaderMap::new();
    for (name, value) in &reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    Some((StatusCode::from_u16(reply.status).ok()?, headers))
}
