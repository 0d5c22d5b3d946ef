//! One row of the credential-mapping table: provider credential → parameter → OAuth field.

use std::fmt;

use serde::Serialize;

use crate::ParameterKey;

/// What a provider calls a credential, and which parameter carries it.
///
/// ```
/// use tieline_core::{ParameterKey, ParameterMapping};
///
/// const KEY: ParameterMapping = ParameterMapping::api_key("Consumer Key");
/// assert_eq!(KEY.parameter, ParameterKey::OAUTH_API_KEY);
/// ```
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ParameterMapping {
    /// The provider's own word, as its portal prints it. Empty for an override, which has none.
    pub credential: &'static str,
    /// The parameter that carries it.
    pub parameter: ParameterKey,
    /// Where the protocol puts it, if it is a protocol field.
    pub oauth_field: Option<OAuthField>,
    /// Who sets it.
    pub set_by: SetBy,
    /// Whether it is sealed, redacted and never shown again.
    pub secret: bool,
    /// Whether nothing works without it.
    pub required: bool,
    /// What it must look like.
    pub format: Format,
    /// What holds when nobody sets it.
    pub default: Option<&'static str>,
    /// What it is, in one sentence without a full stop.
    pub description: &'static str,
}

/// The field of the protocol that a parameter becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OAuthField {
    /// RFC 6749 section 2.2.
    ClientId,
    /// RFC 6749 section 2.3.1.
    ClientSecret,
    /// RFC 6749 section 3.1.2.
    RedirectUri,
    /// RFC 6749 section 3.3.
    Scope,
}

/// Who gives a parameter its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetBy {
    /// Whoever runs Tieline, in its configuration; a tenant never may.
    Operator,
    /// The administrator who registered the app with the provider.
    Tenant,
    /// The person whose account gets connected.
    EndUser,
    /// Tieline itself, while it authorizes and refreshes.
    System,
}

/// What the text of a parameter must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Anything on one line, neither starting nor ending with a space.
    Text,
    /// An absolute `https` URL without fragment or credentials; plain `http` only for loopback addresses.
    Url,
    /// One label of a host's name, lower-case: what stands in a provider's host where its tenants differ.
    HostLabel,
    /// One of these words. Each with the text that takes its place in endpoints.
    OneOf(&'static [(&'static str, &'static str)]),
}

impl ParameterMapping {
    /// The app's client identifier: `oauth.api.key`.
    pub const fn api_key(credential: &'static str) -> Self {
        Self {
            oauth_field: Some(OAuthField::ClientId),
            description: "The identifier that the provider gave your app",
            ..Self::new(credential, ParameterKey::OAUTH_API_KEY)
        }
    }

    /// The app's client secret: `oauth.api.secret`.
    pub const fn api_secret(credential: &'static str) -> Self {
        Self {
            oauth_field: Some(OAuthField::ClientSecret),
            secret: true,
            description: "The secret that the provider gave your app",
            ..Self::new(credential, ParameterKey::OAUTH_API_SECRET)
        }
    }

    /// The redirection endpoint registered with the provider: `oauth.callback.url`.
    pub const fn callback_url(credential: &'static str) -> Self {
        Self {
            oauth_field: Some(OAuthField::RedirectUri),
            format: Format::Url,
            description: "The URL to which the provider sends the user back, exactly as registered",
            ..Self::new(credential, ParameterKey::OAUTH_CALLBACK_URL)
        }
    }

    /// Scopes that are asked for in a parameter of their own, separated by spaces; optional.
    pub const fn scopes(credential: &'static str, parameter: ParameterKey) -> Self {
        Self {
            required: false,
            description: "The further scopes to ask for, separated by spaces",
            ..Self::new(credential, parameter)
        }
    }

    /// The label that tells one tenant's host from another's, given by the person who connects: `acme` of
    /// `acme.shops.example`.
    pub const fn host_label(credential: &'static str, parameter: ParameterKey) -> Self {
        Self {
            set_by: SetBy::EndUser,
            format: Format::HostLabel,
            description: "The part of your own address that comes before the provider's domain",
            ..Self::new(credential, parameter)
        }
    }

    /// The key by which an account's owner lets others in: `api.key`.
    pub const fn account_key(credential: &'static str) -> Self {
        Self {
            set_by: SetBy::EndUser,
            secret: true,
            description: "The key that the provider gave the person whose account is connected",
            ..Self::new(credential, ParameterKey::API_KEY)
        }
    }

    /// The name with which an account's owner signs in: `username`.
    pub const fn username(credential: &'static str) -> Self {
        Self {
            set_by: SetBy::EndUser,
            description: "The name with which the person whose account is connected signs in",
            ..Self::new(credential, ParameterKey::USERNAME)
        }
    }

    /// The password that goes with it: `password`.
    pub const fn password(credential: &'static str) -> Self {
        Self {
            set_by: SetBy::EndUser,
            secret: true,
            description: "The password that goes with the name",
            ..Self::new(credential, ParameterKey::PASSWORD)
        }
    }

    /// Any other credential: required, not secret, set by the tenant.
    pub const fn new(credential: &'static str, parameter: ParameterKey) -> Self {
        Self {
            credential,
            parameter,
            oauth_field: None,
            set_by: SetBy::Tenant,
            secret: false,
            required: true,
            format: Format::Text,
            default: None,
            description: "",
        }
    }

    const fn endpoint_override(parameter: ParameterKey, description: &'static str) -> Self {
        Self {
            set_by: SetBy::Operator,
            required: false,
            format: Format::Url,
            description,
            ..Self::new("", parameter)
        }
    }
}

/// Parameters that providers take besides their own credentials, all optional: those of the authorization code grant,
/// and among them those of the other ways to authenticate.
///
/// The overrides are the operator's alone: they are how a sandbox, a proxy or a regional endpoint takes the provider's
/// place, and a tenant who could set them would receive other people's client secrets.
pub const COMMON_PARAMETERS: &[ParameterMapping] = &[
    ParameterMapping {
        oauth_field: Some(OAuthField::Scope),
        required: false,
        description: "The scopes to ask for, separated by spaces, instead of the provider's usual ones",
        ..ParameterMapping::new("", ParameterKey::OAUTH_SCOPE)
    },
    ParameterMapping::endpoint_override(
        ParameterKey::OAUTH_AUTHORIZATION_URL,
        "Takes the place of the provider's authorization endpoint",
    ),
    ParameterMapping::endpoint_override(
        ParameterKey::OAUTH_DEVICE_AUTHORIZATION_URL,
        "Takes the place of the provider's device authorization endpoint",
    ),
    ParameterMapping::endpoint_override(
        ParameterKey::OAUTH_TOKEN_URL,
        "Takes the place of the provider's token endpoint",
    ),
    ParameterMapping::endpoint_override(
        ParameterKey::OAUTH_TOKEN_REFRESH_URL,
        "Takes the place of the endpoint that refreshes, where that is not the token endpoint",
    ),
    ParameterMapping::endpoint_override(
        ParameterKey::OAUTH_TOKEN_REVOKE_URL,
        "Takes the place of the provider's revocation endpoint",
    ),
    ParameterMapping::endpoint_override(
        ParameterKey::BASE_URL,
        "Takes the place of the base of the provider's API",
    ),
];

impl OAuthField {
    /// The name that the RFC gives the field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::RedirectUri => "redirect_uri",
            Self::Scope => "scope",
        }
    }
}

impl fmt::Display for OAuthField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for SetBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operator => "operator",
            Self::Tenant => "tenant",
            Self::EndUser => "end user",
            Self::System => "system",
        })
    }
}
