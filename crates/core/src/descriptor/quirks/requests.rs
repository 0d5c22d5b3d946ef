//! Unusual requests: the authorization, what comes back through the browser, and each step of the back channel.

use super::{Quirks, names, separator};
use crate::descriptor::{
    Authentication, BodyFormat, Callback, ClientAuthentication, CodeChallenge, Extra, Method,
    OAuth2, ProviderDescriptor, Rotates, TokenRequest,
};
use crate::template;

/// The fields of a step, for each step that has its own.
macro_rules! step {
    ($quirks:expr, $request:expr, $title:expr, $step:literal) => {
        add_step(
            $quirks,
            $request,
            $title,
            [
                concat!($step, ".client_authentication"),
                concat!($step, ".method"),
                concat!($step, ".body"),
                concat!($step, ".names"),
                concat!($step, ".extra"),
                concat!($step, ".omit"),
                concat!($step, ".headers"),
            ],
        )
    };
}

pub(super) fn add(descriptor: &ProviderDescriptor, quirks: &mut Quirks) {
    let oauth2 = descriptor.oauth2();
    add_hosts(oauth2, quirks);
    if descriptor.authentication.has_front_channel() {
        add_authorization(oauth2, quirks);
        add_callback(&oauth2.callback, quirks);
    }
    if let Some(device) = &oauth2.device {
        quirks.add(
            "device",
            "An account can also be connected from a machine without a browser, with a code that is typed elsewhere (RFC 8628).",
        );
        step!(
            quirks,
            &device.request,
            "The request for a user code",
            "device.request"
        );
        step!(
            quirks,
            &device.token,
            "The request with a device code",
            "device.token"
        );
    }
    let refreshes = oauth2.rotation.rotates != Rotates::NoRefreshToken;
    match descriptor.authentication {
        Authentication::ClientCredentials(_) => {
            step!(quirks, &oauth2.exchange, "The token request", "exchange");
        }
        Authentication::AuthorizationCode(_) => {
            step!(quirks, &oauth2.exchange, "The exchange", "exchange");
        }
        _ => {}
    }
    if refreshes {
        step!(quirks, &oauth2.refresh, "The refresh", "refresh");
    }
    if oauth2.revocation_endpoint.known().is_some() {
        step!(quirks, &oauth2.revoke, "The revocation", "revoke");
    }
}

fn add_hosts(oauth2: &OAuth2, quirks: &mut Quirks) {
    let per_tenant = !template::placeholders(oauth2.token_endpoint).is_empty();
    if per_tenant {
        quirks.add(
            "token_endpoint",
            format!(
                "Each tenant has endpoints of its own: `{}`.",
                oauth2.token_endpoint
            ),
        );
    }
    if let Some(endpoint) = oauth2.refresh_endpoint {
        quirks.add(
            "refresh_endpoint",
            format!("Tokens are refreshed at an endpoint of its own: `{endpoint}`."),
        );
    }
}

fn add_authorization(oauth2: &OAuth2, quirks: &mut Quirks) {
    match oauth2.code_challenge {
        CodeChallenge::S256 => {}
        CodeChallenge::Plain => quirks.add("code_challenge", "PKCE is taken as `plain` only."),
        CodeChallenge::Refused(_) => quirks.add("code_challenge", "PKCE is not taken."),
    }
    quirks.add_if(
        oauth2.https_redirect_uri_only,
        "https_redirect_uri_only",
        "Redirect URIs must be HTTPS, loopback included.",
    );
    if oauth2.scope_separator != " " {
        quirks.add(
            "scope_separator",
            format!(
                "Scopes are separated by {} in the request.",
                separator(oauth2.scope_separator)
            ),
        );
    }
    let request = &oauth2.authorization;
    add_names(
        quirks,
        "authorization.names",
        "The authorization request",
        request.names,
    );
    add_extra(
        quirks,
        "authorization.extra",
        "The authorization request",
        request.extra,
    );
    add_omitted(
        quirks,
        "authorization.omit",
        "The authorization request",
        request.omit,
    );
}

fn add_callback(callback: &Callback, quirks: &mut Quirks) {
    if callback.code_parameter != "code" {
        quirks.add(
            "callback.code_parameter",
            format!(
                "The callback carries the code in `{}`.",
                callback.code_parameter
            ),
        );
    }
    if !callback.captures.is_empty() {
        quirks.add(
            "callback.captures",
            format!(
                "The callback tells more than a code: {}.",
                names(callback.captures.iter().map(|capture| capture.field))
            ),
        );
    }
    if let Some(host) = callback.host {
        quirks.add(
            "callback.host",
            format!(
                "The callback names the tenant's host in `{}`, which must be the one where the authorization started.",
                host.parameter
            ),
        );
    }
    if let Some(signature) = callback.signature {
        quirks.add(
            "callback.signature",
            format!(
                "The callback is signed: `{}` is an HMAC of its other parameters, keyed with the client secret.",
                signature.parameter
            ),
        );
    }
}

fn add_step(quirks: &mut Quirks, request: &TokenRequest, title: &str, fields: [&'static str; 7]) {
    let [authentication, method, body, renamed, extra, omit, headers] = fields;
    let without_id = request.omit.contains(&"client_id");
    let how = match request.client_authentication {
        ClientAuthentication::Basic => None,
        ClientAuthentication::Public if without_id => Some("does not tell which client asks"),
        ClientAuthentication::BasicRaw => {
            Some("carries the client's id and secret as HTTP Basic without encoding them first")
        }
        ClientAuthentication::Body => Some("carries the client's id and secret in the body"),
        ClientAuthentication::Public => Some("carries the client's id alone"),
        ClientAuthentication::BearerSecret => Some("carries the client's secret as a bearer token"),
    };
    if let Some(how) = how {
        quirks.add(authentication, format!("{title} {how}."));
    }
    match request.method {
        Method::Post => {}
        Method::Get => quirks.add(
            method,
            format!("{title} is a GET with its parameters in the query."),
        ),
        Method::Delete => quirks.add(method, format!("{title} is a DELETE.")),
    }
    match request.body {
        BodyFormat::Form => {}
        BodyFormat::Json => quirks.add(body, format!("{title} is written as a JSON object.")),
        BodyFormat::Query => quirks.add(body, format!("{title} has its parameters in the query.")),
    }
    add_names(quirks, renamed, title, request.names);
    add_extra(quirks, extra, title, request.extra);
    add_omitted(quirks, omit, title, request.omit);
    if !request.headers.is_empty() {
        let names = names(request.headers.iter().map(|(name, _)| name));
        quirks.add(headers, format!("{title} has further headers: {names}."));
    }
}

fn add_names(quirks: &mut Quirks, field: &'static str, title: &str, renamed: &[(&str, &str)]) {
    if !renamed.is_empty() {
        let pairs: Vec<_> = renamed
            .iter()
            .map(|(standard, theirs)| format!("`{standard}` `{theirs}`"))
            .collect();
        quirks.add(
            field,
            format!("{title} calls {}.", crate::words::list(&pairs)),
        );
    }
}

fn add_extra(quirks: &mut Quirks, field: &'static str, title: &str, extra: &[(&str, Extra)]) {
    if !extra.is_empty() {
        let pairs: Vec<_> = extra
            .iter()
            .map(|(name, value)| match value {
                Extra::Fixed(text) => format!("`{name}={text}`"),
                Extra::Parameter(key) | Extra::Scopes(key) => {
                    format!("`{name}` (from `{key}`, if that is set)")
                }
            })
            .collect();
        quirks.add(
            field,
            format!("{title} also says {}.", crate::words::list(&pairs)),
        );
    }
}

fn add_omitted(quirks: &mut Quirks, field: &'static str, title: &str, omitted: &[&str]) {
    if !omitted.is_empty() {
        quirks.add(field, format!("{title} goes without {}.", names(omitted)));
    }
}
