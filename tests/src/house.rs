//! A server with pages, and the keys to it.

#![expect(
    clippy::unwrap_used,
    reason = "a house that doesn't stand is a failed test"
)]

use tieline_engine::{Engine, NewApiKey, OWNER};
use tieline_server::{ApiOptions, Limits, SignedIn, api, serve_tcp};
use tieline_store::Permission;
use tokio::net::TcpListener;

use crate::stage::Stage;

/// A server with pages on a loopback port of its own, as `tieline serve` has it.
#[derive(Debug)]
pub struct House {
    /// What is behind it.
    pub stage: Stage,
    /// The public URL.
    pub base: String,
}

impl House {
    /// Of this stage.
    pub async fn of(stage: Stage) -> Self {
        Self::in_a_host(stage, None).await
    }

    /// Of this stage, in a host that sees who is signed in there.
    pub async fn in_a_host(stage: Stage, signed_in: Option<SignedIn>) -> Self {
        let (listener, base) = listen().await;
        let stage = stage.reached_at(&base).await;
        serve(listener, stage.engine.clone(), signed_in);
        Self { stage, base }
    }

    /// An API key, of a tenant if one is named.
    pub async fn key(&self, tenant: Option<&str>, may: &[Permission]) -> String {
        key(&self.stage.engine, tenant, may).await
    }
}

/// A loopback port, and the public URL of whoever serves there.
pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base)
}

/// Serves the pages and the API there, for as long as the test runs.
pub fn open(listener: TcpListener, engine: Engine) {
    serve(listener, engine, None);
}

fn serve(listener: TcpListener, engine: Engine, signed_in: Option<SignedIn>) {
    let options = ApiOptions {
        pages: true,
        signed_in,
        ..ApiOptions::default()
    };
    let forever = std::future::pending();
    let router = api(engine, options);
    tokio::spawn(serve_tcp(listener, router, Limits::default(), forever));
}

/// An API key, of a tenant if one is named.
pub async fn key(engine: &Engine, tenant: Option<&str>, may: &[Permission]) -> String {
    let new = NewApiKey {
        tenant: tenant.map(str::to_owned),
        permissions: may.iter().copied().collect(),
        ..NewApiKey::default()
    };
    let created = engine.acting_as(OWNER).create_api_key(new).await.unwrap();
    created.key.expose().to_owned()
}
