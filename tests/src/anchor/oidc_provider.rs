//! The npm package `oidc-provider`.

use std::{ops::Deref, time::Duration};

use tokio::process::Command;

use super::server::{AnchorServer, source_folder, tool};
use super::{AnchorError, CALLBACK};

/// How an [`OidcProvider`] is started.
#[derive(Debug, Clone)]
pub struct OidcProviderOptions {
    /// Where the server may send the browser back to, compared as exact strings. Default: [`CALLBACK`].
    pub redirect_uris: Vec<String>,
    /// How long an access token lives, in whole seconds of the machine's clock, at least one. Default: an hour.
    pub access_token_ttl: Duration,
}

impl Default for OidcProviderOptions {
    fn default() -> Self {
        Self {
            redirect_uris: vec![CALLBACK.to_owned()],
            access_token_ttl: Duration::from_secs(3600),
        }
    }
}

/// The npm package `oidc-provider`, running on a loopback port of its own until it is dropped.
///
/// It requires PKCE, rotates refresh tokens, revokes the whole grant when one is used twice, and sends `iss` in
/// authorization responses. Refresh tokens are only given for scope `offline_access` with `prompt=consent`. It has a
/// client for each way to authenticate, and refuses the other way. Its endpoints: `/auth`, `/token`,
/// `/token/revocation`, `/token/introspection`, `/me`.
#[derive(Debug)]
pub struct OidcProvider(AnchorServer);

impl OidcProvider {
    /// Starts the server and waits until it listens.
    ///
    /// Node is the program that the environment variable `TIELINE_TEST_NODE` names, else `node` on the `PATH`.
    ///
    /// # Errors
    /// When Node or the npm packages are missing, or the server ends instead of listening.
    pub async fn start(options: OidcProviderOptions) -> Result<Self, AnchorError> {
        let folder = source_folder("oidc-provider");
        if !folder.join("node_modules/oidc-provider").is_dir() {
            return Err(AnchorError::PackagesMissing {
                packages: "oidc-provider",
                folder: folder.join("node_modules"),
            });
        }
        let mut command = Command::new(tool("TIELINE_TEST_NODE").unwrap_or_else(|| "node".into()));
        command
            .arg("server.mjs")
            .arg(format!(
                "--access-token-ttl={}",
                options.access_token_ttl.as_secs()
            ))
            .args(
                options
                    .redirect_uris
                    .iter()
                    .map(|uri| format!("--redirect-uri={uri}")),
            )
            .current_dir(folder);
        let cure = "`cargo xtask test` finds or installs Node and names it to the tests in TIELINE_TEST_NODE";
        Ok(Self(AnchorServer::start(&mut command, cure).await?))
    }
}

/// All but the start is the same for every server.
impl Deref for OidcProvider {
    type Target = AnchorServer;

    fn deref(&self) -> &AnchorServer {
        &self.0
    }
}
