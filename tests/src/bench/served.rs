//! A `tieline serve` of its own with connected accounts, whose provider is the sandbox and whose API is the upstream.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use http::Method;
use serde_json::json;

use super::load::Target;
use crate::faults::world::{Kept, Provider, World, WorldOptions};

/// So many are asked for in turn.
const ACCOUNTS: usize = 100;

/// Seconds; longer than a run takes, so that nothing is refreshed in it.
const LIFETIME: u64 = 86_400;

/// Whom the upstream says the account is of: that is asked when one is connected.
pub const UPSTREAM_BODY: &str = r#"{"sub":"1","email":"ada@acme.example","items":[{"id":1,"name":"Ada"},{"id":2,"name":"Grace"}],"more":false}"#;

/// A running server, and what a host needs to ask it.
#[derive(Debug)]
pub struct Served {
    world: World,
    address: SocketAddr,
    key: String,
}

impl Served {
    /// Starts everything and connects the accounts.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn begin(binary: PathBuf, upstream: SocketAddr) -> io::Result<Self> {
        let provider = Provider::Strict;
        let base_url = format!("{}_BASE_URL", provider.id().to_uppercase());
        let world = World::begin(WorldOptions {
            binary,
            provider,
            kept: Kept::Sqlite,
            accounts: ACCOUNTS,
            environment: vec![(base_url, format!("http://{upstream}"))],
            arguments: ["--listen", "127.0.0.1:0"].map(str::to_owned).to_vec(),
            lifetime: LIFETIME,
            through_proxy: false,
        })
        .await?;
        let server = world.servers.iter().flatten().next();
        let ready = server.map(|server| server.ready()["listen"].clone());
        let ready = ready.unwrap_or_default();
        let address = ready.as_str().unwrap_or_default();
        let address = address.parse().map_err(io::Error::other)?;
        let new = json!({ "name": "bench", "permissions": ["call", "token"] });
        let made = world.ask_any("POST", "/v1/api-keys", Some(&new)).await?;
        let key = made.body["key"].as_str();
        let key = key.ok_or_else(|| io::Error::other(format!("no API key: {}", made.status)))?;
        let key = key.to_owned();
        Ok(Self {
            world,
            address,
            key,
        })
    }

    /// `POST /v1/instances/{id}/token`, account after account.
    ///
    /// # Errors
    /// When the key can't be sent.
    pub fn tokens(&self) -> io::Result<Target> {
        let paths = self.paths("token");
        Target::new(self.address, &Method::POST, &paths, Some(&self.key))
    }

    /// `GET /v1/instances/{id}/call` and this path, account after account.
    ///
    /// # Errors
    /// When the key or the path can't be sent.
    pub fn calls(&self, path: &str) -> io::Result<Target> {
        let paths = self.paths(&format!("call{path}"));
        Target::new(self.address, &Method::GET, &paths, Some(&self.key))
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        let server = self.world.servers.iter().flatten().next();
        server.and_then(|server| server.pid())
    }

    fn paths(&self, what: &str) -> Vec<String> {
        let accounts = self.world.accounts.iter();
        accounts
            .map(|account| format!("/v1/instances/{}/{what}", account.id))
            .collect()
    }
}
