//! A running sandbox and the handles that tests and demonstrations hold it by.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tieline_core::{Clock, Secret, random};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::browser::{self, ConsentError, Destination};
use crate::callback;
use crate::client_auth::Client;
use crate::device::NotDecided;
use crate::grants::Pair;
use crate::ledger::Ledger;
use crate::rules::VendorRules;
use crate::script::{Act, Endpoint};
use crate::server::{Server, State, router};
use crate::vendor::Vendor;
use crate::wire::{Fuse, Wires};

/// A vendor being played, with one registered client. Stops when dropped: the port closes and open connections are reset.
pub struct Sandbox {
    server: Arc<Server>,
    accepting: JoinHandle<()>,
}

impl Sandbox {
    /// Starts on a free port of 127.0.0.1, on the current runtime. Every lifetime is measured by `clock`.
    ///
    /// # Errors
    /// When there is no port to listen on, or no randomness for the client's secret.
    pub async fn start(rules: VendorRules, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Self::start_on(rules, clock, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Starts on `addr`; port 0 is a free one. The address becomes part of every URL.
    ///
    /// # Errors
    /// When `addr` can't be listened on, or there is no randomness for the client's secret.
    pub async fn start_on(
        rules: VendorRules,
        clock: Arc<dyn Clock>,
        addr: SocketAddr,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let address = listener.local_addr()?;
        let base_url = format!("http://{address}");
        let client = Client::random().map_err(io::Error::other)?;
        let stop = Arc::new(watch::Sender::new(false));
        let server = Arc::new(Server {
            vendor: Vendor {
                rules,
                client,
                address,
                base_url,
            },
            clock,
            stop: Arc::clone(&stop),
            state: Mutex::new(State::default()),
        });
        let service = router(Arc::clone(&server)).into_make_service_with_connect_info::<Fuse>();
        let accepting = tokio::spawn(async move {
            // It only ends by being aborted.
            let _ = axum::serve(Wires { listener, stop }, service).await;
        });
        Ok(Self { server, accepting })
    }

    /// `http://127.0.0.1:PORT`, without a slash at its end. It is the issuer, too, where the vendor has one.
    pub fn base_url(&self) -> &str {
        &self.server.vendor.base_url
    }

    /// Where it listens: whatever host a request names, it goes there.
    pub fn address(&self) -> SocketAddr {
        self.server.vendor.address
    }

    /// The authorization endpoint. Where the vendor has none, the base with a slash, at which nothing is.
    pub fn authorization_endpoint(&self) -> String {
        let rules = self.rules().authorization.as_ref();
        self.url(rules.map_or("/", |rules| &rules.path))
    }

    /// The token endpoint. Where the vendor has none, the base with a slash, at which nothing is.
    pub fn token_endpoint(&self) -> String {
        let rules = self.rules().token.as_ref();
        self.url(rules.map_or("/", |rules| &rules.path))
    }

    /// The device authorization endpoint (RFC 8628), if the vendor has one.
    pub fn device_endpoint(&self) -> Option<String> {
        let rules = self.rules().device.as_ref();
        rules.map(|rules| self.url(&rules.path))
    }

    /// The revocation endpoint, if the vendor has one.
    pub fn revocation_endpoint(&self) -> Option<String> {
        self.rules()
            .revocation
            .as_ref()
            .map(|rules| self.url(&self.server.vendor.revocation_path(rules)))
    }

    /// The API's base, without a slash at its end.
    pub fn api_base(&self) -> String {
        self.url(self.rules().api.base.trim_end_matches('/'))
    }

    /// The rules it plays.
    pub fn rules(&self) -> &VendorRules {
        &self.server.vendor.rules
    }

    /// Id and secret of the registered client: random, and the secret with characters that show whether they
    /// were encoded where they must be.
    pub fn client(&self) -> (&str, &str) {
        let client = &self.server.vendor.client;
        (&client.id, client.secret.expose())
    }

    /// A snapshot of the ledger.
    pub fn ledger(&self) -> Ledger {
        let now = self.server.clock.now();
        let state = self.server.state();
        let owned =
            |tokens: &mut dyn Iterator<Item = &String>| tokens.cloned().collect::<HashSet<_>>();
        let keys: Vec<String> = self.rules().keys().collect();
        let mut live_access_tokens = owned(&mut state.grants.live_access_tokens(now));
        if !state.keys_ended {
            live_access_tokens.extend(keys.iter().cloned());
        }
        let in_flight = &state.in_flight;
        Ledger {
            requests: state.requests.clone(),
            grants_alive: state.grants.alive(now),
            max_in_flight_overall: in_flight.overall.max,
            max_in_flight: in_flight
                .by_refresh_token
                .iter()
                .map(|(token, count)| (token.clone(), count.max))
                .collect(),
            current_refresh_tokens: owned(&mut state.grants.current_refresh_tokens(now)),
            live_access_tokens,
            secrets: std::iter::once(self.client().1.to_owned())
                .chain(keys)
                .chain(state.grants.all_secrets().cloned())
                .chain(state.devices.all_secrets().cloned())
                .collect(),
        }
    }

    /// How often the refresh tokens of the set that this token, dead or alive, belongs to were taken, whether or not the
    /// answers arrived. `None`: no such token was ever issued.
    pub fn refreshes_of(&self, token: &str) -> Option<usize> {
        let grants = &self.server.state().grants;
        let (_, set) = grants.known(token)?;
        Some(grants.set(set).refreshes)
    }

    /// The access token that was issued last.
    pub fn last_access_token(&self) -> Option<String> {
        self.server.state().grants.last_access_token.clone()
    }

    /// As [`Ledger::is_live_access_token`] of a snapshot taken now, without taking one.
    pub fn is_live_access_token(&self, token: &str) -> bool {
        let now = self.server.clock.now();
        self.server.state().grants.live(token, now).is_some()
    }

    /// Requests that are at the token endpoint now.
    pub fn token_requests_under_way(&self) -> usize {
        self.server.state().in_flight.overall.under_way()
    }

    /// The most requests that were at the token endpoint at once with one refresh token, since this was asked last.
    pub fn take_max_in_flight(&self) -> usize {
        let in_flight = &mut self.server.state().in_flight.by_refresh_token;
        let max = in_flight.values().map(|count| count.max).max();
        in_flight.retain(|_, count| count.under_way() > 0);
        max.unwrap_or_default()
    }

    /// What happens to a coming request at this endpoint; several wait in line, one for each request.
    pub fn script(&self, on: Endpoint, act: Act) {
        self.server.state().scripts.push(on, act);
    }

    /// The next request to the API is answered "too many requests".
    pub fn throttle_next(&self) {
        self.script(Endpoint::Api, Act::Throttle);
    }

    /// From now on the API answers "too many requests" by itself when one of the vendor's windows is full. Without
    /// this the windows are counted, and told in headers, but never closed.
    pub fn enforce_limits(&self) {
        self.server.state().enforce_limits = true;
    }

    /// Which of the vendor's spellings of a dead refresh token to answer with from now on, counted from 0 and
    /// around. Without this they take turns.
    pub fn set_dead_token_spelling(&self, index: usize) {
        self.server.state().dead_refresh_token.picked = Some(index);
    }

    /// Plays the user's browser: opens the authorization URL, approves as the vendor's first account, and returns
    /// the callback URL without following it.
    ///
    /// The URL leads to the sandbox itself, or with https to one of the vendor's hosts: the request then names that
    /// host, and only accounts that are there can approve. A request that the vendor sends back at once gives that
    /// callback, with its `error`.
    ///
    /// # Errors
    /// When the URL leads elsewhere, a page with an error is shown instead, or no answer arrives.
    pub async fn consent(&self, authorization_url: &str) -> Result<String, ConsentError> {
        browser::decide(&self.destination(), authorization_url, "approve", None).await
    }

    /// As [`consent`](Self::consent), by another of the vendor's accounts.
    ///
    /// # Errors
    /// As there, and when nobody has this name.
    pub async fn consent_as(
        &self,
        authorization_url: &str,
        account: &str,
    ) -> Result<String, ConsentError> {
        browser::decide(
            &self.destination(),
            authorization_url,
            "approve",
            Some(account),
        )
        .await
    }

    /// Plays the user's browser and denies. Returns the callback URL without following it.
    ///
    /// # Errors
    /// As [`consent`](Self::consent).
    pub async fn deny(&self, authorization_url: &str) -> Result<String, ConsentError> {
        browser::decide(&self.destination(), authorization_url, "deny", None).await
    }

    /// Plays the user of a device: types the code in and approves, as the vendor's first account or the named one.
    /// For a device that asked at one of the vendor's hosts, only accounts that are there can approve.
    ///
    /// # Errors
    /// When nothing waits for this code (any more), or nobody there has this name.
    pub fn approve_device(
        &self,
        user_code: &str,
        account: Option<&str>,
    ) -> Result<(), ConsentError> {
        let (vendor, now) = (&self.server.vendor, self.server.clock.now());
        let devices = &mut self.server.state().devices;
        devices
            .approve(vendor, user_code, account, now)
            .map_err(|NotDecided(says)| ConsentError::Device { says })
    }

    /// Plays the user of a device: types the code in and denies.
    ///
    /// # Errors
    /// When nothing waits for this code (any more).
    pub fn deny_device(&self, user_code: &str) -> Result<(), ConsentError> {
        let now = self.server.clock.now();
        let devices = &mut self.server.state().devices;
        devices
            .deny(user_code, now)
            .map_err(|NotDecided(says)| ConsentError::Device { says })
    }

    /// Ends the keys of all accounts, for good: as if their owners had replaced them.
    pub fn end_keys(&self) {
        self.server.state().keys_ended = true;
    }

    /// The parameters of a callback, signed anew where the vendor signs them: what its server says, whatever it says.
    pub fn sign(&self, mut parameters: Vec<(String, String)>) -> Vec<(String, String)> {
        let rules = self.rules().authorization.as_ref();
        if let Some(rules) = rules.and_then(|rules| rules.callback_signature.as_ref()) {
            parameters.retain(|(name, _)| *name != rules.parameter);
            let signature = callback::signature(&parameters, self.client().1);
            parameters.push((rules.parameter.clone(), signature));
        }
        parameters
    }

    /// Ends every access token there is, keys aside. Refresh tokens live on.
    pub fn expire_access_tokens(&self) {
        self.server.state().grants.end_access_tokens(None);
    }

    /// Ends the grant that this refresh token, current or spent, belongs to: as if the user had removed the app.
    pub fn revoke_grant(&self, refresh_token: &str) {
        self.server.state().grants.revoke_grant_of(refresh_token);
    }

    /// Spends a refresh token as somebody does who never hears the answer. `None` when it can't be spent.
    pub fn spend(&self, refresh_token: &str) -> Option<()> {
        let rules = self.rules().token.as_ref()?;
        let now = self.server.clock.now();
        let grants = &mut self.server.state().grants;
        let set = grants.current(refresh_token, now).ok()?;
        grants.spend(refresh_token, now);
        let pair = Pair::random(true).ok()?;
        grants.issue(set, &pair, rules, now);
        grants.count_refresh(set);
        Some(())
    }

    /// Stops and waits until the port is closed, so that the next connection is refused.
    pub async fn stop(mut self) {
        self.end();
        // The error says that it was aborted.
        let _ = (&mut self.accepting).await;
    }

    fn end(&self) {
        self.server.stop.send_replace(true);
        self.accepting.abort();
    }

    fn destination(&self) -> Destination<'_> {
        Destination {
            base_url: self.base_url(),
            address: self.address(),
            hosts: self.rules().hosts().collect(),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("vendor", &self.rules().id)
            .field("base_url", &self.base_url())
            .finish_non_exhaustive()
    }
}

impl Client {
    fn random() -> Result<Self, random::NoRandomness> {
        let id = format!("client-{}", random::context()?);
        // Each of these is spoilt by one kind of missing or doubled encoding.
        let secret = format!("{}&+%41:=/ ?~", random::token()?.expose());
        Ok(Self {
            id,
            secret: Secret::new(secret),
        })
    }
}
