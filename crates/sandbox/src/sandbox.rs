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

use crate::browser::{self, ConsentError};
use crate::client_auth::Client;
use crate::ledger::Ledger;
use crate::rules::VendorRules;
use crate::script::{Act, Endpoint};
use crate::server::{Server, State, Vendor, router};
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
        let base_url = format!("http://{}", listener.local_addr()?);
        let client = Client::random().map_err(io::Error::other)?;
        let stop = Arc::new(watch::Sender::new(false));
        let server = Arc::new(Server {
            vendor: Vendor {
                rules,
                client,
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

    /// The authorization endpoint.
    pub fn authorization_endpoint(&self) -> String {
        self.url(&self.rules().authorization.path)
    }

    /// The token endpoint.
    pub fn token_endpoint(&self) -> String {
        self.url(&self.rules().token.path)
    }

    /// The revocation endpoint, if the vendor has one.
    pub fn revocation_endpoint(&self) -> Option<String> {
        self.rules()
            .revocation
            .as_ref()
            .map(|rules| self.url(&rules.path))
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
        let current_refresh_tokens = owned(&mut state.grants.current_refresh_tokens(now));
        let in_flight = &state.in_flight;
        Ledger {
            requests: state.requests.clone(),
            // Each grant has one refresh token at a time.
            grants_alive: current_refresh_tokens.len(),
            max_in_flight_overall: in_flight.overall.max,
            max_in_flight: in_flight
                .by_refresh_token
                .iter()
                .map(|(token, count)| (token.clone(), count.max))
                .collect(),
            current_refresh_tokens,
            live_access_tokens: owned(&mut state.grants.live_access_tokens(now)),
            secrets: std::iter::once(self.client().1.to_owned())
                .chain(state.grants.all_secrets().cloned())
                .collect(),
        }
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
    /// A request that the vendor sends back at once gives that callback, with its `error`.
    ///
    /// # Errors
    /// When the URL leads elsewhere, a page with an error is shown instead, or no answer arrives.
    pub async fn consent(&self, authorization_url: &str) -> Result<String, ConsentError> {
        browser::decide(self.base_url(), authorization_url, "approve", None).await
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
        browser::decide(self.base_url(), authorization_url, "approve", Some(account)).await
    }

    /// Plays the user's browser and denies. Returns the callback URL without following it.
    ///
    /// # Errors
    /// As [`consent`](Self::consent).
    pub async fn deny(&self, authorization_url: &str) -> Result<String, ConsentError> {
        browser::decide(self.base_url(), authorization_url, "deny", None).await
    }

    /// Ends every access token there is. Refresh tokens live on.
    pub fn expire_access_tokens(&self) {
        self.server.state().grants.end_access_tokens(None);
    }

    /// Ends the grant that this refresh token, current or spent, belongs to: as if the user had removed the app.
    pub fn revoke_grant(&self, refresh_token: &str) {
        self.server.state().grants.revoke_grant_of(refresh_token);
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
