//! How requests to the authorization server are written, step by step.

use serde::Serialize;

use crate::ParameterKey;

/// A step of the back channel. Each is written in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Code for tokens (RFC 6749 section 4.1.3).
    Exchange,
    /// Refresh token for tokens (RFC 6749 section 6).
    Refresh,
    /// The end of a token (RFC 7009 section 2.1).
    Revoke,
    /// The app's own credentials for a token (RFC 6749 section 4.4).
    ClientCredentials,
    /// A user code to be typed on another device (RFC 8628 section 3.1).
    DeviceAuthorization,
    /// The device code for tokens, asked for again and again (RFC 8628 section 3.4).
    DeviceToken,
}

/// How the authorization request departs from RFC 6749 section 4.1.1.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AuthorizationRequest {
    /// Standard name → the provider's name (`client_id` → `client_key`).
    pub names: &'static [(&'static str, &'static str)],
    /// Further parameters; one with a standard name replaces the standard value.
    pub extra: &'static [(&'static str, Extra)],
    /// Standard parameters that are left out.
    pub omit: &'static [&'static str],
}

/// How one request of the back channel is written.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TokenRequest {
    /// Default: POST, as RFC 6749 section 3.2 demands.
    pub method: Method,
    /// Default: a form.
    pub body: BodyFormat,
    /// Exactly one per request (RFC 6749 section 2.3).
    pub client_authentication: ClientAuthentication,
    /// Standard name → the provider's name.
    pub names: &'static [(&'static str, &'static str)],
    /// Further parameters; one with a standard name replaces the standard value.
    pub extra: &'static [(&'static str, Extra)],
    /// Standard parameters that are left out.
    pub omit: &'static [&'static str],
    /// Further headers.
    pub headers: &'static [(&'static str, &'static str)],
}

/// The value of an extra parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// Always this text.
    Fixed(&'static str),
    /// What the app's parameter says; left out when the app has none.
    Parameter(ParameterKey),
    /// The scopes that the app's parameter lists, written as the provider separates them; left out when the app has none.
    Scopes(ParameterKey),
}

/// The method of a request of the back channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// As the RFC demands.
    Post,
    /// Some ask for it; parameters go into the query then.
    Get,
    /// Some revoke so; parameters stand where they would in a POST.
    Delete,
}

/// Where the parameters of a request stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`, as the RFC demands.
    Form,
    /// A JSON object of strings.
    Json,
    /// The query of the URL.
    Query,
}

/// How the app proves itself (RFC 6749 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// HTTP Basic with id and secret form-encoded first, as RFC 6749 section 2.3.1 demands.
    Basic,
    /// HTTP Basic with id and secret as they are.
    BasicRaw,
    /// `client_id` and `client_secret` among the parameters.
    Body,
    /// `client_id` among the parameters, and no secret: a public client.
    Public,
    /// The secret as a bearer token.
    BearerSecret,
}

impl AuthorizationRequest {
    /// As the RFC has it.
    pub const DEFAULT: Self = Self {
        names: &[],
        extra: &[],
        omit: &[],
    };
}

impl TokenRequest {
    /// As the RFC has it: a form, and the client by HTTP Basic.
    pub const BASIC: Self = Self::with(ClientAuthentication::Basic);
    /// A form that carries the client's id and secret too.
    pub const BODY: Self = Self::with(ClientAuthentication::Body);

    /// A form, and the client in the given way.
    pub const fn with(client_authentication: ClientAuthentication) -> Self {
        Self {
            method: Method::Post,
            body: BodyFormat::Form,
            client_authentication,
            names: &[],
            extra: &[],
            omit: &[],
            headers: &[],
        }
    }
}
