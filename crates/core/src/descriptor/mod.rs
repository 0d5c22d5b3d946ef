//! Everything Tieline knows about one provider, as data.

mod answer;
mod api;
mod guide;
mod oauth2;
mod quirks;
mod rate_limit;
mod requests;
mod rotation;
mod validate;
mod validate_endpoints;

pub use answer::{Capture, DeadToken, ErrorWhen, ExpiresInFormat, ExpiresInUnit, TokenAnswer};
pub use api::{Account, AccountFact, Api, HealthCheck, MaskedErrors, TokenPlacement, UnfitToken};
pub use guide::{Category, SetupGuide, Source, Trouble};
pub use oauth2::{
    Callback, CallbackHost, CallbackSignature, CodeChallenge, DeviceAuthorization, OAuth2,
    Revocable,
};
pub use quirks::Quirk;
pub use rate_limit::{CallsLeft, CountedTogether, QuotaHeaders, RateLimit, Reset};
pub use requests::{
    AuthorizationRequest, BodyFormat, ClientAuthentication, Extra, Method, Step, TokenRequest,
};
pub use rotation::{OnReuse, Rotates, Rotation, days, hours, minutes, seconds};
pub use validate::DescriptorProblem;

use serde::Serialize;

use crate::{COMMON_PARAMETERS, OAuthField, ParameterKey, ParameterMapping, SetBy};

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
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// OAuth 2.0, authorization code grant (RFC 6749 section 4.1); the device authorization grant too, if `device` is there.
    AuthorizationCode(OAuth2),
    /// OAuth 2.0, device authorization grant alone (RFC 8628).
    DeviceAuthorization(OAuth2),
    /// OAuth 2.0, client credentials grant (RFC 6749 section 4.4): the app is the account. `exchange` says how tokens are
    /// asked for.
    ClientCredentials(OAuth2),
    /// A key that the account's owner gives: the parameter `api.key`. `api.token_placement` says how calls carry it.
    ApiKey,
    /// HTTP Basic (RFC 7617) with the parameters `username` and `password` of the account's owner.
    Basic,
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

    /// The OAuth 2.0 facts; of a provider that knows no OAuth 2.0, that it has no endpoints and no refresh tokens.
    pub const fn oauth2(&self) -> &OAuth2 {
        const NONE: &OAuth2 = &OAuth2::NONE;
        match &self.authentication {
            Authentication::AuthorizationCode(oauth2)
            | Authentication::DeviceAuthorization(oauth2)
            | Authentication::ClientCredentials(oauth2) => oauth2,
            Authentication::ApiKey | Authentication::Basic => NONE,
        }
    }

    /// Its own mappings, then those that every provider of its kind takes and that it doesn't map itself.
    pub fn parameters(&self) -> impl Iterator<Item = &'static ParameterMapping> + use<> {
        let own = self.mappings;
        let (authentication, device) = (self.authentication, self.oauth2().device.is_some());
        let common = COMMON_PARAMETERS.iter().filter(move |common| {
            authentication.takes(common.parameter, device)
                && own
                    .iter()
                    .all(|mapping| mapping.parameter != common.parameter)
        });
        own.iter().chain(common)
    }

    /// What the person who connects an account gives, apart from a consent.
    pub fn end_user_parameters(&self) -> impl Iterator<Item = &'static ParameterMapping> + use<> {
        let own = self.mappings.iter();
        own.filter(|mapping| mapping.set_by == SetBy::EndUser)
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

impl Authentication {
    /// Whether an instance comes about by a person's consent at the provider, with a browser that comes back.
    pub const fn has_front_channel(&self) -> bool {
        matches!(self, Self::AuthorizationCode(_))
    }

    /// Whether the account's owner gives the credential itself, so that there is nothing to exchange or refresh.
    pub const fn is_given(&self) -> bool {
        matches!(self, Self::ApiKey | Self::Basic)
    }

    /// Whether a parameter that is common to many means anything here.
    fn takes(&self, parameter: ParameterKey, device: bool) -> bool {
        match parameter {
            ParameterKey::BASE_URL => true,
            ParameterKey::OAUTH_AUTHORIZATION_URL => self.has_front_channel(),
            ParameterKey::OAUTH_DEVICE_AUTHORIZATION_URL => device,
            ParameterKey::OAUTH_TOKEN_REFRESH_URL => {
                !self.is_given() && !matches!(self, Self::ClientCredentials(_))
            }
            _ => !self.is_given(),
        }
    }
}
