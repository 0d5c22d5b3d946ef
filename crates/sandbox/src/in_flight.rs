//! Counts the requests that are at the token endpoint at the same time.

use std::collections::HashMap;

use crate::script::Endpoint;
use crate::seen::Seen;
use crate::server::Server;

/// Requests that are at the token endpoint right now, and the most there ever were.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    pub(crate) overall: Count,
    pub(crate) by_refresh_token: HashMap<String, Count>,
}

#[derive(Debug, Default)]
pub(crate) struct Count {
    now: usize,
    pub(crate) max: usize,
}

/// One request at the token endpoint, from when it is read until its answer is handed on.
pub(crate) struct Flight<'a> {
    server: &'a Server,
    refresh_token: Option<&'a str>,
}

impl<'a> Flight<'a> {
    pub(crate) fn start(server: &'a Server, seen: &'a Seen) -> Option<Self> {
        if seen.endpoint != Endpoint::Token {
            return None;
        }
        let refresh_token = seen
            .form
            .as_ref()
            .and_then(|form| form.get("refresh_token"));
        let in_flight = &mut server.state().in_flight;
        in_flight.overall.enter();
        if let Some(token) = refresh_token {
            in_flight
                .by_refresh_token
                .entry(token.to_owned())
                .or_default()
                .enter();
        }
        Some(Self {
            server,
            refresh_token,
        })
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let in_flight = &mut self.server.state().in_flight;
        in_flight.overall.now -= 1;
        if let Some(count) = self
            .refresh_token
            .and_then(|token| in_flight.by_refresh_token.get_mut(token))
        {
            count.now -= 1;
        }
    }
}

impl Count {
    pub(crate) fn under_way(&self) -> usize {
        self.now
    }

    fn enter(&mut self) {
        self.now += 1;
        self.max = self.max.max(self.now);
    }
}
