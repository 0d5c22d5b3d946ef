//! The OAuth 2.0 facts of a provider: endpoints, and how each step departs from the RFC.

use serde::Serialize;

use super::{
    AuthorizationRequest, Capture, ClientAuthentication, Rotates, Rotation, Stated, TokenAnswer,
    TokenRequest,
};

/// One authorization server. Field names are those of RFC 8414 where it has them.
///
/// Endpoints may hold placeholders ([`template`](crate::template)).
#[derive(Debug, Clone, Copy, Serialize)]
pub struct OAuth2 {
    /// The issuer identifier (RFC 8414 section 2), where the provider states one.
    pub issuer: Option<&'static str>,
    /// Where the user consents (RFC 6749 section 3.1).
    pub authorization_endpoint: &'static str,
    /// Where codes are exchanged, and tokens refreshed unless `refresh_endpoint` says otherwise (RFC 6749 section 3.2).
    pub token_endpoint: &'static str,
    /// Where tokens are refreshed, if that is elsewhere.
    pub refresh_endpoint: Option<&'static str>,
    /// Where tokens are revoked (RFC 7009 section 2).
    pub revocation_endpoint: Stated<&'static str>,
    /// Which tokens can be revoked. Default: both kinds.
    pub revocable: Revocable,
    /// The statuses with which a token that is dead already is answered there, told without an error code. Default: none, as
    /// RFC 7009 section 2.2 wants success for that.
    pub dead_at_revocation: &'static [u16],
    /// How a person connects on another device (RFC 8628), if the provider offers that.
    pub device: Option<DeviceAuthorization>,
    /// Whether `iss` comes with every callback (RFC 9207 section 3); then a callback without it is refused.
    pub authorization_response_iss_parameter_supported: bool,
    /// How the code is bound to whoever asked for it (RFC 7636). Default: S256.
    pub code_challenge: CodeChallenge,
    /// The scopes asked for unless the app says otherwise.
    pub scopes: &'static [&'static str],
    /// What stands between scopes in a request. Default: a space (RFC 6749 section 3.3).
    pub scope_separator: &'static str,
    /// Whether redirect URIs must be `https`, loopback included. Default: no.
    pub https_redirect_uri_only: bool,
    /// How the authorization request departs from the RFC.
    pub authorization: AuthorizationRequest,
    /// What comes back through the browser.
    pub callback: Callback,
    /// How a code is exchanged (RFC 6749 section 4.1.3).
    pub exchange: TokenRequest,
    /// How a token is refreshed (RFC 6749 section 6).
    pub refresh: TokenRequest,
    /// How a token is revoked (RFC 7009 section 2.1).
    pub revoke: TokenRequest,
    /// How the token endpoint answers (RFC 6749 section 5).
    pub answer: TokenAnswer,
    /// What becomes of a refresh token once it is spent.
    pub rotation: Rotation,
}

/// How the code is bound to whoever asked for it (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeChallenge {
    /// `S256`: what everybody should take.
    S256,
    /// The provider only knows `plain`.
    Plain,
    /// The provider refuses the parameters; says where that was read.
    Refused(&'static str),
}

/// What comes back through the browser (RFC 6749 section 4.1.2), and how it departs from the RFC.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Callback {
    /// The parameter that carries the code. Default: `code`.
    pub code_parameter: &'static str,
    /// Facts to keep from the query.
    pub captures: &'static [Capture],
    /// A parameter that names the tenant's host at the provider.
    pub host: Option<CallbackHost>,
    /// A parameter that proves that the provider wrote the others.
    pub signature: Option<CallbackSignature>,
}

/// A callback parameter that names a host: it must be the one that the authorization was started at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CallbackHost {
    /// The name of the parameter: `shop`.
    pub parameter: &'static str,
    /// The host, with placeholders: `{acme.shop}.shops.acme.example`.
    pub host: &'static str,
}

/// A callback parameter that signs the others: HMAC-SHA256 in hexadecimal, keyed with the client secret, over
/// `name=value` of all others, sorted by name and joined with `&`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CallbackSignature {
    /// The name of the parameter: `hmac`.
    pub parameter: &'static str,
}

/// Which tokens a provider revokes when asked (RFC 7009 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocable {
    /// Refresh tokens and access tokens.
    Both,
    /// Access tokens only.
    AccessToken,
}

/// The device authorization grant (RFC 8628).
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DeviceAuthorization {
    /// Where a user code is asked for (RFC 8628 section 3.1): the `device_authorization_endpoint` of its section 4.
    pub endpoint: &'static str,
    /// How it is asked for.
    pub request: TokenRequest,
    /// How tokens are asked for at the token endpoint (RFC 8628 section 3.4).
    pub token: TokenRequest,
}

impl OAuth2 {
    /// RFC behaviour throughout; endpoints missing.
    pub const DEFAULT: Self = Self {
        issuer: None,
        authorization_endpoint: "",
        token_endpoint: "",
        refresh_endpoint: None,
        revocation_endpoint: Stated::Unknown,
        revocable: Revocable::Both,
        dead_at_revocation: &[],
        device: None,
        authorization_response_iss_parameter_supported: false,
        code_challenge: CodeChallenge::S256,
        scopes: &[],
        scope_separator: " ",
        https_redirect_uri_only: false,
        authorization: AuthorizationRequest::DEFAULT,
        callback: Callback::DEFAULT,
        exchange: TokenRequest::BASIC,
        refresh: TokenRequest::BASIC,
        revoke: TokenRequest::BASIC,
        answer: TokenAnswer::DEFAULT,
        rotation: Rotation::UNKNOWN,
    };

    /// What holds for a provider that knows no OAuth 2.0: no endpoint, and tokens that are never refreshed.
    pub(super) const NONE: Self = Self {
        revocation_endpoint: Stated::None("there is no authorization server"),
        rotation: Rotation {
            rotates: Rotates::NoRefreshToken,
            ..Rotation::UNKNOWN
        },
        ..Self::DEFAULT
    };
}

impl DeviceAuthorization {
    /// As the RFC has it, for a client that has no secret to prove.
    pub const fn new(endpoint: &'static str) -> Self {
        Self {
            endpoint,
            request: TokenRequest::with(ClientAuthentication::Public),
            token: TokenRequest::with(ClientAuthentication::Public),
        }
    }
}

impl Callback {
    /// As the RFC has it.
    pub const DEFAULT: Self = Self {
        code_parameter: "code",
        captures: &[],
        host: None,
        signature: None,
    };
}
