//! A sandbox in GitHub's place. With the real one, none of this file is there: only its client id and secret are configured.

use std::error::Error;
use std::sync::Arc;

use tieline::core::SystemClock;
use tieline::{Configuration, ParameterKey};
use tieline_sandbox::{Sandbox, VendorRules};

const RULES: &str = include_str!("../../../../../tests/vendors/github.json");

/// Starts it, on this machine.
pub(crate) async fn github() -> Result<Sandbox, Box<dyn Error>> {
    let rules = VendorRules::from_json(RULES)?;
    Ok(Sandbox::start(rules, Arc::new(SystemClock)).await?)
}

/// What `tieline.toml` or the environment say elsewhere, and where GitHub is for once.
pub(crate) fn configuration(sandbox: &Sandbox) -> Result<Configuration, Box<dyn Error>> {
    let (client_id, client_secret) = sandbox.client();
    let values = [
        (ParameterKey::OAUTH_API_KEY, client_id.to_owned()),
        (ParameterKey::OAUTH_API_SECRET, client_secret.to_owned()),
        (
            ParameterKey::OAUTH_AUTHORIZATION_URL,
            sandbox.authorization_endpoint(),
        ),
        (ParameterKey::OAUTH_TOKEN_URL, sandbox.token_endpoint()),
        (
            ParameterKey::OAUTH_TOKEN_REVOKE_URL,
            sandbox.revocation_endpoint().unwrap_or_default(),
        ),
        (ParameterKey::BASE_URL, sandbox.api_base()),
    ];
    let values = values.map(|(key, value)| (key.environment_name("github"), value));
    Ok(Configuration::from_parts(None, values)?)
}
