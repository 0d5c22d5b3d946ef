//! Everything Tieline knows about one provider, as data.

mod answer;
mod api;
mod guide;
mod oauth2;
mod requests;
mod rotation;
mod validate;

pub use answer::{Capture, DeadToken, ErrorWhen, ExpiresInFormat, ExpiresInUnit, TokenAnswer};
pub use api::{Account, AccountFact, Api, HealthCheck, RateLimit, TokenPlacement};
pub use guide::{Category, SetupGuide, Source, Trouble};
pub use oauth2::{Callback, CallbackHost, CodeChallenge, OAuth2};
pub use requests::{
    AuthorizationRequest, BodyFormat, ClientAuthentication, Extra, Method, Step, TokenRequest,
};
pub use rotation::{OnReuse, Rotates, Rotation, days, hours, minutes, seconds};
pub use validate::DescriptorProblem;

use serde::Serialize;

use crate::{COMMON_PARAMETERS, OAuthField, ParameterKey, ParameterMapping};

/// The facts of one provider: `static`, built while compiling, and the single origin of behaviour, documentation and
/// set-up pages.
///
/// Id, name and mappings go through [`new`](Self::new), so that forgetting one does not compile; everything else has a
/// default that is either harmless or refused by [`validate`](Self::validate).
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ProviderDescriptor {
    /// Names the provider everywhere: lower-case letters, digits and dashes.
    pub id: &'static str,
    /// What people call the connector: "Acme REST".
    pub name: &'static str,
    /// Whose product it is, as in "register an app with Acme". Default: the name.
    pub vendor: &'static str,
    /// Credential → parameter, in the order in which a person meets them.
    pub mappings: &'static [ParameterMapping],
    /// Other ids under which hosts may know this provider.
    pub aliases: &'static [&'static str],
    /// Where a catalogue files it.
    pub category: Category,
    /// How an instance proves itself.
    pub authentication: Authentication,
    /// Where calls go.
    pub api: Api,
    /// How many calls the provider takes, tightest first.
    pub rate_limits: Stated<&'static [RateLimit]>,
    /// How a person registers an app and finds its credentials.
    pub guide: SetupGuide,
    /// Where all of this was read, and when.
    pub sources: &'static [Source],
}

/// How an instance proves itself to the provider.
///
/// API keys, basic credentials, client credentials and device authorization join here as variants.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// OAuth 2.0, authorization code grant (RFC 6749 section 4.1).
    AuthorizationCode(OAuth2),
}

/// A fact that a provider may lack: told apart from one that nobody looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stated<T> {
    /// Nobody looked it up. Conformance refuses to let this stand.
    Unknown,
    /// The provider has none; says where that was read.
    None(&'static str),
    /// The fact.
    Known(T),
}

impl<T: Copy> Stated<T> {
    /// The fact, if there is one.
    pub const fn known(&self) -> Option<T> {
        match self {
            Self::Known(fact) => Some(*fact),
            Self::Unknown | Self::None(_) => None,
        }
    }
}

impl ProviderDescriptor {
    /// The three things no provider can lack; the rest by `..`.
    pub const fn new(
        id: &'static str,
        name: &'static str,
        mappings: &'static [ParameterMapping],
    ) -> Self {
        Self {
            id,
            name,
            vendor: name,
            mappings,
            aliases: &[],
            category: Category::Other,
            authentication: Authentication::AuthorizationCode(OAuth2::DEFAULT),
            api: Api::DEFAULT,
            rate_limits: Stated::Unknown,
            guide: SetupGuide::DEFAULT,
            sources: &[],
        }
    }

    /// The OAuth 2.0 facts.
    pub const fn oauth2(&self) -> &OAuth2 {
        let Authentication::AuthorizationCode(oauth2) = &self.authentication;
        oauth2
    }

    /// Its own mappings, then those that every provider of its kind takes and that it doesn't map itself.
    pub fn parameters(&self) -> impl Iterator<Item = &'static ParameterMapping> + use<> {
        let own = self.mappings;
        let common = COMMON_PARAMETERS.iter().filter(move |common| {
            own.iter()
                .all(|mapping| mapping.parameter != common.parameter)
        });
        own.iter().chain(common)
    }

    /// The row of `key`, if this provider takes it.
    pub fn parameter(&self, key: ParameterKey) -> Option<&'static ParameterMapping> {
        self.parameters().find(|mapping| mapping.parameter == key)
    }

    /// The row that becomes `field` of the protocol.
    pub fn parameter_for_field(&self, field: OAuthField) -> Option<&'static ParameterMapping> {
        self.parameters()
            .find(|mapping| mapping.oauth_field == Some(field))
    }
}
