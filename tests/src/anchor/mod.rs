//! Starts anchor servers (authorization servers that nobody here wrote) and reads their ledgers.
//!
//! [`OidcProvider`] revokes the whole grant when a refresh token is used twice, always; [`DjangoOauthToolkit`] has a
//! grace period. Each is an [`AnchorServer`], which has what they share. [`schemathesis()`] is a client.

mod django_oauth_toolkit;
mod oidc_provider;
mod schemathesis;
mod server;

use std::{ffi::OsString, fmt, io, path::PathBuf};

use serde_json::Value;

use crate::browser::BrowserError;

pub use django_oauth_toolkit::{DjangoOauthToolkit, DjangoOauthToolkitOptions};
pub use oidc_provider::{OidcProvider, OidcProviderOptions};
pub use schemathesis::schemathesis;
pub use server::{AnchorServer, RegisteredClient};

/// Where the servers send the browser back to, unless told otherwise. Nothing listens there.
pub const CALLBACK: &str = "http://127.0.0.1:8917/callback";

/// Why an anchor server can't be used.
#[derive(thiserror::Error)]
pub enum AnchorError {
    /// The packages that the server is made of are not installed.
    #[error("{packages} is not in {folder:?}: `cargo xtask test` installs it")]
    PackagesMissing {
        /// What is missing.
        packages: &'static str,
        /// Where it should be.
        folder: PathBuf,
    },
    /// The program that runs the server can't be run.
    #[error("can't run {program:?}: {source}; {cure}")]
    Start {
        /// The program.
        program: OsString,
        /// What the system said.
        source: io::Error,
        /// Who installs it.
        cure: &'static str,
    },
    /// There is no folder for the server's files.
    #[error("can't make a folder for the anchor server's files: {0}")]
    Folder(io::Error),
    /// The server's process is over.
    #[error("the anchor server ended; it wrote: {stderr}")]
    Ended {
        /// What it wrote to stderr.
        stderr: String,
    },
    /// The server runs, but what was waited for did not happen.
    #[error("what was waited for is not in the anchor server's log: {log:?}")]
    Silent {
        /// The log.
        log: Vec<Value>,
    },
    /// The first line the server wrote is not what it should be.
    #[error("the anchor server's first line can't be read: {0}")]
    Ready(#[from] serde_json::Error),
    /// The given address is none.
    #[error("not a URL: {0}")]
    Url(#[from] url::ParseError),
    /// Sign-in or consent failed.
    #[error(transparent)]
    Browser(#[from] BrowserError),
}

/// As for people: it is what `unwrap` shows in a failed test.
impl fmt::Debug for AnchorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
