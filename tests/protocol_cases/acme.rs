//! An invented provider: RFC behaviour, and what a case declares of it.

use tieline_core::descriptor::{Api, Authentication, OAuth2, ProviderDescriptor};
use tieline_core::parameters::Given;
use tieline_core::{
    Configuration, ManualClock, ParameterKey, ParameterMapping, Parameters, ProviderSetup, Secret,
};
use tieline_oauth::{Edge, EdgeOptions, TokenClient};

pub(crate) const CODE: &str = "SplxlOBeZQQYbYS6WxSbIA";
pub(crate) const REDIRECT_URI: &str = "https://host.example/callback/7f?x=1";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Which tenant: what the person who connects would give.
pub(crate) const SHOP: ParameterKey = ParameterKey::new("acme.shop");

/// A provider with a descriptor made for one case.
#[derive(Debug)]
pub(crate) struct Acme(&'static ProviderDescriptor);

impl Acme {
    pub(crate) fn with(oauth2: OAuth2) -> Self {
        const MAPPINGS: &[ParameterMapping] = &[
            ParameterMapping::api_key("Consumer Key"),
            ParameterMapping {
                required: false,
                ..ParameterMapping::api_secret("Consumer Secret")
            },
            ParameterMapping::callback_url("Redirect URL"),
            ParameterMapping::host_label("Shop", SHOP),
        ];
        Self(Box::leak(Box::new(ProviderDescriptor {
            authentication: Authentication::AuthorizationCode(oauth2),
            api: Api {
                base: "https://api.acme.example",
                ..Api::DEFAULT
            },
            ..ProviderDescriptor::new("acme", "Acme", MAPPINGS)
        })))
    }
}

impl ProviderSetup for Acme {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.0
    }
}

/// Endpoints, and otherwise the RFC.
pub(crate) const STANDARD: OAuth2 = OAuth2 {
    authorization_endpoint: "https://acme.example/authorize",
    token_endpoint: "https://acme.example/token",
    ..OAuth2::DEFAULT
};

/// Everything that one token request needs.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) provider: Acme,
    pub(crate) parameters: Parameters,
    pub(crate) clock: ManualClock,
    pub(crate) edge: Edge,
}

impl Bench {
    /// Endpoints of the back channel at `origin`.
    pub(crate) fn new(oauth2: OAuth2, origin: &str, edge: &Edge) -> Self {
        Self::with_credentials(oauth2, origin, edge, "acme-key", Some("acme-s3cr3t"))
    }

    pub(crate) fn with_credentials(
        oauth2: OAuth2,
        origin: &str,
        edge: &Edge,
        id: &str,
        secret: Option<&str>,
    ) -> Self {
        let token = format!("{origin}/token");
        let revoke = format!("{origin}/revoke");
        let device = format!("{origin}/device");
        let more = [
            ("oauth.token.url", &*token),
            ("oauth.token.revoke_url", &*revoke),
            ("oauth.device.authorization.url", &*device),
        ];
        let provider = Acme::with(oauth2);
        let parameters = parameters(&provider, id, secret, &more);
        let clock = ManualClock::new("2026-01-02T03:04:05Z".parse().unwrap());
        Self {
            provider,
            parameters,
            clock,
            edge: edge.clone(),
        }
    }

    pub(crate) fn client(&self) -> TokenClient<'_> {
        TokenClient::new(&self.provider, &self.parameters, &self.edge, &self.clock)
    }
}

pub(crate) fn edge() -> Edge {
    Edge::new(EdgeOptions::default()).unwrap()
}

/// The operator's configuration, as it would come from the environment.
pub(crate) fn parameters(
    provider: &Acme,
    id: &str,
    secret: Option<&str>,
    more: &[(&str, &str)],
) -> Parameters {
    let own = [("oauth.api.key", id), ("oauth.callback.url", REDIRECT_URI)];
    let all = own
        .iter()
        .copied()
        .chain(secret.map(|secret| ("oauth.api.secret", secret)))
        .chain(more.iter().copied());
    let variable = |key: &str| format!("ACME_{}", key.to_ascii_uppercase().replace('.', "_"));
    let environment = all.map(|(key, value)| (variable(key), value.to_owned()));
    let configuration = Configuration::from_parts(None, environment).unwrap();
    configuration.resolve(provider, &Given::new()).unwrap()
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text)
}
