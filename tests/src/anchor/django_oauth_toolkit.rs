//! The PyPI package `django-oauth-toolkit`.

use std::{ops::Deref, path::PathBuf, time::Duration};

use tempfile::TempDir;
use tokio::process::Command;

use super::server::{AnchorServer, source_folder, tool};
use super::{AnchorError, CALLBACK};

/// How a [`DjangoOauthToolkit`] is started.
#[derive(Debug, Clone)]
pub struct DjangoOauthToolkitOptions {
    /// Where the server may send the browser back to. Default: [`CALLBACK`].
    pub redirect_uri: String,
    /// How long a spent refresh token still works, in whole seconds of the machine's clock. Default: not at all.
    pub grace_period: Duration,
    /// How long an access token lives, in whole seconds of the machine's clock, at least one. Default: an hour.
    pub access_token_ttl: Duration,
}

impl Default for DjangoOauthToolkitOptions {
    fn default() -> Self {
        Self {
            redirect_uri: CALLBACK.to_owned(),
            grace_period: Duration::ZERO,
            access_token_ttl: Duration::from_secs(3600),
        }
    }
}

/// The PyPI package `django-oauth-toolkit`, running on a loopback port of its own until it is dropped.
///
/// It requires PKCE, rotates refresh tokens, and sends `iss` in authorization responses. A refresh ends the old access
/// token. A spent refresh token brings the same tokens again for the grace period; after that its use ends the grant.
/// One client, which may authenticate in either way. Its endpoints: `/authorize/`, `/token/`, `/revoke_token/`,
/// and `/api/me`, which is protected.
#[derive(Debug)]
pub struct DjangoOauthToolkit {
    server: AnchorServer,
    /// Holds the database; it goes after the process.
    _folder: TempDir,
}

impl DjangoOauthToolkit {
    /// Starts the server and waits until it listens.
    ///
    /// Python is `python3` on the `PATH`; its packages are in the folder that the environment variable
    /// `TIELINE_TEST_DJANGO` names, else in `target/tools/django-oauth-toolkit`.
    ///
    /// # Errors
    /// When Python or the packages are missing, or the server ends instead of listening.
    pub async fn start(options: DjangoOauthToolkitOptions) -> Result<Self, AnchorError> {
        let packages = tool("TIELINE_TEST_DJANGO").map_or_else(usual_packages, PathBuf::from);
        if !packages.join("oauth2_provider").is_dir() {
            return Err(AnchorError::PackagesMissing {
                packages: "django-oauth-toolkit",
                folder: packages,
            });
        }
        let folder = tempfile::tempdir().map_err(AnchorError::Folder)?;
        let mut command = Command::new("python3");
        command
            // No packages of whoever runs the tests.
            .args(["-s", "server.py"])
            .arg("--folder")
            .arg(folder.path())
            .arg(format!("--redirect-uri={}", options.redirect_uri))
            .arg(format!("--grace-period={}", options.grace_period.as_secs()))
            .arg(format!(
                "--access-token-ttl={}",
                options.access_token_ttl.as_secs()
            ))
            .env("PYTHONPATH", packages)
            .current_dir(source_folder("django-oauth-toolkit"));
        let cure = "`cargo xtask test` installs Python where it is missing";
        Ok(Self {
            server: AnchorServer::start(&mut command, cure).await?,
            _folder: folder,
        })
    }
}

fn usual_packages() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/tools/django-oauth-toolkit"
    ))
}

/// All but the start is the same for every server.
impl Deref for DjangoOauthToolkit {
    type Target = AnchorServer;

    fn deref(&self) -> &AnchorServer {
        &self.server
    }
}
